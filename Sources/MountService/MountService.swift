// The story of one Mount: parse, identify, authorise, lease, render, answer.

package import Identity
package import Leases
package import Logging
import MountRequests
package import Policy
package import Refusals
package import Rendering
import Synchronization
package import TokenStore
import TraceContext
package import Tracing

/// Answers Mount calls. It knows no sockets, no files and no HTTP: bytes come in, bytes or a refusal go out.
///
/// What is needed is checked from the cheapest to the dearest, and all of it before a token is minted. A call whose
/// leases are fresh is answered at once, on the thread that asks; only one that must wait becomes a task.
package final class MountService: Sendable {
    /// The parts of the story.
    package struct Parts: Sendable {
        /// How the Pod's identity is proved.
        package var identity: IdentityMode
        /// The audience of the service account tokens that are meant for us.
        package var audience: String
        /// Who may have what.
        package var policy: NodePolicy
        /// The leases of the node.
        package var leases: LeaseManager
        /// The token stores that the policy is about; `nil` takes those of the leases.
        package var stores: StoreRoom?
        /// The time of day.
        package var clock: any WallClock
        /// Gives files their versions.
        package var versioner: ObjectVersioner
        /// The longest that one Mount may take. kubelet gives up after two minutes.
        package var deadline: Duration
        /// The largest call that is read, in bytes.
        package var largestMessage: Int
        /// The daemon's logger.
        package var logger: Logger
        /// Hears of each call how it ended and how long it took, on the thread that answers: it must not wait.
        package var observe: @Sendable (MountOutcome, Duration) -> Void = { _, _ in }
        /// Who hears of Mounts that were not answered from the cache.
        package var notices: (any MountNotices)?
        /// Where refusals are remembered for people.
        package var recentRefusals: RecentRefusals

        package init(
            identity: IdentityMode,
            audience: String,
            policy: NodePolicy,
            leases: LeaseManager,
            stores: StoreRoom? = nil,
            clock: any WallClock,
            versioner: ObjectVersioner,
            deadline: Duration,
            largestMessage: Int = MountCall.largestMessage,
            logger: Logger,
            recentRefusals: RecentRefusals = RecentRefusals()
        ) {
            self.identity = identity
            self.audience = audience
            self.policy = policy
            self.leases = leases
            self.stores = stores
            self.clock = clock
            self.versioner = versioner
            self.deadline = deadline
            self.largestMessage = largestMessage
            self.logger = logger
            self.recentRefusals = recentRefusals
        }
    }

    /// An answer, or the work that leads to one.
    package enum Reply: Sendable {
        /// The answer is there.
        case now(Result<[UInt8], Refusal>)
        /// The answer takes a while; the work ends soon after its task is cancelled.
        case later(@Sendable () async -> Result<[UInt8], Refusal>)
    }

    private let parts: Parts
    private let answers: AnswerCache
    private let journal: MountLog

    package init(_ parts: Parts) {
        self.parts = parts
        answers = AnswerCache(clock: parts.clock)
        journal = MountLog(logger: parts.logger, recent: parts.recentRefusals)
    }

    /// Answers one call.
    ///
    /// What is done on the calling thread costs little, whatever a tenant wrote: its parameters are only compared with
    /// those of the last answer. Everything else is work for a task.
    ///
    /// - Parameters:
    ///   - message: the bytes of a `MountRequest`.
    ///   - callerDeadline: when the caller gives up, where it says so.
    ///   - trace: gives the trace of the call; only a refusal at once wants it.
    package func mount(
        _ message: [UInt8],
        callerDeadline: ContinuousClock.Instant?,
        trace: () -> ServiceContext? = { .current }
    ) -> Reply {
        let begun = ContinuousClock.now
        var claimed: Subject?
        do throws(Refusal) {
            let claim = try MountCall.claim(message, audience: parts.audience, largest: parts.largestMessage)
            claimed = claim.subject
            let subject = try parts.identity.identifyAtOnce(claim.identityClaim)
            if let subject, let answer = answers.fresh(claim, subject, parts.leases) {
                parts.observe(.fresh, begun.duration(to: .now))
                return .now(.success(answer))
            }
            return .later { [self] in
                let (result, outcome) = await finish(claim, subject: subject, callerDeadline: callerDeadline)
                parts.observe(outcome, begun.duration(to: .now))
                return result
            }
        } catch {
            parts.observe(.refused(error.reason), begun.duration(to: .now))
            ServiceContext.$current.withValue(trace()) { journal.refused(error, claimed) }
            // Nothing here throws once it is known who asks.
            if let claimed { parts.notices?.refused(error, claimed, isProved: false) }
            return .now(.failure(error))
        }
    }

    /// Does what must wait, within the time that there is.
    private func finish(
        _ claim: MountClaim,
        subject: Subject?,
        callerDeadline: ContinuousClock.Instant?
    ) async -> (Result<[UInt8], Refusal>, MountOutcome) {
        let limit = MountDeadline.limit(own: parts.deadline, caller: callerDeadline)
        let plan = PlanBox()
        let outcome = OutcomeBox()
        let proof = ProofBox(isProved: subject != nil)
        let result = await MountDeadline.run(limit: limit) { [self] () throws(Refusal) in
            let subject =
                if let subject { subject } else {
                    try await traced("identity") { () async throws(Refusal) in
                        try await parts.identity.identify(claim.identityClaim)
                    }
                }
            proof.set()
            let ask = try MountRequestParser.volumeAsk(claim.parameters)
            let whole = try MountPlan(ask, volume: claim.volume, subject: subject, policy: parts.policy)
            // Nothing is minted for files that can't be made.
            try whole.checkFiles()
            plan.set(whole)
            let subjectTokens = try await subjectTokens(of: whole, claim)
            return try await answer(whole, claim, subjectTokens, within: limit, outcome)
        } orElse: { [self] in
            // Out of time: a token that still lives is better than a refusal.
            outcome.set(.stale)
            return plan.get().flatMap { outOfTimeAnswer($0, claim) }
        }
        switch result {
        case .success:
            parts.notices?.answered(claim.subject, volume: claim.volume)
            return (result, outcome.get())
        case .failure(let refusal):
            journal.refused(refusal, claim.subject)
            parts.notices?.refused(refusal, claim.subject, isProved: proof.get())
            return (result, .refused(refusal.reason))
        }
    }

    /// The Pod's own tokens for the sources of stores that want one, by audience, each checked to be the Pod's. Only for
    /// leases that need a new token: the others do without. One that did not come is missing here, and its store says so
    /// unless an older token still lives.
    private func subjectTokens(of plan: MountPlan, _ claim: MountClaim) async throws(Refusal) -> [String: Secret] {
        var tokens: [String: Secret] = [:]
        for token in plan.tokens {
            guard let audience = token.subjectTokenAudience, tokens[audience] == nil,
                parts.leases.fresh(token.key) == nil, let offered = claim.offeredTokens.token(for: audience)
            else { continue }
            do throws(Refusal) {
                try await parts.identity.checkForwarded(offered, audience: audience, of: plan.subject)
                tokens[audience] = offered
            } catch {
                // One that can't be judged now, or is too old, is as good as none; one of somebody else is an attack.
                guard [.keysUnavailable, .tokenExpired].contains(error.reason) else { throw error }
                journal.subjectTokenUnusable(error, plan.subject)
            }
        }
        return tokens
    }

    // MARK: Lease

    /// The answer for a Mount that is out of time.
    private func outOfTimeAnswer(_ plan: MountPlan, _ claim: MountClaim) -> [UInt8]? {
        let stale = plan.tokens.first { parts.leases.fresh($0.key) == nil }?.key.store
        guard let answer = usableAnswer(plan, claim) else { return nil }
        if let stale {
            let failure = "the new token did not come within the time of a Mount"
            parts.notices?.servedStale(plan.subject, store: stale, failure: failure)
        }
        return answer
    }

    /// The answer from leases whose tokens still live, however due their refresh is; `nil` when one does not.
    private func usableAnswer(_ plan: MountPlan, _ claim: MountClaim) -> [UInt8]? {
        var leases: [Lease] = []
        for token in plan.tokens {
            guard let lease = parts.leases.usable(token.key) else {
                parts.leases.released(leases.map(\.id))
                return nil
            }
            leases.append(lease)
        }
        guard let bytes = try? answers.answer(plan, leases, claim, versioner: parts.versioner) else {
            parts.leases.released(leases.map(\.id))
            return nil
        }
        parts.leases.delivered(leases.map(\.id))
        return bytes
    }

    /// The answer from leases, all of them or none.
    private func answer(
        _ plan: MountPlan,
        _ claim: MountClaim,
        _ subjectTokens: [String: Secret],
        within limit: Duration,
        _ outcome: OutcomeBox
    ) async throws(Refusal) -> [UInt8] {
        let asked = await leases(of: plan, claim, subjectTokens, within: limit)
        outcome.set(MountOutcome(asked.compactMap { try? $0.get() }))
        let held = asked.compactMap { try? $0.get().lease }
        if let failure = asked.lazy.compactMap(\.failure).first(where: { !$0.isCancellation }) {
            // What this call minted, nobody will get: it is revoked.
            parts.leases.abandoned(held.map(\.id))
            throw failure.refusal(store: Self.store(of: failure, asked, plan))
        }
        do throws(Refusal) {
            if let gone = asked.lazy.compactMap(\.failure).first { throw gone.refusal(store: "") }
            let bytes = try answers.answer(plan, held, claim, versioner: parts.versioner)
            parts.leases.delivered(held.map(\.id))
            return bytes
        } catch {
            parts.leases.released(held.map(\.id))
            throw error
        }
    }

    private static func store(
        of failure: LeaseFailure,
        _ asked: [Result<LeaseManager.Answer, LeaseFailure>],
        _ plan: MountPlan
    ) -> String {
        let index = asked.firstIndex { $0.failure.map { !$0.isCancellation } ?? false }
        return index.map { plan.tokens[$0].key.store } ?? ""
    }

    /// What came of each token of a plan, in its order.
    private func leases(
        of plan: MountPlan,
        _ claim: MountClaim,
        _ subjectTokens: [String: Secret],
        within limit: Duration
    ) async -> [Result<LeaseManager.Answer, LeaseFailure>] {
        await withTaskGroup(of: (Int, Result<LeaseManager.Answer, LeaseFailure>).self) { group in
            for (index, token) in plan.tokens.enumerated() {
                group.addTask { [self] in
                    do throws(LeaseFailure) {
                        return (
                            index, .success(try await lease(token, plan.subject, claim, subjectTokens, within: limit))
                        )
                    } catch {
                        return (index, .failure(error))
                    }
                }
            }
            var results: [(Int, Result<LeaseManager.Answer, LeaseFailure>)] = []
            for await result in group { results.append(result) }
            return results.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    private func lease(
        _ token: MountPlan.Token,
        _ subject: Subject,
        _ claim: MountClaim,
        _ subjectTokens: [String: Secret],
        within limit: Duration
    ) async throws(LeaseFailure) -> LeaseManager.Answer {
        let ask = LeaseAsk(
            subject: subject,
            targetPath: claim.targetPath,
            grant: token.grant,
            narrowed: token.narrowing.summary,
            subjectToken: token.subjectTokenAudience.flatMap { subjectTokens[$0] },
            source: parts.stores?.kept(token.key.store, origin: token.key.origin)
        )
        let answer = try await parts.leases.lease(token.key, ask, within: limit)
        if let failure = answer.refreshFailure {
            journal.servedStale(token, subject, failure)
            parts.notices?.servedStale(subject, store: token.key.store, failure: failure)
        }
        return answer
    }
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let failure) = self { failure } else { nil } }
}

/// How a call will have ended if it is answered.
private final class OutcomeBox: Sendable {
    private let outcome = Mutex(MountOutcome.fresh)
    func set(_ new: MountOutcome) { outcome.withLock { $0 = new } }
    func get() -> MountOutcome { outcome.withLock { $0 } }
}

/// Whether it was proved who asks; the deadline may end the work before.
private final class ProofBox: Sendable {
    private let isProved: Mutex<Bool>
    init(isProved: Bool) { self.isProved = Mutex(isProved) }
    func set() { isProved.withLock { $0 = true } }
    func get() -> Bool { isProved.withLock { $0 } }
}

/// A plan that the work makes and its deadline reads.
private final class PlanBox: Sendable {
    private let plan = Mutex<MountPlan?>(nil)
    func set(_ new: MountPlan) { plan.withLock { $0 = new } }
    func get() -> MountPlan? { plan.withLock { $0 } }
}
