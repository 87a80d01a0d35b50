// Promise 5 of the design from the attributes on: volumeAttributes may override every parameter, and change no grant.

import MountRequests
import Refusals
import Testing
import TokenStore

@testable import Policy

@Suite struct TenantWideningTests {
    /// What the SecretProviderClass says.
    private static let parameters = [
        "tokens": """
        - { name: source, store: github, repository: "${repository}", permissions: { contents: "${level}" } }
        """,
        "files": "- { path: token, format: token, tokens: [source] }",
        "repository": "https://github.com/our-org/x",
        "level": "read",
    ]

    /// What the Pod's volumeAttributes, laid over it by the driver, get.
    private static func outcomes(_ volumeAttributes: [String: String]) throws -> [String] {
        let policy = Samples.policy(
            try Samples.grant("others", namespace: "other", repositories: ["**"], permissions: ["contents": .admin]),
            try Samples.grant("all-of-push", namespace: "other", store: "push", repositories: ["**"], actions: [.push]),
            try Samples.grant("clone", permissions: ["contents": .read])
        )
        let attributes = parameters.merging(volumeAttributes) { _, new in new }
        return try MountRequestParser.volumeAsk(attributes).tokens.map { ask in
            do throws(Refusal) {
                let authorization = try policy.authorize(ask, for: Samples.builder)
                return "\(authorization.grant): \(authorization.scope.summary)"
            } catch {
                return error.reason.code
            }
        }
    }

    @Test(arguments: [
        ([:], ["clone: our-org/x contents:read"]),
        (["level": "admin"], ["clone: our-org/x contents:read"]),
        (["repository": "https://github.com/our-org/y"], ["clone: our-org/y contents:read"]),
        (["repository": "https://github.com/other-org/x"], ["NotGranted"]),
        (["repository": "https://evil.example/our-org/x"], ["RepositoryInvalid"]),
        (["repository": "our-org/*"], ["RepositoryInvalid"]),
        (["repository": "our-org/x, permissions: { contents: admin }"], ["RepositoryInvalid"]),
        // What only looks like an identity is not asked.
        (
            ["namespace": "other", "csi.storage.k8s.io/pod.namespace": "other", "level": "write"],
            ["clone: our-org/x contents:read"]
        ),
        (
            [
                "tokens": """
                - { name: source, store: github, repository: our-org/x, permissions: { contents: admin, packages: write } }
                - { name: deeper, store: github, repositories: [our-org/x, other-org/x], permissions: { contents: read } }
                - { name: image, store: push, repository: binder/x, actions: [push] }
                - { name: none, store: nowhere, repository: a/b, permissions: { contents: read } }
                """,
                "files": "- { path: all, format: json, tokens: [source, deeper, image, none] }",
            ],
            ["clone: our-org/x contents:read", "NotGranted", "StoreUnknown", "StoreUnknown"]
        ),
    ])
    func nothingIsWider(volumeAttributes: [String: String], expected: [String]) throws {
        #expect(try Self.outcomes(volumeAttributes) == expected)
    }
}
