// Where tests kill the daemon: in debug builds only.

import Glibc
import Leases
import Synchronization

/// Reads `DAYPASS_CRASH_AT=<point>` or `<point>:<n>`, and kills the process when it comes to the point for the nth time.
///
/// Release builds know no such variable.
enum CrashHooks {
    static func hook(_ environment: [String: String]) -> CrashHook {
        #if DEBUG
            let parts = (environment["DAYPASS_CRASH_AT"] ?? "").split(separator: ":")
            guard let name = parts.first, let point = CrashPoint(rawValue: String(name)) else { return { _ in } }
            let left = Countdown(parts.count > 1 ? Int(parts[1]) ?? 1 : 1)
            return { reached in
                if reached == point, left.isOver() { kill(getpid(), SIGKILL) }
            }
        #else
            return { _ in }
        #endif
    }

    #if DEBUG
        /// Counts down, from any thread.
        private final class Countdown: Sendable {
            private let left: Mutex<Int>
            init(_ count: Int) { left = Mutex(count) }
            func isOver() -> Bool {
                left.withLock { left in
                    left -= 1
                    return left == 0
                }
            }
        }
    #endif
}
