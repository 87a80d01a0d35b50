// Rings when something happens in one of the watched directories: inotify(7).

import Dispatch
import Glibc
import Leases

/// Rings a bell when something happens in a watched directory, or it goes. It is a hint only: watches may be refused, and
/// events may be lost.
package final class DirectoryBell {
    /// What it rings for.
    package enum Events: Sendable {
        /// A directory loses an entry.
        case losses
        /// A directory gets or loses an entry, or a file in it is written to or gets another mode.
        case changes

        fileprivate var mask: UInt32 {
            let losses = UInt32(IN_DELETE | IN_MOVED_FROM | IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT)
            return switch self {
            case .losses: losses
            case .changes: losses | UInt32(IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE | IN_MODIFY | IN_ATTRIB)
            }
        }
    }

    private let mask: UInt32
    private let descriptor: Int32
    private let source: any DispatchSourceRead
    private var watches: [String: Int32] = [:]
    private var isClosed = false

    /// `nil` when the kernel gives no instance.
    convenience init?(_ bell: Bell) { self.init(for: .losses) { bell.ring() } }

    /// `nil` when the kernel gives no instance.
    ///
    /// - Parameter ring: called when something happened; on a thread of its own.
    package init?(for events: Events, ring: @escaping @Sendable () -> Void) {
        mask = events.mask
        let descriptor = inotify_init1(Int32(IN_NONBLOCK) | Int32(IN_CLOEXEC))
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
        source = DispatchSource.makeReadSource(fileDescriptor: descriptor)
        source.setEventHandler {
            // What the events say does not matter: whoever hears of them looks at everything.
            var room = [UInt8](repeating: 0, count: 16 << 10)
            while read(descriptor, &room, room.count) > 0 {}
            ring()
        }
        source.setCancelHandler { _ = Glibc.close(descriptor) }
        source.activate()
    }

    deinit { close() }

    /// Watches these directories and no others, as far as the kernel lets it.
    package func watch(_ directories: Set<String>) {
        guard !isClosed else { return }
        for (directory, watch) in watches where !directories.contains(directory) {
            inotify_rm_watch(descriptor, watch)
            watches[directory] = nil
        }
        // A directory that was made anew needs a new watch: the same call does both.
        for directory in directories {
            let watch = inotify_add_watch(descriptor, directory, mask | UInt32(IN_ONLYDIR))
            watches[directory] = watch >= 0 ? watch : nil
        }
    }

    /// Ends the watches.
    package func close() {
        if !isClosed { source.cancel() }
        isClosed = true
    }
}
