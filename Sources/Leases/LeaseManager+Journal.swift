// The one writer of the journal.

import LogEvents
import Logging
import Synchronization
import TokenStore
import TraceContext

extension LeaseManager {
    /// Waits until all that was changed so far is in the journal.
    ///
    /// - Returns: Why it is not; `nil` when it is.
    func written() async -> JournalFailure? {
        await traced("journal") {
            let failure = await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    let ticket = state.queue.add(state.table.takeChanges())
                    if state.queue.isDone(ticket) { return true }
                    state.queue.wait(ticket, continuation)
                    return false
                }
                if isDone { continuation.resume(returning: nil) } else { writerBell.ring() }
            }
            if let failure { CurrentSpan.fail("journal.\(failure.code)") }
            return failure
        }
    }

    /// Whether it is time to try a failed write again.
    var retryIsDue: Bool {
        let now = parts.clock.steady()
        return state.withLock { $0.retryJournalAt.map { now >= $0 } ?? false }
    }

    /// Writes what there is to write until ``stopWriter()``, and the rest then.
    func runWriter() async {
        while !state.withLock({ $0.isWriterStopped }) {
            await writerBell.wait()
            await writeAll()
        }
        await writeAll(isLast: true)
    }

    /// Ends ``runWriter()``, once nothing more will be changed.
    func stopWriter() {
        state.withLock { $0.isWriterStopped = true }
        writerBell.ring()
    }

    /// - Parameter isLast: whether a journal that could not be written gets its last chance.
    private func writeAll(isLast: Bool = false) async {
        var isRetry = isLast || retryIsDue
        while let (write, ticket) = nextWrite(isRetry: isRetry) {
            isRetry = false
            let failure = await perform(write)
            let retryAt = parts.clock.steady() + Self.retryPause
            let (waiters, hadFailed) = state.withLock { state in
                let hadFailed = state.queue.failure != nil
                if failure != nil { state.counts.journalFailures += 1 }
                state.retryJournalAt = failure == nil ? nil : retryAt
                return (state.queue.finish(ticket, failure), hadFailed)
            }
            for waiter in waiters { waiter.resume(returning: failure) }
            if let failure, !hadFailed { log.journalFailed(failure) }
            if failure == nil, hadFailed { log.journalMended() }
            if failure != nil { bell.ring() }
        }
    }

    /// How long after a failed write everything is written anew, when nothing else asks for it.
    private static let retryPause = Duration.seconds(5)

    private func nextWrite(isRetry: Bool) -> (JournalQueue.Write, UInt64)? {
        state.withLock { state in
            _ = state.queue.add(state.table.takeChanges())
            let next = state.queue.next(state.table.journalled, isRetry: isRetry)
            // A write that runs is its own retry.
            if next != nil { state.retryJournalAt = nil }
            return next
        }
    }

    private func perform(_ write: JournalQueue.Write) async -> JournalFailure? {
        do throws(JournalFailure) {
            switch write {
            case .changes(let changes): try await parts.journal.apply(changes)
            case .all(let records): try await parts.journal.replaceAll(records)
            }
            return nil
        } catch {
            guard error.code == .lost else { return error }
            parts.logger.log(.journalRewritten, "the journal is written anew", metadata: ["failure": "\(error)"])
        }
        do throws(JournalFailure) {
            try await parts.journal.replaceAll(state.withLock { $0.table.journalled })
            return nil
        } catch { return error }
    }
}
