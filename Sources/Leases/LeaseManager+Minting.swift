// One mint: its turn, its intent, the store, the journal, the answer.

import Synchronization
import TokenStore

extension LeaseManager {
    /// Makes a mint and answers those who wait for it.
    func mint(_ job: Job) async {
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
            tokenName: job.id.tokenName
        )
        let result = await withinLimit { [parts] () async throws(TokenStoreError) in
            try await parts.sources.issue(request, from: job.key.store)
        }
        parts.hook(.afterMint)
        switch result {
        case .success(let token):
            parts.gates.leave(store: job.key.store, outcome: .success)
            log.minted(record, token, job.ask)
            await settle(job, token)
        case .failure(let error):
            parts.gates.leave(store: job.key.store, outcome: .failure(error))
            if error.tokenMayExist { log.lost(record, because: error.description) }
            fail(job, .store(error), tokenMayExist: error.tokenMayExist)
        }
    }

    /// Writes the intent. `nil` when there is nothing to mint any more; its callers are answered then.
    private func intend(_ job: Job) async -> LeaseRecord? {
        parts.hook(.beforeIntent)
        let (record, isWanted) = change { state, now in
            // Nobody waits any more, and nothing was asked of the store: the next try begins anew.
            guard state.waiters[job.key] != nil else { return (nil as LeaseRecord?, false) }
            return (state.table.intend(job.id, now: now), true)
        }
        guard isWanted else {
            change { state, _ in state.table.dropped(job.id) }
            return nil
        }
        guard let record else {
            answer(job.key, .failure(.ended(.buildEnded)))
            return nil
        }
        if let failure = await written() {
            fail(job, .journal(failure))
            return nil
        }
        parts.hook(.afterIntent)
        return record
    }

    /// Writes the token, then answers with it.
    private func settle(_ job: Job, _ token: IssuedToken) async {
        let chance = parts.random()
        let isDead = change { state, now in
            state.counts.minted += 1
            state.table.minted(job.id, token, now: now, chance: chance)
            return token.expiresAt.map { $0 <= now.wall } ?? false
        }
        let failure = await written()
        if let failure {
            change { state, now in state.table.unsettled(job.id, .notJournalled, now: now) }
            return answerOld(job, .journal(failure))
        }
        parts.hook(.afterLease)
        if isDead {
            change { state, now in state.table.unsettled(job.id, .mountFailed, now: now) }
            return answerOld(job, .store(Self.stillborn))
        }
        change { state, _ in
            let waiters = state.waiters.removeValue(forKey: job.key) ?? [:]
            let doom = state.table.entries[job.id]?.record.cause ?? .buildEnded
            let result: Result<Answer, LeaseFailure>
            if let lease = state.table.settled(job.id, holders: waiters.count) {
                result = .success(Answer(lease: lease, refreshFailure: nil))
            } else {
                result = .failure(.ended(doom))
            }
            for waiter in waiters.values { waiter.resume(returning: result) }
        }
    }

    private func fail(_ job: Job, _ failure: LeaseFailure, tokenMayExist: Bool = false) {
        change { state, now in
            state.counts.mintsFailed += 1
            if tokenMayExist { state.counts.answersLost += 1 }
            _ = state.table.failed(job.id, tokenMayExist: tokenMayExist, now: now)
        }
        answerOld(job, failure)
    }

    /// Answers with the old lease while its token lives: better than none.
    private func answerOld(_ job: Job, _ failure: LeaseFailure) {
        change { state, now in
            let waiters = state.waiters.removeValue(forKey: job.key) ?? [:]
            let result: Result<Answer, LeaseFailure>
            if let old = state.table.usable(job.key, now: now) {
                state.counts.servedStale += 1
                state.table.entries[old.id]?.holders += waiters.count
                result = .success(Answer(lease: old, refreshFailure: failure.text))
            } else {
                result = .failure(failure)
            }
            for waiter in waiters.values { waiter.resume(returning: result) }
        }
    }

    /// Answers all who wait for a key.
    func answer(_ key: LeaseKey, _ result: Result<Answer, LeaseFailure>) {
        let waiters = state.withLock { $0.waiters.removeValue(forKey: key) ?? [:] }
        for waiter in waiters.values { waiter.resume(returning: result) }
    }

    /// Runs a mint; cancels it when it takes longer than any store should.
    private func withinLimit(
        _ mint: @escaping @Sendable () async throws(TokenStoreError) -> IssuedToken
    ) async -> Result<IssuedToken, TokenStoreError> {
        await withTaskGroup(of: Result<IssuedToken, TokenStoreError>?.self) { group in
            group.addTask {
                do throws(TokenStoreError) { return .success(try await mint()) } catch { return .failure(error) }
            }
            group.addTask { [mintLimit = parts.mintLimit] in
                try? await Task.sleep(for: mintLimit, clock: .continuous)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            if let first { return first }
            // The limit came first. The mint is cancelled now; a token that it brings all the same is still good.
            if case .some(.some(.success(let token))) = await group.next() { return .success(token) }
            return .failure(
                TokenStoreError(
                    .unavailable,
                    "the store did not finish within \(parts.mintLimit.components.seconds) s",
                    tokenMayExist: true
                )
            )
        }
    }

    private static var stillborn: TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "the token that came has expired already",
            fix: "compare the clocks of the node and the source"
        )
    }
}
