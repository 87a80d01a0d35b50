// `daypass check`: the files that a configuration names, and what a class asks of its stores.

import Foundation
import LoopbackCluster
import LoopbackForge
import Support
import Testing

@Suite struct CheckedFileTests {
    private static let edited = ["check", "--config", "{dir}/edited-node.yaml"]
    private static let both = ["check", "--config", "{dir}/node.yaml", "{dir}/edited-class.yaml"]
    private static let ask = "repository: \"${repository}\", permissions: { contents: read }"

    private static func http(_ file: String) -> [String: [String: String]] {
        ["node.yaml": ["server:": "http: { caFile: {dir}/\(file) }\nserver:"]]
    }

    private static func client(_ certificate: String, _ key: String) -> [String: [String: String]] {
        let files = "{ certificate: {dir}/\(certificate), key: {dir}/\(key) }"
        return ["node.yaml": ["server:": "http: { clientCertificate: \(files) }\nserver:"]]
    }

    private static func ask(_ text: String) -> [String: [String: String]] { ["class.yaml": [ask: text]] }

    private static let cases = [
        CommandCase(
            "no key set",
            edits: ["node.yaml": ["jwks.json": "none.json"]],
            edited,
            1,
            "edited-node.yaml:3:17: error: identity.jwks.file: the key file {dir}/none.json does not exist"
        ),
        CommandCase(
            "a key set that is none",
            edits: ["node.yaml": ["jwks.json": "app.pem"]],
            edited,
            1,
            "error: identity.jwks.file: what was read from {dir}/app.pem is no JSON Web Key Set"
        ),
        CommandCase(
            "a key set without a key",
            edits: ["node.yaml": ["jwks.json": "empty.json"]],
            edited,
            1,
            "error: identity.jwks.file: what was read from {dir}/empty.json holds no usable key (0 listed)"
        ),
        CommandCase(
            "a key set that is not looked at",
            edits: ["node.yaml": ["jwks.json": "none.json"]],
            edited + ["--skip-keys"],
            0,
            "no problems"
        ),
        CommandCase(
            "no issuer",
            edits: ["node.yaml": ["{issuer}": "~"]],
            edited,
            1,
            "identity.jwks: a key file does not say whose keys it holds; set identity.issuer"
        ),
        CommandCase(
            "no CA file",
            edits: http("none.pem"),
            edited,
            1,
            "error: http.caFile: the CA file {dir}/none.pem can't be read"
        ),
        CommandCase(
            "a CA file without a certificate",
            edits: http("app.pem"),
            edited,
            1,
            "error: http.caFile: the CA file {dir}/app.pem holds no certificate in PEM form"
        ),
        CommandCase(
            "a damaged CA file",
            edits: http("damaged.pem"),
            edited,
            1,
            "error: http.caFile: certificate 1 of the CA file {dir}/damaged.pem is damaged"
        ),
        CommandCase(
            "no client certificate",
            edits: client("none.pem", "app.pem"),
            edited,
            1,
            "error: http.clientCertificate.certificate: the certificate file {dir}/none.pem can't be read"
        ),
        CommandCase(
            "a client certificate that is a key, and a key that is none",
            edits: client("app.pem", "damaged.pem"),
            edited,
            1,
            "error: http.clientCertificate.certificate: the certificate file {dir}/app.pem holds no certificate in PEM form",
            "error: http.clientCertificate.key: {dir}/damaged.pem holds no private key in PEM form"
        ),
        CommandCase(
            "no key of the client certificate",
            edits: client("damaged.pem", "none.pem"),
            edited,
            1,
            "error: http.clientCertificate.certificate: certificate 1 of the certificate file {dir}/damaged.pem is damaged",
            "error: http.clientCertificate.key: {dir}/none.pem can't be read: No such file or directory"
        ),
        CommandCase(
            "a CA file that is not looked at",
            edits: http("none.pem"),
            edited + ["--skip-keys"],
            0,
            "no problems"
        ),
        CommandCase(
            "an unknown permission",
            edits: ask("repository: \"${repository}\", permissions: { content: read }"),
            both,
            1,
            "asks for permission \"content\", which store \"github\" does not know; did you mean contents?"
        ),
        CommandCase(
            "an action of a store that has none",
            edits: ask("repository: \"${repository}\", actions: [push]"),
            both,
            1,
            "asks for action push, which store \"github\" does not know; its tokens have permissions and no actions"
        ),
        CommandCase(
            "a repository elsewhere",
            edits: ask("repository: \"http://github.example/a/b\", permissions: { contents: read }"),
            both,
            1,
            "the repository of token \"source\" can't be read: its host is github.example"
        ),
        CommandCase(
            "a token of nothing",
            edits: ask("repository: \"${repository}\""),
            ["check", "{dir}/edited-class.yaml"],
            1,
            "token \"source\" asks for neither permissions nor actions"
        ),
        CommandCase(
            "a level that the Pod gives",
            edits: ask("repository: \"${repository}\", permissions: { contents: \"${level}\" }"),
            both,
            0,
            "edited-class.yaml: build-credentials: a Pod must give: level, repository",
            "no problems"
        ),
        CommandCase(
            "a store that the Pod gives",
            edits: ["class.yaml": ["store: github": "store: \"${store}\""]],
            both,
            0,
            "a Pod must give: repository, store",
            "no problems"
        ),
        CommandCase(
            "another object",
            ["check", "-"],
            input: "{class}\n---\napiVersion: v1\nkind: ConfigMap\n",
            0,
            ": note: an object of the kind ConfigMap is left out"
        ),
        CommandCase(
            "a grant of actions for a store that has none",
            edits: ["node.yaml": ["permissions: { contents: read }": "actions: [pull]"]],
            edited,
            1,
            "the store's source knows no such action; its tokens have permissions only"
        ),
    ]

    @Test func checkFindsWhatServeWouldStumbleOver() async throws {
        try await withNode(repositories: []) { node in
            try node.write("{\"keys\":[]}", to: "empty.json")
            try node.write("-----BEGIN CERTIFICATE-----\nMII!\n-----END CERTIFICATE-----\n", to: "damaged.pem")
            let cases = Self.cases.map { one in
                var one = one
                one.edits = one.edits.mapValues { changes in
                    Dictionary(
                        uniqueKeysWithValues: changes.map { old, new in
                            (old.replacing("{issuer}", with: node.issuer.name), new)
                        }
                    )
                }
                return one
            }
            try await node.playAll(cases)
        }
    }
}
