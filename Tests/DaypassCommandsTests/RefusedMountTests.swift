// What the daemon refuses on its real socket, with the code and the text that a user sees; and that nothing is minted.

import DriverCall
import LoopbackCluster
import LoopbackForge
import Support
import Testing
import TokenStore

/// A call that must be refused.
private struct BadCall: Sendable {
    let name: String
    /// How the answer must begin.
    let line: String
    let call: @Sendable (Node, inout Call) throws -> Void

    struct Call {
        var attributes: DriverAttributes
        var raw: String?
    }

    init(_ name: String, _ line: String, _ call: @escaping @Sendable (Node, inout Call) throws -> Void) {
        self.name = name
        self.line = line
        self.call = call
    }

    /// A service account token that is wrong.
    static func token(
        _ name: String,
        _ line: String,
        _ signing: TokenSigning = .rs256,
        _ change: @escaping @Sendable (inout PodToken) -> Void = { _ in }
    ) -> BadCall {
        BadCall(name, line) { node, call in
            call.attributes.tokens[0].token = try node.token(of: call.attributes.subject, signing, change)
        }
    }

    /// A volumeAttribute of the Pod.
    static func attribute(_ key: String, _ value: String, _ line: String) -> BadCall {
        BadCall("\(key): \(value)", line) { _, call in call.attributes.volumeAttributes[key] = value }
    }

    /// A file of the Pod's own wish.
    static func files(_ files: String, _ line: String) -> BadCall {
        let entries = files.split(separator: ";").map { "{path: \($0), format: token, tokens: [source]}" }
        return attribute("files", "[\(entries.joined(separator: ", "))]", "INVALID_ARGUMENT: FileInvalid: file \(line)")
    }

    /// A token of the Pod's own wish.
    static func ask(_ repository: String, _ permissions: String, _ line: String) -> BadCall {
        let entry = "{name: source, store: github, repository: \(repository), permissions: {\(permissions)}}"
        return attribute("tokens", "[\(entry)]", line)
    }

    static let origin = "the token must be kubelet's own, from tokenRequests of the CSIDriver object"

    static let all: [BadCall] = [
        .token(
            "another audience",
            "UNAUTHENTICATED: TokenRejected: the service account token is for audience \"vault\", not \"daypass\"; ask "
        ) { $0.audiences = ["vault"] },
        .token(
            "another issuer",
            "UNAUTHENTICATED: TokenRejected: the service account token is of issuer \"https://elsewhere.example\", not "
        ) { $0.issuer = "https://elsewhere.example" },
        .token("expired", "UNAUTHENTICATED: TokenExpired: the service account token ended at 2001-09-09T01:46:40Z, ") {
            $0.expiresAt = UTCInstant(epochSeconds: 1_000_000_000)
        },
        .token(
            "another Pod",
            """
            UNAUTHENTICATED: TokenNotForPod: the service account token is of another Pod: its Pod name is "build-2", \
            that of kubelet's attributes is "build-1" (other too: Pod UID in kubelet's attributes, Pod UID in target_path)
            """
        ) { $0.subject = .build(2) },
        .token(
            "alg none",
            "UNAUTHENTICATED: TokenRejected: the service account token is not signed (alg \"none\"); only RS256 and "
                + "ES256 are accepted; \(origin)",
            .unsigned
        ),
        .token(
            "HMAC with the public key",
            "UNAUTHENTICATED: TokenRejected: the service account token is signed with another algorithm (alg "
                + "\"HS256\"); only RS256 and ES256 are accepted; \(origin)",
            .hmacWithPublicKey
        ),
        .token(
            "unknown kid",
            "UNAUTHENTICATED: TokenRejected: the service account token is signed with key \"unknown-key\", which is "
                + "not among the cluster's keys (2 from ",
            .unknownKey
        ),
        .token(
            "a known kid on another key's signature",
            "UNAUTHENTICATED: TokenRejected: the service account token's signature is not that of key ",
            .forgedKeyID
        ),
        BadCall(
            "no token",
            """
            FAILED_PRECONDITION: TokenMissing: no service account token for audience "daypass" came with the call (no \
            token came at all); add {audience: "daypass"} to tokenRequests of the CSIDriver object
            """
        ) { _, call in call.attributes.tokens = [] },
        BadCall("a stolen token where kubelet sends none", "UNAUTHENTICATED: TokenNotForPod: ") { node, call in
            call.attributes.volumeAttributes[tokensKey] = try node.attributes(for: .build(2)).tokensJSON
            call.attributes.tokens = []
        },
        BadCall("a forged token where kubelet sends none", "UNAUTHENTICATED: TokenRejected: ") { node, call in
            let forged = try node.token(of: call.attributes.subject, .unsigned)
            call.attributes.volumeAttributes[tokensKey] = try node.attributes(for: .build(1), token: forged).tokensJSON
            call.attributes.tokens = []
        },
        BadCall(
            "the token of a Pod that may, brought along by one that may not",
            "PERMISSION_DENIED: NotGranted: no grant names namespace \"somewhere\", service account \"builder\"; ask "
        ) { node, call in
            var stranger = Subject.build(1)
            stranger.namespace = "somewhere"
            call.attributes = try node.attributes(for: stranger)
            call.attributes.volumeAttributes[tokensKey] = try node.attributes(for: .build(2)).tokensJSON
        },
        BadCall("no JSON", "INVALID_ARGUMENT: AttributesMalformed: ") { $1.raw = "repository=x" },
        BadCall("an array", "INVALID_ARGUMENT: AttributesMalformed: ") { $1.raw = "[]" },
        .attribute(
            "repository",
            "elsewhere/app",
            "PERMISSION_DENIED: NotGranted: grant binder-clone does not cover repository \"elsewhere/app\" of token "
        ),
        .ask("elsewhere/app", "contents: read", "PERMISSION_DENIED: NotGranted: grant binder-clone does not cover "),
        .ask(
            "our-org/app",
            "administration: write",
            "PERMISSION_DENIED: NotGranted: grant binder-clone gives nothing "
        ),
        .ask("\"*\"", "contents: read", "INVALID_ARGUMENT: RepositoryInvalid: "),
        .ask(
            "our-org/app",
            "",
            "INVALID_ARGUMENT: ParameterMalformed: tokens[0].permissions, line 1: no permission is named; name one, "
        ),
        .attribute("tokens", "[]", "INVALID_ARGUMENT: ParameterMissing: the parameter \"tokens\" is an empty list; "),
        .files("../x", "\"../x\": the path has a .. element; stay inside the volume"),
        .files("/x", "\"/x\": the path is absolute; write it relative to the volume, without the first /"),
        .files("a//b", "\"a//b\": the path has an empty or . element; write it plainly, as in folder/file"),
        .files("a;a/b", "\"a/b\": it clashes with \"a\": one would be a file and a folder at once; rename one of them"),
        .files("a, mode: 01777", "\"a\": the mode 1777 is not between 0001 and 0777; leave it out, or write 0444"),
    ]

