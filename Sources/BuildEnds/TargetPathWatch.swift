// Notices the end of a build by its volume's directory below the kubelet's: it vanishes with the unpublish.

import Glibc
package import Leases
import LogEvents
package import Logging
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Watches the directories of volumes. It needs no API server, only a view of the kubelet's `pods` directory, under the
/// path that the driver uses.
package final class TargetPathWatch: BuildEndDetector {
    /// The times of the watch.
    package struct Options: Sendable {
        /// How long a directory must be missing. kubelet removes it after a failed first publish and makes it again.
        package var confirmAfter: Duration = .seconds(5)
        /// How often everything is looked at, whatever inotify says.
        package var poll: Duration = .seconds(30)
        package init() {}
    }

    package let name = "target paths"
    private let options: Options
    private let clock: LeaseClock
    private let logger: Logger
    private let sees = Mutex<Bool?>(nil)

    package init(options: Options = Options(), clock: LeaseClock = .system, logger: Logger) {
        self.options = options
        self.clock = clock
        self.logger = logger
    }

    /// Whether the kubelet's directory is visible, as far as that is known.
    package var isWatching: Bool? { sees.withLock { $0 } }

    package func run(_ builds: TrackedBuilds, ended: @escaping @Sendable (BuildEnd) -> Void) async {
        let bell = Bell()
        let hints = DirectoryBell(bell)
        defer { hints?.close() }
        if hints == nil {
            logger.log(.inotifyUnavailable, "inotify can't be used; directories are looked at every \(options.poll)")
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { for await _ in builds.changes() { bell.ring() } }
            await look(builds, bell, hints, ended)
            group.cancelAll()
        }
    }

    private func look(
        _ builds: TrackedBuilds,
        _ bell: Bell,
        _ hints: DirectoryBell?,
        _ ended: @Sendable (BuildEnd) -> Void
    ) async {
        var book = PathBook(confirmAfter: options.confirmAfter)
        while !Task.isCancelled {
            let volumes = builds.volumes
            // Watches first: what vanishes after this rings.
            let parents = volumes.filter { KubeletPath.pods(of: $0) != nil }.map {
                KubeletPath.parent(of: $0.targetPath)
            }
            hints?.watch(Set(parents))
            let (gone, again) = book.look(at: volumes, now: clock.steady(), sight: Self.sight, root: Self.root)
            tell(volumes)
            for volume in gone { ended(.volume(podUID: volume.podUID, volume: volume.volume)) }
            let pause = min(again ?? options.poll, options.poll)
            await bell.wait { [clock] in try? await clock.sleep(max(pause, .milliseconds(5))) }
        }
    }

    /// Says once whether the kubelet's directory can be seen, and again when that changes.
    private func tell(_ volumes: Set<TrackedVolume>) {
        let roots = Set(volumes.compactMap { KubeletPath.pods(of: $0) })
        guard !roots.isEmpty else { return }
        let hidden = roots.filter { Self.root($0) == .missing }.sorted()
        let isNew = sees.withLock { sees in
            defer { sees = hidden.isEmpty }
            return sees != hidden.isEmpty
        }
        guard isNew else { return }
        if let path = hidden.first {
            logger.log(
                .volumesHidden,
                "the kubelet's directory is not visible: its volumes say nothing about ends of builds",
                metadata: ["path": "\(path)", "fix": "mount it read-only at the same path, or watch Pods"]
            )
        } else {
            logger.log(
                .volumesWatched,
                "volumes are watched for ends of builds",
                metadata: ["path": "\(roots.sorted().first ?? "")"]
            )
        }
    }

    private static func sight(_ path: String) -> PathBook.Sight {
        var status = stat()
        if lstat(path, &status) == 0 { return .present }
        return errno == ENOENT || errno == ENOTDIR ? .absent : .unknown
    }

    private static func root(_ path: String) -> PathBook.Root {
        var status = stat()
        guard stat(path, &status) == 0, let entries = try? FileManager.default.contentsOfDirectory(atPath: path) else {
            return .missing
        }
        let id = PathBook.FileID(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
        return .visible(id, isEmpty: entries.isEmpty)
    }
}
