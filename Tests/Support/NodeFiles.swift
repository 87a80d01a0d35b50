// The files of the operator and of the tenant on a test's node.

import Foundation
import LoopbackCluster
import LoopbackForge

enum NodeFiles {
    /// The parameter `tokens` of the class.
    static let tokens =
        "- { name: source, store: github, repository: \"${repository}\", permissions: { contents: read } }"

    /// The parameter `files` of the class.
    static let files = """
        - { path: .gitconfig, format: gitconfig, tokens: [source] }
        - { path: git-credential, format: git-credential, tokens: [source] }
        """

    /// `node.yaml`, `class.yaml`, `app.pem` (0400), `open.pem` (0444) and `jwks.json`.
    static func write(for node: Node) throws {
        try node.issuer.writeJWKS(to: node.path("jwks.json"))
        try node.write(node.forge.privateKeyPEM, to: "app.pem", mode: 0o400)
        try node.write(node.forge.privateKeyPEM, to: "open.pem", mode: 0o444)
        try node.write(configuration(of: node), to: "node.yaml")
        try node.write(secretProviderClass, to: "class.yaml")
    }

    /// The node's configuration.
    ///
    /// - Parameter pods: The value of `builds.pods`.
    static func configuration(of node: Node, pods: String = "off") -> String {
        """
        identity:
          issuer: \(node.issuer.name)
          jwks: { file: \(node.path("jwks.json")) }
        stores:
          github:
            kind: github-app
            appID: "\(node.forge.appID)"
            privateKey: { file: \(node.path("app.pem")) }
            apiURL: \(node.forge.apiURL)
            webURL: \(node.forge.webURL)
        grants:
          - name: binder-clone
            to: { namespace: binder, serviceAccount: builder }
            store: github
            allow: { repositories: ["our-org/*"], permissions: { contents: read } }
        server:
          mountDeadline: 110s
          drain: 60s
          adminSocket: \(node.adminSocket)
        leases:
          journal: \(node.journal)
          medium: disk
        builds:
          pods: \(pods)
          pathDelay: 200ms

        """
    }

    private static var secretProviderClass: String {
        """
        apiVersion: secrets-store.csi.x-k8s.io/v1
        kind: SecretProviderClass
        metadata: { name: build-credentials, namespace: binder }
        spec:
          provider: daypass
          parameters:
            tokens: |
        \(indented(tokens))
            files: |
        \(indented(files))

        """
    }

    private static func indented(_ text: String) -> String {
        text.split(separator: "\n").map { "      \($0)" }.joined(separator: "\n")
    }
}
