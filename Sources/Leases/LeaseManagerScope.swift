// The life of a lease manager: restored from the journal at its begin, everything written at its end.

import Synchronization
import TokenStore
import TraceContext
import Tracing

/// Runs `body` with the leases of the journal.
///
/// When `body` returns, mints under way have ``LeaseManager/Parts/mintGrace`` to end; then they and the revocations that
/// still run are cancelled, and what is known of them is written.
///
/// - Throws: ``JournalFailure`` when the journal can't be read, and what `body` throws.
package func withLeaseManager<Result: Sendable>(
    _ parts: LeaseManager.Parts,
    _ body: (LeaseManager) async throws -> Result
) async throws -> Result {
    let (stream, orders) = AsyncStream<LeaseManager.Order>.makeStream()
    let manager = LeaseManager(parts, orders: orders)
    let contents = try await parts.journal.load()
    parts.hook(.afterLoad)
    manager.restore(contents)
    return try await withThrowingTaskGroup(of: Void.self) { writer in
        // What is known at the end is written, also when the daemon's task was cancelled: mints wait for the writer.
        writer.addTask { await shieldedFromCancellation { await manager.runWriter() } }
        defer { manager.stopWriter() }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await manager.runDue() }
            group.addTask { await parts.gates.run() }
            group.addTask {
                await withDiscardingTaskGroup { tasks in
                    for await order in stream { tasks.addTask { await manager.perform(order) } }
                }
            }
            let result: Swift.Result<Result, any Error>
            do { result = .success(try await body(manager)) } catch { result = .failure(error) }
            manager.close()
            await manager.waitForMints(atMost: parts.mintGrace)
            orders.finish()
            group.cancelAll()
            return try result.get()
        }
    }
}

extension LeaseManager {
    func restore(_ contents: JournalContents) {
        let records = contents.records.map { record in
            // Before origins were written, there was one store of a name.
            var record = record
            if record.key.origin.isEmpty { record.key.origin = parts.sources.origin(of: record.key.store) ?? "" }
            return record
        }
        let restored = change { state, now in
            let restored = state.table.restore(records, isSameBoot: contents.isSameBoot, now: now)
            for record in records {
                state.table.entries[record.id]?.source =
                    parts.sources.kept(record.key.store, origin: record.key.origin)
            }
            state.counts.restored = restored.live + restored.superseded
            for record in restored.lost { state.stores[record.key.store, default: .init()].answersLost += 1 }
            return restored
        }
        log.restored(restored, contents.notices)
    }

    /// Waits until no store is asked for a token any more.
    func waitForMints(atMost limit: Duration) async {
        let end = ContinuousClock.now + limit
        while state.withLock({ $0.table.isMinting }), ContinuousClock.now < end, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(10), clock: .continuous)
        }
    }

    func perform(_ order: Order) async {
        switch order {
        case .mint(let job):
            await ServiceContext.$current.withValue(job.trace) { await traced("mint") { await mint(job) } }
        case .work(let work): await perform(work)
        }
    }
}

/// Runs `body` as if the surrounding task were not cancelled, and returns when it has ended.
private func shieldedFromCancellation(_ body: @escaping @Sendable () async -> Void) async {
    await Task { await body() }.value
}
