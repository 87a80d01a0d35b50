// One grant of the node's configuration, and what it says to one ask.

package import TokenStore

/// A grant: who may have which tokens of one store. Only the node's operator writes grants.
package struct Grant: Sendable, Hashable {
    /// The name, unique on the node; refusals and logs show it.
    package var name: String
    /// The namespaces whose Pods it is for.
    package var namespace: Glob
    /// The service accounts that it is for.
    package var serviceAccount: Glob
    /// The store.
    package var store: String
    /// The repositories that it covers.
    package var repositories: [Glob]
    /// The permissions that it gives, each with its highest level.
    package var permissions: [String: AccessLevel]
    /// The registry actions that it gives.
    package var actions: Set<RegistryAction>

    package init(
        name: String,
        namespace: Glob,
        serviceAccount: Glob,
        store: String,
        repositories: [Glob],
        permissions: [String: AccessLevel] = [:],
        actions: Set<RegistryAction> = []
    ) {
        self.name = name
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.store = store
        self.repositories = repositories
        self.permissions = permissions
        self.actions = actions
    }

    /// Whether the grant is for this subject.
    package func names(_ subject: Subject) -> Bool {
        namespace.matches(subject.namespace) && serviceAccount.matches(subject.serviceAccount)
    }
}

/// What a grant says to an ask, from the farthest to the closest.
enum Verdict: Equatable {
    /// The grant is for others.
    case otherSubject
    /// The grant is for the subject, and for another store.
    case otherStore
    /// The grant would be the right one, and was not compared: the ask itself is refused.
    case notCompared
    /// These repositories are not covered.
    case uncovered([String])
    /// The repositories are covered, and nothing of what is asked is given.
    case nothingGiven
    /// Less than what is asked is given.
    case part(TokenScope, Narrowing)
    /// All that is asked is given.
    case whole(TokenScope)
}

/// An ask whose repositories the store has read.
struct ReadAsk {
    /// The repositories' names; at least one, unique.
    let repositories: [String]
    let permissions: [String: AccessLevel]
    let actions: Set<RegistryAction>
    let namesIgnoreCase: Bool
}

extension Grant {
    /// What this grant says to an ask of a subject that it names, for its own store.
    func verdict(on ask: ReadAsk) -> Verdict {
        let uncovered = ask.repositories.filter { repository in
            !repositories.contains { $0.matches(repository, ignoringCase: ask.namesIgnoreCase) }
        }
        guard uncovered.isEmpty else { return .uncovered(uncovered) }
        var given: [String: AccessLevel] = [:]
        var cuts: [Narrowing.Permission] = []
        for (name, asked) in ask.permissions {
            let level = permissions[name].map { min($0, asked) }
            given[name] = level
            if level != asked { cuts.append(.init(name: name, asked: asked, given: level)) }
        }
        let scope = TokenScope(
            repositories: ask.repositories,
            permissions: given,
            actions: ask.actions.intersection(actions)
        )
        guard !scope.isEmpty else { return .nothingGiven }
        let narrowing = Narrowing(
            permissions: cuts.sorted { $0.name < $1.name },
            actions: ask.actions.subtracting(actions).sorted()
        )
        return narrowing.isEmpty ? .whole(scope) : .part(scope, narrowing)
    }
}