    static let tokensKey = "csi.storage.k8s.io/serviceAccount.tokens"
}

@Suite struct RefusedMountTests {
    @Test func badCallsAreRefusedAndNothingIsMinted() async throws {
        try await withNode { node in
            let daemon = try await node.startDaemon()
            for bad in BadCall.all {
                var call = BadCall.Call(attributes: try node.attributes(for: .build(1)))
                try bad.call(node, &call)
                let answer = try await node.mount(call.attributes, raw: call.raw)
                #expect(answer.line.hasPrefix(bad.line), "\(bad.name)")
            }
            #expect(node.forge.requests.isEmpty && node.forge.mintCount == 0)

            // The daemon is well: the same Pod with its own token gets its files.
            let good = try await node.mount(try node.attributes(for: .build(1)))
            #expect(good.line == "OK" && node.forge.mintCount == 1)
            await daemon.stop()
            let (secrets, leaked) = node.leaks()
            #expect(secrets > BadCall.all.count && leaked.isEmpty)
        }
    }

    /// Wishes for more are cut down to the grant, and attributes that nobody asked for change nothing.
    @Test func nothingWidensAToken() async throws {
        let wishes = [
            "tokens": "[{name: source, store: github, repository: our-org/app, permissions: {contents: write}}]",
            "permissions": "{contents: write, administration: write}",
            "csi.storage.k8s.io/serviceAccount.name": "admin",
        ]
        try await withNode { node in
            let daemon = try await node.startDaemon()
            for (index, wish) in wishes.sorted(by: { $0.key > $1.key }).enumerated() {
                let wishful = try node.attributes(
                    for: .build(index + 1),
                    volumeAttributes: [wish.key: wish.value]
                )
                let answer = try await node.mount(wishful)
                let token = try #require(node.forge.tokens.last)
                #expect(answer.line == "OK" && node.forge.mintCount == index + 1, "\(wish)")
                #expect(token.permissions["contents"] == "read" && token.permissions["administration"] == nil)
                #expect(token.repositories == ["our-org/app"])
            }
            await daemon.stop()
            let (secrets, leaked) = node.leaks()
            #expect(secrets > wishes.count && leaked.isEmpty)
        }
    }

    /// kubelet may send the tokens among the secrets, where no tenant can write.
    @Test func tokensAmongTheSecretsWinOverAttributes() async throws {
        try await withNode { node in
            let daemon = try await node.startDaemon()
            var attributes = try node.attributes(for: .build(1))
            let secrets = attributes.secretsJSON
            attributes.tokens[0].token = try node.token(of: .build(2), .unsigned)
            let answer = try await node.mount(attributes, secrets: secrets)
            #expect(answer.line == "OK")
            await daemon.stop()
            // The search for leaks finds one: here it is the test that tells a token.
            #expect(node.leaks().leaked.isEmpty)
            node.heard("a message with \(attributes.tokens[0].token)x")
            node.heard("git said \(answer.files["git-credential"] ?? "")")
            #expect(node.leaks().leaked.count == 2)
        }
    }
}
