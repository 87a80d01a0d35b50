// What one Mount will do, decided before anything is minted.

import Identity
package import Leases
package import MountRequests
package import Policy
package import Refusals
import Rendering
package import TokenStore

/// A Mount after identity and policy: whose it is, and exactly which tokens it may have.
package struct MountPlan: Sendable {
    /// One token to lease.
    package struct Token: Sendable {
        /// The lease that it comes from.
        package let key: LeaseKey
        /// The grant that allows it.
        package let grant: String
        /// What the grant cut off the request; empty when nothing.
        package let narrowing: Narrowing
        /// Where it is good.
        package let service: TokenService
        /// The audience of the Pod's own token that its store wants; `nil` when it wants none.
        package let subjectTokenAudience: String?
    }

    /// The build, as it was proved.
    package let subject: Subject
    /// The Pod's volume.
    package let volume: String
    /// The tokens, in the tenant's order.
    package let tokens: [Token]
    /// The files, as the tenant asked for them.
    package let files: [FileAsk]

    /// Decides what a request may have.
    ///
    /// - Throws: ``Refusal`` that names the rule, the repository or the file that stands against it.
    package init(_ ask: VolumeAsk, volume: String, subject: Subject, policy: NodePolicy) throws(Refusal) {
        var tokens: [Token] = []
        for ask in ask.tokens {
            let granted = try policy.authorize(ask, for: subject)
            let key = LeaseKey(
                podUID: subject.podUID,
                volume: volume,
                token: ask.name,
                store: granted.store,
                origin: granted.origin,
                scope: granted.scope
            )
            tokens.append(
                Token(
                    key: key,
                    grant: granted.grant,
                    narrowing: granted.narrowing,
                    service: granted.service,
                    subjectTokenAudience: granted.subjectTokenAudience
                )
            )
        }
        self.subject = subject
        self.volume = volume
        self.tokens = tokens
        files = ask.files
    }

    /// Checks the files without making them.
    ///
    /// - Throws: ``Refusal`` that names the file and the rule.
    package func checkFiles() throws(Refusal) { _ = try filePlan() }

    /// The files, checked: paths, modes, formats and what they need of the tokens.
    ///
    /// - Throws: ``Refusal`` that names the file and the rule.
    func filePlan() throws(Refusal) -> FilePlan {
        try FilePlan(
            files,
            tokens: tokens.map { PlannedToken(name: $0.key.token, service: $0.service, scope: $0.key.scope) }
        )
    }
}

extension MountClaim {
    /// What the call says about who asks.
    var identityClaim: IdentityClaim {
        IdentityClaim(
            subject: subject,
            targetPathPodUID: targetPathPodUID,
            token: serviceAccountToken,
            offeredAudiences: offeredAudiences
        )
    }
}
