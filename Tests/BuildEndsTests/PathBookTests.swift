// What the missing of a volume's directory says, and when it says nothing.

import Leases
import Testing

@testable import BuildEnds

@Suite struct PathBookTests {
    private static let kubelet = PathBook.FileID(device: 1, inode: 7)
    private static let populated = PathBook.Root.visible(kubelet, isEmpty: false)
    private static let empty = PathBook.Root.visible(kubelet, isEmpty: true)
    /// Another directory at the same path, as after an unmount.
    private static let other = PathBook.Root.visible(PathBook.FileID(device: 2, inode: 7), isEmpty: false)

    private func volume(_ path: String = "/k/pods/u1/volumes/kubernetes.io~csi/v/mount") -> TrackedVolume {
        TrackedVolume(podUID: "u1", namespace: "binder", podName: "build-1", volume: "v", targetPath: path)
    }

    /// Looks once each two seconds.
    private func gone(_ looks: [(PathBook.Sight, PathBook.Root)], confirmAfter: Duration = .seconds(3)) -> [Int] {
        var book = PathBook(confirmAfter: confirmAfter)
        return looks.enumerated().compactMap { index, look in
            let now = Duration.seconds(100 + 2 * index)
            let (gone, _) = book.look(at: [volume()], now: now, sight: { _ in look.0 }, root: { _ in look.1 })
            return gone.isEmpty ? nil : index
        }
    }

    @Test func aSeenDirectoryThatStaysMissingIsGoneOnce() {
        #expect(gone([(.present, Self.populated)] + Array(repeating: (.absent, Self.populated), count: 6)) == [3])
        #expect(gone([(.present, Self.populated)] + Array(repeating: (.absent, Self.empty), count: 6)) == [3])
    }

    @Test func aDirectoryThatComesBackIsNotGone() {
        let back: [(PathBook.Sight, PathBook.Root)] = [
            (.present, Self.populated), (.absent, Self.populated), (.present, Self.populated),
            (.absent, Self.populated), (.present, Self.populated),
        ]
        #expect(gone(back) == [])
        // After its end it may come back and end again.
        let absent = [(PathBook.Sight, PathBook.Root)](repeating: (.absent, Self.populated), count: 3)
        #expect(gone(absent + [(.present, Self.populated)] + absent) == [2, 6])
    }

    @Test func aLookThatFailsSaysNothing() {
        let unknown = Array(repeating: (PathBook.Sight.unknown, Self.populated), count: 6)
        #expect(gone([(.present, Self.populated)] + unknown) == [])
        #expect(gone([(.present, Self.populated), (.absent, Self.populated), (.unknown, Self.populated)]) == [])
    }

    @Test func withoutTheKubeletsDirectoryNothingIsSaid() {
        let missing = Array(repeating: (PathBook.Sight.absent, PathBook.Root.missing), count: 6)
        #expect(gone([(.present, Self.populated)] + missing) == [])
        #expect(gone(missing) == [])
    }

    /// Something was unmounted, and what lies under it shows through.
    @Test func belowAnotherDirectoryNothingIsSaid() {
        let others = Array(repeating: (PathBook.Sight.absent, Self.other), count: 6)
        #expect(gone([(.present, Self.populated)] + others) == [])
    }

    @Test func aDirectoryThatWasNeverSeenNeedsOtherPodsBesideIt() {
        #expect(gone(Array(repeating: (.absent, Self.empty), count: 6)) == [])
        #expect(gone(Array(repeating: (.absent, Self.populated), count: 6)) == [2])
    }

    @Test func theNextLookIsInTimeForTheConfirmation() {
        var book = PathBook(confirmAfter: .seconds(5))
        _ = book.look(at: [volume()], now: .seconds(1), sight: { _ in .present }, root: { _ in Self.populated })
        let (_, first) = book.look(
            at: [volume()],
            now: .seconds(2),
            sight: { _ in .absent },
            root: { _ in Self.populated }
        )
        #expect(first == .seconds(5))
        let (_, second) = book.look(
            at: [volume()],
            now: .seconds(4),
            sight: { _ in .absent },
            root: { _ in Self.populated }
        )
        #expect(second == .seconds(3))
    }

    /// Only kubelet's own form for this very volume is looked at.
    @Test(arguments: [
        "", "/", "mount", "k/pods/u1/volumes/kubernetes.io~csi/v/mount", "/k/pods/u1/volumes/kubernetes.io~csi/v",
        "/k/pods/u2/volumes/kubernetes.io~csi/v/mount", "/k/pods/u1/volumes/kubernetes.io~csi/w/mount",
        "/k/../pods/u1/volumes/kubernetes.io~csi/v/mount", "/k//pods/u1/volumes/kubernetes.io~csi/v/mount",
        "/k/./pods/u1/volumes/kubernetes.io~csi/v/mount", "/k/pods/u1/volumes/kubernetes.io~csi/v/mount/",
        "/k/pods/u1/volumes/kubernetes.io~nfs/v/mount", "/mnt/secrets-store",
    ])
    func otherPathsAreNotLookedAt(_ path: String) {
        var book = PathBook(confirmAfter: .zero)
        for now in 1...3 {
            let (gone, again) = book.look(at: [volume(path)], now: .seconds(now)) { _ in
                Issue.record("\(path) was looked at")
                return .absent
            } root: { _ in
                Self.populated
            }
            #expect(gone.isEmpty && again == nil)
        }
    }
}
