// Configurations that can't be used, and what their operator reads.

import Testing
import TokenStore

@testable import Policy

@Suite struct ConfigurationProblemTests {
    private static let stores = """
        stores:
          hub: { kind: fake-forge, url: https://github.com, privateKey: { file: /k } }
          reg: { kind: fake-registry, host: r.example }

        """

    private static func grant(_ fields: String) -> String {
        stores + "grants:\n  - { name: reg, to: { namespace: a, serviceAccount: b }, store: reg, "
            + "allow: { repositories: [a], actions: [pull] } }\n  - \(fields)\n"
    }

    /// The whole of what is said about a configuration; the file's name is `f` and left out.
    private static func problems(_ yaml: String) -> [String] {
        do throws(ConfigurationProblems) {
            _ = try NodeConfiguration.load(yaml: yaml, file: "f", kinds: fakeKinds)
            return []
        } catch {
            #expect(error.description == error.problems.map(\.description).joined(separator: "\n"))
            #expect(error.problems.contains { $0.severity == .error })
            return error.problems.filter { $0.severity == .error }
                .map { $0.description.replacing("f:", with: "", maxReplacements: 1) }
        }
    }

    @Test(arguments: [
        ("", ["1:1: error: there is nothing in it"]),
        ("- a", ["1:1: error: expected a mapping (key: value), found a list"]),
        ("grants: []", [#"1:1: error: the key "stores" is missing"#]),
        ("stores:", [#"1:1: error: the key "stores" has no value"#]),
        ("stores: {}", ["1:9: error: stores: there is no store in it"]),
        ("stores: []", ["1:9: error: stores: expected a mapping (key: value), found a list"]),
        ("store: { a: b }", [#"1:1: error: unknown key "store"; did you mean "stores"?"#]),
        (
            "stores:\n  hub:\n    url: x",
            [#"2:3: error: stores.hub: the key "kind" is missing; known kinds: fake-forge, fake-registry"#]
        ),
        ("stores: { a: b }", ["1:14: error: stores.a: expected a mapping (key: value), found text"]),
        (
            "stores:\n  a:\n    kind: fake-registry\n    host: h\n    limits: { rates: 1, burst: 0, concurrent: 1.5 }",
            [
                #"5:15: error: stores.a.limits: unknown key "rates"; did you mean "rate"?"#,
                "5:32: error: stores.a.limits.burst: 0 is not from 1 to 10000",
                #"5:47: error: stores.a.limits.concurrent: expected a whole number, found the text "1.5""#,
            ]
        ),
        (
            "stores: { a: { kind: fake-registry, host: h, limits: { rate: 0.001 } } }",
            ["1:62: error: stores.a.limits.rate: 0.001 is not from 0.01 to 1000"]
        ),
        (
            "stores: { a: { kind: fake-registry, host: h, limits: { rate: 1001, burst: 10001, concurrent: 1001 } } }",
            [
                "1:62: error: stores.a.limits.rate: 1001 is not from 0.01 to 1000",
                "1:75: error: stores.a.limits.burst: 10001 is not from 1 to 10000",
                "1:94: error: stores.a.limits.concurrent: 1001 is not from 1 to 1000",
            ]
        ),
        (
            "stores: { a: { kind: fake-registry, host: h, limits: { rate: fast, burst: -1, concurrent: \"8\" } } }",
            [
                #"1:62: error: stores.a.limits.rate: expected a number, found the text "fast""#,
                "1:75: error: stores.a.limits.burst: -1 is not from 1 to 10000",
                #"1:91: error: stores.a.limits.concurrent: expected a whole number, found the text "8" in quotes"#,
            ]
        ),
        (
            "stores: { a: { kind: fake-registry, host: h, limits: 10 } }",
            [#"1:54: error: stores.a.limits: expected a mapping (key: value), found text"#]
        ),
        (
            "stores: { a: { kind: fake-registry, host: h, limit: { rate: 1 } } }",
            [#"1:46: error: stores.a: unknown key "limit"; did you mean "limits"?"#]
        ),
        (
            "stores: { a: { kind: fake-forg } }",
            [
                #"1:22: error: stores.a.kind: expected one of fake-forge, fake-registry, found the text "fake-forg"; "#
                    + #"did you mean "fake-forge"?"#
            ]
        ),
        (
            "stores: { a: { kind: gitlab } }",
            [#"1:22: error: stores.a.kind: expected one of fake-forge, fake-registry, found the text "gitlab""#]
        ),
        (
            "stores:\n  a b:\n    kind: fake-registry\n    host: h",
            [
                #"2:3: error: stores["a b"]: its key is no name; names are letters, digits, ".", "_" and "-", "#
                    + "at most 63, and begin with a letter or digit"
            ]
        ),
        (
            "stores:\n  a:\n    kind: fake-registry\n    hots: h",
            [#"4:5: error: stores.a: unknown key "hots"; did you mean "host"?"#]
        ),
        (
            "stores:\n  a:\n    kind: fake-forge\n    url: https://h\n    privateKey: { fiel: /k }",
            [#"5:19: error: stores.a.privateKey: unknown key "fiel"; did you mean "file"?"#]
        ),
        (
            "stores:\n  a:\n    kind: fake-forge\n    url: https://h\n    privateKey: { file: /k }\n"
                + "    retry: { attempts: many }",
            [#"6:24: error: stores.a.retry.attempts: expected a whole number, found the text "many""#]
        ),
        (
            "stores:\n  a:\n    kind: fake-forge\n    url: http://h.example\n    privateKey: { file: /k }",
            [
                "2:3: error: stores.a: url can't be used: the server's URL must be https (http is taken on a "
                    + "loopback address only); write https://HOST"
            ]
        ),
    ])
    func stores(yaml: String, expected: [String]) {
        #expect(Self.problems(yaml) == expected)
    }

    @Test(arguments: [
        (
            "{ name: c, to: { namespace: a, serviceAcount: b }, store: hub, "
                + "allow: { repositories: [a/b], permissions: { contents: read } } }",
            [#"6:36: error: grants[1].to: unknown key "serviceAcount"; did you mean "serviceAccount"?"#]
        ),
        (
            "{ name: c, to: { namespace: a }, store: hub, "
                + "allow: { repositories: [a/b], permissions: { contents: read } } }",
            [#"6:20: error: grants[1].to: the key "serviceAccount" is missing"#]
        ),
        (
            "{ name: reg, to: { namespace: a, serviceAccount: b }, store: reg, "
                + "allow: { repositories: [a], actions: [pull] } }",
            [#"6:13: error: grants[1].name: the grant of line 5 is called "reg", too; rename one"#]
        ),
        (
            "{ name: c, to: { namespace: a, serviceAccount: b }, store: hug, "
                + "allow: { repositories: [a/b], permissions: { contents: read } } }",
            [#"6:64: error: grants[1].store: there is no such store; did you mean "hub"?"#]
        ),
        (
            "{ name: c, to: { namespace: a, serviceAccount: b }, store: elsewhere, "
                + "allow: { repositories: [a/b], permissions: { contents: read } } }",
            ["6:64: error: grants[1].store: there is no such store; the stores are: hub, reg"]
        ),
        (
            "{ name: c, to: { namespace: a, serviceAccount: b }, store: hub, "
                + "allow: { repositories: [], permissions: { contents: read } } }",
            [
                "6:76: error: grants[1].allow: it allows no repository; write for example: "
                    + #"repositories: ["owner/*"]"#
            ]
        ),
        (
            "{ name: c, to: { namespace: a, serviceAccount: b }, store: hub, allow: { repositories: [a/b] } }",
            [
                "6:76: error: grants[1].allow: it allows neither permissions nor actions; write for example: "
                    + "permissions: { contents: read } or actions: [pull]"
            ]
        ),
        (
            "{ name: c, to: { namespace: a, serviceAccount: b }, store: hub, "
                + "allow: { repositories: [a/b], permissions: { content: raed }, actions: [pul] } }",
            [
                "6:114: error: grants[1].allow.permissions.content: the store's source knows no such "
                    + #"permission; did you mean "contents"?"#,
                "6:123: error: grants[1].allow.permissions.content: expected one of read, write, admin, "
                    + #"found the text "raed"; did you mean "read"?"#,
                "6:141: error: grants[1].allow.actions[0]: expected one of pull, push, delete, found the "
                    + #"text "pul"; did you mean "pull"?"#,
            ]
        ),
        (
            "{ name: c, to: { namespace: \"[a]\", serviceAccount: b }, store: hub, "
                + "allow: { repositories: [\"https://github.com/a/*\", a/b], permissions: { contents: read } } }",
            [
                "6:33: error: grants[1].to.namespace: no name holds the character [; wildcards are *, ** and ? only",
                "6:97: error: grants[1].allow.repositories[0]: the pattern is matched with names like owner/name, "
                    + "so leave out the scheme and the host",
            ]
        ),
        (
            "{ name: c, to: { namespace: a, serviceAccount: b }, store: hub, "
                + "allow: { repositories: [a, a/b/c, a/*, \"**\", a/**], permissions: { contents: read } } }",
            [
                "6:93: error: grants[1].allow.repositories[0]: it matches no repository of this store, "
                    + "whose names have 2 parts; write owner/* for all repositories of owner",
                "6:96: error: grants[1].allow.repositories[1]: it matches no repository of this store, "
                    + "whose names have 2 parts; write owner/* for all repositories of owner",
            ]
        ),
        (
            "{ name: \"a\\nb\", to: x, store: hub, allow: 5, extra: 1 }",
            [
                #"6:13: error: grants[1].name: it is no name; names are letters, digits, ".", "_" and "#
                    + #""-", at most 63, and begin with a letter or digit"#,
                "6:25: error: grants[1].to: expected a mapping (key: value), found text",
                "6:47: error: grants[1].allow: expected a mapping (key: value), found text",
                #"6:50: error: grants[1]: unknown key "extra"; known keys: allow, name, store, to"#,
            ]
        ),
    ])
    func grants(fields: String, expected: [String]) {
        #expect(Self.problems(Self.grant(fields)) == expected)
    }

    @Test(arguments: [
        (
            "identity: drivers",
            [
                "4:11: error: identity: expected driver or a mapping of issuer, audience, jwks and "
                    + #"leeway, found the text "drivers"; did you mean "driver"?"#
            ]
        ),
        (
            "identity: [driver]",
            [
                "4:11: error: identity: expected a mapping (key: value), found a list"
            ]
        ),
        (
            "identity: { jwks: { file: /j } }",
            [
                "4:19: error: identity.jwks: a key file does not say whose keys it holds; set "
                    + "identity.issuer to the API server's --service-account-issuer"
            ]
        ),
        (
            "identity: { issuer: i, jwks: { file: j } }",
            [
                "4:38: error: identity.jwks.file: it is no path of a file; write the whole path, from "
                    + "the root: /..."
            ]
        ),
        (
            "identity: { issuer: ~, jwks: { file: /j } }",
            [
                "4:30: error: identity.jwks: a key file does not say whose keys it holds; set "
                    + "identity.issuer to the API server's --service-account-issuer"
            ]
        ),
        (
            "identity: { issuer: i, jwks: {} }",
            [
                #"4:30: error: identity.jwks: the key "file" is missing"#
            ]
        ),
        (
            "identity: { audience: \"a b\", leeway: 6m, isuer: x }",
            [
                "4:23: error: identity.audience: it is empty, longer than 256 bytes, or holds a space or "
                    + "a character beyond ASCII",
                "4:38: error: identity.leeway: it is not from 0s to 5m",
                #"4:42: error: identity: unknown key "isuer"; did you mean "issuer"?"#,
            ]
        ),
        (
            "server: { mountDeadline: 111s, drain: 10, maxRequestBytes: 1 }",
            [
                "4:26: error: server.mountDeadline: it is not from 1s to 110s",
                "4:39: error: server.drain: it is no duration; write a whole number with its unit: "
                    + "500ms, 30s, 5m or 1h",
                "4:60: error: server.maxRequestBytes: 1 is not from 65536 to 8388608",
            ]
        ),
        (
            "server: { mountDeadline: 999ms, drain: 1.5s, socket: run.sock }",
            [
                "4:26: error: server.mountDeadline: it is not from 1s to 110s",
                "4:40: error: server.drain: it is no duration; write a whole number with its unit: "
                    + "500ms, 30s, 5m or 1h",
                "4:54: error: server.socket: it is no path of a file; write the whole path, from the "
                    + "root: /...",
            ]
        ),
        (
            "server: { mountDeadline: \"\", drain: s, maxRequestBytes: 4MiB }",
            [
                "4:26: error: server.mountDeadline: it is no duration; write a whole number with its "
                    + "unit: 500ms, 30s, 5m or 1h",
                "4:37: error: server.drain: it is no duration; write a whole number with its unit: "
                    + "500ms, 30s, 5m or 1h",
                #"4:57: error: server.maxRequestBytes: expected a whole number, found the text "4MiB""#,
            ]
        ),
        (
            "server: { drain: 99999999999999999999h }",
            [
                "4:18: error: server.drain: it is no duration; write a whole number with its unit: "
                    + "500ms, 30s, 5m or 1h"
            ]
        ),
        (
            "server: { socket: /\(String(repeating: "s", count: 107)) }",
            [
                "4:19: error: server.socket: the path has 108 bytes, and 107 fit"
            ]
        ),
        (
            "http: { proxy: proxy.example }",
            [
                "4:16: error: http.proxy: it is no URL of a proxy; write http://host:port, "
                    + "https://host:port, socks5h://host:port or none"
            ]
        ),
        (
            "http: { proxy: \"http://user:hunter2@proxy.example\" }",
            [
                "4:16: error: http.proxy: it holds a user name or password, and this file is no place "
                    + "for secrets; leave proxy out and set https_proxy in the daemon's environment from a "
                    + "Secret"
            ]
        ),
        (
            "http: { noProxy: [a], connectTimeout: 2m }",
            [
                "4:18: error: http.noProxy: it says nothing without a proxy; set proxy to the proxy's URL",
                "4:39: error: http.connectTimeout: it is not from 100ms to 1m",
            ]
        ),
        (
            "http: { proxy: \"http://p:1\", noProxy: [\"a,b\", \"\"] }",
            [
                "4:40: error: http.noProxy[0]: it holds a comma; write one host for each element",
                "4:47: error: http.noProxy[1]: it is empty, longer than 255 bytes, or holds a space or a "
                    + "character beyond ASCII",
            ]
        ),
        (
            "http: { clientCertificate: { certificate: /c.pem } }",
            [#"4:28: error: http.clientCertificate: the key "key" is missing"#]
        ),
        (
            "http: { clientCertificate: { certificate: c.pem, key: /k, ca: /x } }",
            [
                "4:43: error: http.clientCertificate.certificate: it is no path of a file; write the whole path, from the "
                    + "root: /...",
                "4:59: error: http.clientCertificate: unknown key \"ca\"; known keys: certificate, key",
            ]
        ),
        (
            "http: { clientCertificate: /c.pem }",
            ["4:28: error: http.clientCertificate: expected a mapping (key: value), found text"]
        ),
        (
            "htp: {}",
            [
                #"4:1: error: unknown key "htp"; did you mean "http"?"#
            ]
        ),
    ])
    func theRest(yaml: String, expected: [String]) {
        #expect(Self.problems(Self.stores + yaml) == expected)
    }

    @Test func allAtOnceInTheOrderOfTheFile() {
        let yaml = """
            grants:
              - name: one
                to: { namespace: a, serviceAccount: b }
                store: hub
                allow: { repositories: [x/y], permisions: { contents: read } }
              - to: { namespace: a }
            stores:
              hub: { kind: fake-forge, url: https://github.com }
              reg: { kind: nothing }
            identity: { leeway: 1d }
            """
        #expect(
            Self.problems(yaml) == [
                #"5:35: error: grants[0].allow: unknown key "permisions"; did you mean "permissions"?"#,
                #"6:5: error: grants[1]: the key "name" is missing"#,
                #"6:5: error: grants[1]: the key "store" is missing"#,
                #"6:5: error: grants[1]: the key "allow" is missing"#,
                #"6:9: error: grants[1].to: the key "serviceAccount" is missing"#,
                #"8:8: error: stores.hub: the key "privateKey" is missing"#,
                "9:16: error: stores.reg.kind: expected one of fake-forge, fake-registry, found the text "
                    + #""nothing""#,
                "10:21: error: identity.leeway: it is no duration; write a whole number with its unit: "
                    + "500ms, 30s, 5m or 1h",
            ]
        )
    }

    @Test func showsNoSecretThatWasPastedIn() {
        let text = Self.problems(
            Self.stores.replacing("{ file: /k }", with: "-----BEGIN-hunter2") + "server: hunter2\n"
                + "http: { proxy: \"http://u:hunter2@p\", caFile: hunter2 }\ngrants: hunter2"
        ).joined()
        #expect(!text.isEmpty)
        #expect(!text.contains("hunter2"))
    }
}
