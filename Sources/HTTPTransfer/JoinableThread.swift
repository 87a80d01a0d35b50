// A POSIX thread that takes no signals.

import CCurl
import Glibc

/// A running thread, to be joined exactly once.
struct JoinableThread: Sendable {
    private final class Start: Sendable {
        let name: String
        let body: @Sendable () -> Void

        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private let thread: pthread_t

    /// Starts a thread; `nil` when the system has none left.
    ///
    /// - Parameter name: At most 15 bytes.
    static func start(name: String, body: @escaping @Sendable () -> Void) -> JoinableThread? {
        let start = Unmanaged.passRetained(Start(name: name, body: body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread,
            nil,
            { argument in
                guard let argument else { return nil }
                let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
                // OpenSSL writes to sockets without MSG_NOSIGNAL: a peer that closed early would end the process with
                // SIGPIPE. Signals for the process go to other threads.
                var all = sigset_t()
                sigfillset(&all)
                pthread_sigmask(SIG_BLOCK, &all, nil)
                daypass_name_thread(start.name)
                start.body()
                return nil
            },
            start.toOpaque()
        )
        guard result == 0 else {
            start.release()
            return nil
        }
        return JoinableThread(thread: thread)
    }

    /// Waits for the thread's end. It blocks: call it when the end is near.
    func join() { pthread_join(thread, nil) }
}
