// What is known of the volumes' directories: which are there, and which are gone for good. Pure.

package import Leases

/// The directories of volumes, as they were seen one look after the other.
///
/// A directory is gone when it is missing in looks that are some time apart, and when its absence means something: the
/// kubelet's `pods` directory must be there, and be the one below which the directory was seen; when it was never seen,
/// `pods` must hold other Pods. Without that rule a kubelet directory that is not mounted into our container, or no
/// longer, would look like the end of all builds.
package struct PathBook: Sendable {
    /// What a look at a directory showed.
    package enum Sight: Sendable, Hashable {
        case present
        /// It does not exist.
        case absent
        /// It could not be looked at; that says nothing.
        case unknown
    }

    /// What a look at a kubelet's `pods` directory showed.
    package enum Root: Sendable, Hashable {
        case missing
        case visible(FileID, isEmpty: Bool)
    }

    /// What tells a directory from another one at the same path.
    package struct FileID: Sendable, Hashable {
        var device: UInt64
        var inode: UInt64
    }

    private struct Entry {
        /// The `pods` directory below which it was seen.
        var seenBelow: FileID?
        var missingSince: Duration?
        var isReported = false
    }

    private let confirmAfter: Duration
    private var entries: [TrackedVolume: Entry] = [:]

    /// - Parameter confirmAfter: how long a directory must be missing.
    package init(confirmAfter: Duration) { self.confirmAfter = confirmAfter }

    /// Looks at the tracked volumes.
    ///
    /// - Parameters:
    ///   - now: a time that only goes on.
    ///   - sight: looks at a volume's directory.
    ///   - root: looks at the kubelet's `pods` directory, by its path.
    /// - Returns: The volumes that are gone, each once; and how long until another look is needed for the missing ones.
    package mutating func look(
        at volumes: Set<TrackedVolume>,
        now: Duration,
        sight: (String) -> Sight,
        root: (String) -> Root
    ) -> (gone: [TrackedVolume], again: Duration?) {
        entries = entries.filter { volumes.contains($0.key) }
        var roots: [String: Root] = [:]
        var gone: [TrackedVolume] = []
        var again: Duration?
        for volume in volumes {
            guard let pods = KubeletPath.pods(of: volume) else { continue }
            var entry = entries[volume] ?? Entry()
            defer { entries[volume] = entry }
            let visible = roots[pods] ?? root(pods)
            roots[pods] = visible
            guard case .visible(let id, let isEmpty) = visible else {
                entry.missingSince = nil
                continue
            }
            switch sight(volume.targetPath) {
            case .present: entry = Entry(seenBelow: id)
            case .unknown: entry.missingSince = nil
            case .absent:
                guard entry.seenBelow.map({ $0 == id }) ?? !isEmpty else {
                    entry.missingSince = nil
                    continue
                }
                let since = entry.missingSince ?? now
                entry.missingSince = since
                if now - since >= confirmAfter {
                    if !entry.isReported { gone.append(volume) }
                    entry.isReported = true
                } else {
                    again = min(again ?? confirmAfter, confirmAfter - (now - since))
                }
            }
        }
        return (gone, again)
    }
}

/// The form of a volume's path below a kubelet's directory.
enum KubeletPath {
    /// The `pods` directory of a volume's path; `nil` when the path is not of kubelet's form for this volume.
    static func pods(of volume: TrackedVolume) -> String? {
        let parts = volume.targetPath.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count >= 8, parts.first == "",
            parts.dropFirst().allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." })
        else { return nil }
        let tail = ["pods", volume.podUID, "volumes", "kubernetes.io~csi", volume.volume, "mount"]
        guard parts.suffix(6).elementsEqual(tail, by: { $0 == $1 }) else { return nil }
        return parts.dropLast(5).joined(separator: "/")
    }

    /// The directory in which the volume's directory is.
    static func parent(of path: String) -> String {
        path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
    }
}
