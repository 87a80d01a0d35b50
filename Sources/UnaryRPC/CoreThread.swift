// A thread of our own, for what must block: the completion queue and accept.

import CGRPC
import Glibc

/// A thread that a scope starts and joins.
struct CoreThread: Sendable {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        let ended: Latch

        init(ended: Latch, body: @escaping @Sendable () -> Void) {
            self.ended = ended
            self.body = body
        }
    }

    private static let stackBytes = 8 << 20
    private let handle: pthread_t
    private let ended: Latch

    /// Starts `body` on a thread named `name` (at most 15 bytes).
    ///
    /// - Throws: The system's error number when it has no room for a thread.
    init(_ name: String, _ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        let ended = Latch()
        let work = Unmanaged.passRetained(Work(ended: ended, body: body))
        var handle = pthread_t()
        // The default follows the stack limit of whoever started the process.
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, Self.stackBytes)
        let error = pthread_create(&handle, &attributes, { CoreThread.run($0) }, work.toOpaque())
        guard error == 0 else {
            work.release()
            throw ThreadError(number: error)
        }
        daypass_name_thread(handle, name)
        self.handle = handle
        self.ended = ended
    }

    private static func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        // Signals for the process go to other threads.
        var all = sigset_t()
        sigfillset(&all)
        pthread_sigmask(SIG_BLOCK, &all, nil)
        work.body()
        work.ended.open()
        return nil
    }

    /// Waits for the thread's end, whatever happens to the task. Call it once.
    func join() async {
        await ended.waitRegardless()
        // The thread is past its last line, so this does not block.
        pthread_join(handle, nil)
    }
}

/// The system refused a thread.
package struct ThreadError: Error, Sendable, Hashable, CustomStringConvertible {
    package let number: Int32

    package var description: String {
        "ThreadFailed: the system starts no more threads (error \(number)); raise the limit of processes (pids.max)"
    }
}
