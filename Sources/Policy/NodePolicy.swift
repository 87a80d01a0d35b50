// The decision: an ask of a subject becomes one scope of one store, by one grant, or a refusal.

package import MountRequests
package import Refusals
package import TokenStore

/// A store as policy sees it.
package struct StoreFacts: Sendable, Hashable {
    /// The name in the configuration.
    package var name: String
    /// Where its tokens are good.
    package var service: TokenService
    /// The permission names that its source knows; empty when they are not known ahead.
    package var knownPermissions: Set<String>
    /// The actions that its tokens can have.
    package var knownActions: Set<RegistryAction>
    /// The audience of the Pod's own token that it wants; `nil` when it wants none.
    package var subjectTokenAudience: String?
    /// Who mints, where the place in which tokens are good does not say it.
    package var source: String?

    package init(
        name: String,
        service: TokenService,
        knownPermissions: Set<String> = [],
        knownActions: Set<RegistryAction> = Set(RegistryAction.allCases),
        subjectTokenAudience: String? = nil,
        source: String? = nil
    ) {
        self.subjectTokenAudience = subjectTokenAudience
        self.source = source
        self.name = name
        self.service = service
        self.knownPermissions = knownPermissions
        self.knownActions = knownActions
    }
}

extension StoreFacts {
    /// Where the store's tokens come from and where they are good, in one line.
    package var origin: String {
        let place = [service.git?.origin, service.registryHost, service.otherHost.map { "other \($0)" }]
        return (place + [source.map { "from \($0)" }]).compactMap(\.self).joined(separator: " ")
    }
}

/// Who may have which tokens on this node. A pure value: no I/O, no clock, no state.
///
/// What a tenant writes is only ever compared with the grants; nothing of it can make a scope wider. A subject learns of
/// no store and no grant but its own.
package struct NodePolicy: Sendable {
    /// The grants, in the order of the file.
    package let grants: [Grant]
    private let stores: [String: StoreFacts]

    /// Creates a policy. Of several stores of one name the first counts.
    package init(stores: [StoreFacts], grants: [Grant]) {
        self.stores = Dictionary(stores.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        self.grants = grants
    }

    /// Decides about one ask.
    ///
    /// One grant decides, never a union of several: the first, in the order of the file, that gives all that is asked;
    /// if there is none, the first that gives some of it. Every asked repository must be covered by that grant;
    /// permissions and actions are cut down to what it gives.
    ///
    /// - Parameter subject: The build, already verified.
    /// - Throws: A ``Refusal`` that names the first grant which came closest and what it lacks: `NotGranted`,
    ///   `StoreUnknown`, `ScopeEmpty`, `RepositoryInvalid` or, for a permission or an action that the store does not know,
    ///   `ParameterMalformed`.
    package func authorize(_ ask: TokenAsk, for subject: Subject) throws(Refusal) -> Authorization {
        let (readAsk, store) = try read(ask, of: subject)
        var choice = Choice()
        for (index, grant) in grants.enumerated() where grant.store == store.name && grant.names(subject) {
            choice.consider(grant.verdict(on: readAsk), at: index)
            if choice.isFinal { break }
        }
        return try authorization(by: choice, ask: ask, store: store, subject: subject)
    }

    /// What comes of a choice among the grants.
    func authorization(
        by choice: Choice,
        ask: TokenAsk,
        store: StoreFacts,
        subject: Subject
    ) throws(Refusal) -> Authorization {
        guard let closest = choice.closest else { throw RefusalTexts(ask, subject).noGrant() }
        let grant = grants[closest.index]
        let (scope, narrowing): (TokenScope, Narrowing)
        switch closest.verdict {
        case .whole(let whole): (scope, narrowing) = (whole, Narrowing())
        case .part(let part, let cut): (scope, narrowing) = (part, cut)
        case .uncovered(let repositories): throw RefusalTexts(ask, subject).uncovered(repositories, by: grant)
        case .nothingGiven: throw RefusalTexts(ask, subject).nothingGiven(by: grant)
        case .otherSubject, .otherStore, .notCompared: throw RefusalTexts(ask, subject).noGrant()
        }
        return Authorization(
            name: ask.name,
            store: store.name,
            grant: grant.name,
            scope: scope,
            service: store.service,
            origin: store.origin,
            subjectTokenAudience: store.subjectTokenAudience,
            narrowing: narrowing
        )
    }

    /// Reads an ask with the eyes of its store. What the store serves is told only to those whom a grant gives it to.
    func read(_ ask: TokenAsk, of subject: Subject) throws(Refusal) -> (ReadAsk, StoreFacts) {
        let texts = RefusalTexts(ask, subject)
        let own = grants.filter { $0.names(subject) }
        guard !own.isEmpty else { throw texts.noGrant() }
        // A store of others is refused as one that does not exist: nobody learns their names by asking.
        guard let store = stores[ask.store], own.contains(where: { $0.store == store.name }) else {
            throw texts.storeUnknown(own: own)
        }
        guard !ask.repositories.isEmpty else { throw texts.noRepository() }
        guard !ask.permissions.isEmpty || !ask.actions.isEmpty else { throw texts.noPermission() }
        if let unknown = store.unknownWords(in: ask, texts).first { throw unknown }
        let namesIgnoreCase = store.service.git?.namesIgnoreCase ?? false
        let readAsk = ReadAsk(
            repositories: try repositories(of: ask, in: store, namesIgnoreCase: namesIgnoreCase, texts),
            permissions: ask.permissions,
            actions: ask.actions,
            namesIgnoreCase: namesIgnoreCase
        )
        return (readAsk, store)
    }

    private func repositories(
        of ask: TokenAsk,
        in store: StoreFacts,
        namesIgnoreCase: Bool,
        _ texts: RefusalTexts
    ) throws(Refusal) -> [String] {
        var names: [String] = []
        var seen: Set<String> = []
        for (index, reference) in ask.repositories.enumerated() {
            let name: String
            do {
                name = try store.service.repository(reference)
            } catch {
                throw texts.repositoryInvalid(at: index, error)
            }
            if seen.insert(namesIgnoreCase ? name.lowercased() : name).inserted { names.append(name) }
        }
        return names
    }
}

/// The choice among the verdicts of grants that come in the order of the file.
struct Choice {
    /// The verdict that counts so far, and its grant's index.
    private(set) var closest: (index: Int, verdict: Verdict)?

    /// Whether no later grant can change the choice.
    var isFinal: Bool { if case .whole = closest?.verdict { true } else { false } }

    mutating func consider(_ verdict: Verdict, at index: Int) {
        if let closest, closest.verdict.closeness >= verdict.closeness { return }
        closest = (index, verdict)
    }
}

extension Verdict {
    /// How close a grant came: by kind, and then by how few repositories it lacks.
    fileprivate var closeness: (Int, Int) {
        switch self {
        case .otherSubject: (0, 0)
        case .otherStore: (1, 0)
        case .notCompared: (2, 0)
        case .uncovered(let repositories): (3, -repositories.count)
        case .nothingGiven: (4, 0)
        case .part: (5, 0)
        case .whole: (6, 0)
        }
    }

    /// Whether the grant gives something.
    var gives: Bool { closeness.0 >= 5 }
}
