// One mint: its turn, its intent, the store, the journal, the answer.

import Synchronization
import TokenStore
import TraceContext

extension LeaseManager {
    /// Makes a mint and answers those who wait for it.
    func mint(_ job: Job) async {
        CurrentSpan.set("daypass.store", job.key.store)
        CurrentSpan.set("daypass.lease", job.id.description)
        do throws(TokenStoreError) {
            try await parts.gates.enter(
                store: job.key.store,
                namespace: job.ask.subject.namespace,
                within: job.patience
            )
        } catch {
            return fail(job, .store(error))
        }
        guard let record = await intend(job) else {
            parts.gates.leave(store: job.key.store, outcome: .unused)
            return
        }
        let request = TokenRequest(
            subject: job.ask.subject,
            scope: job.key.scope,
            subjectToken: job.ask.subjectToken,
            tokenName: job.id.tokenName
        )
        let begun = parts.clock.steady()
        let result = await withinLimit(parts.mintLimit) { [parts] () async throws(TokenStoreError) in
            try await (job.ask.source ?? parts.sources).issue(request, from: job.key.store)
        }
        parts.hook(.afterMint)
        let took = parts.clock.steady() - begun
        state.withLock { $0.stores[job.key.store, default: .init()].mintTimes.add(took) }
        switch result {
        case .success(let token):
            parts.gates.leave(store: job.key.store, outcome: .success)
            log.minted(record, token, job.ask, isRefresh: isRefresh(job))
            await settle(job, token)
        case .failure(let error):
            parts.gates.leave(store: job.key.store, outcome: .failure(error))
            if error.tokenMayExist { log.lost(record, because: error.description) }
            fail(job, .store(error), tokenMayExist: error.tokenMayExist)
        }
    }

    /// Whether a token of the same lease key lives, which this mint is to replace.
    private func isRefresh(_ job: Job) -> Bool {
        let now = parts.clock.now
        return state.withLock { $0.table.usable(job.key, now: now) != nil }
    }

    /// Writes the intent. `nil` when there is nothing to mint any more; its callers are answered then.
    private func intend(_ job: Job) async -> LeaseRecord? {
        parts.hook(.beforeIntent)
        let record = change { state, now -> LeaseRecord? in
            // Nobody waits any more, and nothing was asked of the store: the next try begins anew.
            guard state.waiters[job.id] != nil else {
                state.table.dropped(job.id)
                return nil
            }
            let doom = state.table.entries[job.id]?.doom
            let record = state.table.intend(job.id, now: now)
            if record == nil { state.answer(job.id, .failure(.ended(doom ?? .buildEnded))) }
            return record
        }
        guard let record else { return nil }
        if let failure = await written() {
            fail(job, .journal(failure))
            return nil
        }
        // The build may have ended meanwhile: then nothing is asked for.
        let isDoomed = change { state, _ in
            guard let doom = state.table.entries[job.id]?.doom else { return false }
            state.table.dropped(job.id)
            state.answer(job.id, .failure(.ended(doom)))
            return true
        }
        guard !isDoomed else { return nil }
        parts.hook(.afterIntent)
        return record
    }

    /// Writes the token, then answers with it.
    private func settle(_ job: Job, _ token: IssuedToken) async {
        let chance = parts.random()
        let isRefresh = change { state, now in
            state.stores[job.key.store, default: .init()].minted += 1
            let isRefresh = state.table.usable(job.key, now: now) != nil
            state.table.minted(job.id, token, now: now, chance: chance)
            return isRefresh
        }
        if let failure = await written() {
            return end(job, .journal(failure)) { $0.table.unsettled(job.id, .notJournalled, now: $1) }
        }
        parts.hook(.afterLease)
        let now = parts.clock.now
        if state.withLock({ $0.table.cameDead(job.id, now: now) }) {
            return end(job, .store(Self.stillborn)) { $0.table.unsettled(job.id, .mountFailed, now: $1) }
        }
        change { state, _ in
            let cause = state.table.entries[job.id]?.record.cause ?? .buildEnded
            if let lease = state.table.settled(job.id, holders: state.waiters[job.id]?.count ?? 0) {
                if isRefresh { state.stores[job.key.store, default: .init()].refreshed += 1 }
                state.answer(job.id, .success(Answer(lease: lease, refreshFailure: nil)))
            } else {
                state.answer(job.id, .failure(.ended(cause)))
            }
        }
    }

    private func fail(_ job: Job, _ failure: LeaseFailure, tokenMayExist: Bool = false) {
        end(job, failure) { state, now in
            if tokenMayExist {
                state.stores[job.key.store, default: .init()].answersLost += 1
            } else {
                state.stores[job.key.store, default: .init()].mintsFailed += 1
            }
            _ = state.table.failed(job.id, tokenMayExist: tokenMayExist, now: now)
        }
    }

    /// Ends a mint that brought nothing, and answers with the old lease while its token lives: better than none.
    private func end(_ job: Job, _ failure: LeaseFailure, _ event: (inout State, Moment) -> Void) {
        CurrentSpan.fail(failure.kind)
        // In one step: a caller who comes in between would wait for a mint that has ended.
        change { state, now in
            event(&state, now)
            let waiting = state.waiters[job.id]?.count ?? 0
            if let old = state.table.usable(job.key, now: now) {
                state.stores[job.key.store, default: .init()].refreshesFailed += 1
                state.stores[job.key.store, default: .init()].servedStale += waiting
                state.table.entries[old.id]?.holders += waiting
                state.answer(job.id, .success(Answer(lease: old, refreshFailure: failure.text)))
            } else {
                state.answer(job.id, .failure(failure))
            }
        }
    }

    private static var stillborn: TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "the token that came had expired before it could be used",
            fix: "compare the clocks of the node and the source"
        )
    }
}

extension LeaseManager.State {
    /// Answers all who wait for a mint.
    mutating func answer(_ mint: LeaseID, _ result: Result<LeaseManager.Answer, LeaseFailure>) {
        for waiter in (waiters.removeValue(forKey: mint) ?? [:]).values { waiter.resume(returning: result) }
    }
}
