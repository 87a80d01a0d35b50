// Tells why policy decides as it does.

package import MountRequests
package import Refusals
package import TokenStore

extension NodePolicy {
    /// Tells the story of the decisions about these asks; ``authorize(_:for:)`` decides in the same way.
    package func explain(_ asks: [TokenAsk], for subject: Subject) -> Explanation {
        Explanation(subject: subject, tokens: asks.map { explain($0, for: subject) })
    }

    private func explain(_ ask: TokenAsk, for subject: Subject) -> Explanation.Token {
        let reading = Result { () throws(Refusal) in try read(ask, of: subject) }
        var choice = Choice()
        let verdicts = grants.enumerated().map { index, grant in
            let verdict = grant.verdict(on: reading, ask: ask, subject: subject)
            choice.consider(verdict, at: index)
            return verdict
        }
        let decision = reading.flatMap { _, store in
            Result { () throws(Refusal) in
                try authorization(by: choice, ask: ask, store: store, subject: subject)
            }
        }
        let decisive = choice.closest.flatMap { $0.verdict.gives ? $0.index : nil }
        return Explanation.Token(
            name: ask.name,
            store: ask.store,
            repositories: try? reading.get().0.repositories,
            permissions: ask.permissions.mapValues(\.rawValue),
            actions: ask.actions.sorted(),
            grants: zip(grants, verdicts).enumerated().map { index, pair in
                .init(pair.0, pair.1, decides: index == decisive)
            },
            granted: (try? decision.get()).map { .init($0) },
            refused: decision.failure.map { .init($0) }
        )
    }
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}

extension Grant {
    fileprivate func verdict(
        on reading: Result<(ReadAsk, StoreFacts), Refusal>,
        ask: TokenAsk,
        subject: Subject
    ) -> Verdict {
        guard names(subject) else { return .otherSubject }
        guard store == ask.store else { return .otherStore }
        return (try? reading.get()).map { verdict(on: $0.0) } ?? .notCompared
    }
}

extension Explanation.Granted {
    fileprivate init(_ authorization: Authorization) {
        self.init(
            grant: authorization.grant,
            repositories: authorization.scope.repositories,
            permissions: authorization.scope.permissions.mapValues(\.rawValue),
            actions: authorization.scope.actions.sorted(),
            narrowing: authorization.narrowing,
            git: authorization.service.git?.origin,
            registry: authorization.service.registryHost
        )
    }
}

extension Explanation.Refused {
    /// The refusal as its Pod would see it.
    package init(_ refusal: Refusal) {
        self.init(
            reason: refusal.reason.code,
            message: refusal.message,
            fix: refusal.fix,
            line: refusal.description
        )
    }
}

extension Explanation.Considered {
    fileprivate init(_ grant: Grant, _ verdict: Verdict, decides: Bool) {
        let gives = RefusalTexts.list(grant.permissions, grant.actions)
        let covers = grant.repositories.map(\.pattern).joined(separator: ", ")
        let (kind, detail): (Class, String) =
            switch verdict {
            case .otherSubject:
                (.otherSubject, "is for namespace \(grant.namespace), service account \(grant.serviceAccount)")
            case .otherStore: (.otherStore, "is for store \(grant.store)")
            case .notCompared: (.notCompared, "is not compared, because the request itself is refused")
            case .uncovered(let names):
                (.repositoryNotCovered, "does not cover \(names.joined(separator: ", ")) (it covers \(covers))")
            case .nothingGiven: (.nothingGiven, "covers the repositories, and gives only \(gives)")
            case .part(let scope, let narrowing):
                (.part, "gives \(RefusalTexts.list(scope.permissions, scope.actions)): \(narrowing.summary)")
            case .whole: (.whole, "gives all that is asked")
            }
        self.init(grant: grant.name, verdict: kind, detail: detail, decides: decides)
    }
}
