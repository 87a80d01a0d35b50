// Stores, grants and asks that the tests share.

import MountRequests
import Refusals
import TokenStore

@testable import Policy

enum Samples {
    static let github = StoreFacts(
        name: "github",
        service: TokenService(git: try? GitServer(webURL: "https://github.com", namesIgnoreCase: true)),
        knownPermissions: ["contents", "packages", "pull_requests", "metadata"]
    )
    static let gitlab = StoreFacts(
        name: "gitlab",
        service: TokenService(git: try? GitServer(webURL: "https://gitlab.example", nameParts: 2...20))
    )
    static let push = StoreFacts(name: "push", service: TokenService(registryHost: "registry.example:5000"))

    static let builder = Subject(namespace: "binder", serviceAccount: "builder", podName: "build-x", podUID: "u-1")
    static let stranger = Subject(namespace: "other", serviceAccount: "builder", podName: "p", podUID: "u-2")

    static func grant(
        _ name: String,
        namespace: String = "binder",
        serviceAccount: String = "builder",
        store: String = "github",
        repositories: [String] = ["our-org/*"],
        permissions: [String: AccessLevel] = [:],
        actions: Set<RegistryAction> = []
    ) throws -> Grant {
        Grant(
            name: name,
            namespace: try Glob(namespace),
            serviceAccount: try Glob(serviceAccount),
            store: store,
            repositories: try repositories.map { try Glob($0) },
            permissions: permissions,
            actions: actions
        )
    }

    static func ask(
        _ repositories: [String] = ["https://github.com/our-org/x"],
        name: String = "source",
        store: String = "github",
        permissions: [String: AccessLevel] = [:],
        actions: Set<RegistryAction> = []
    ) -> TokenAsk {
        TokenAsk(name: name, store: store, repositories: repositories, permissions: permissions, actions: actions)
    }

    static func policy(_ grants: Grant...) -> NodePolicy {
        NodePolicy(stores: [github, gitlab, push], grants: grants)
    }
}
