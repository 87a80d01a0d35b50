// The watch of volumes' directories, on real ones.

import BuildEnds
import Foundation
import Leases
import Support
import Testing

@Suite struct TargetPathWatchTests {
    /// A kubelet's directory, and a watch of it.
    private struct Scene: Sendable {
        let root: URL
        let builds = TrackedBuilds()
        let ends = Box<[BuildEnd]>([])
        let log = CollectedLog()

        var pods: URL { root.appending(path: "pods") }

        func uid(_ number: Int) -> String { "5d7f1c4e-0000-4000-8000-\(100_000_000_000 + number)" }

        func pod(_ number: Int) -> URL { pods.appending(path: uid(number)) }

        func path(_ number: Int) -> URL { pod(number).appending(path: "volumes/kubernetes.io~csi/credentials/mount") }

        func make(_ number: Int) throws {
            try FileManager.default.createDirectory(at: path(number), withIntermediateDirectories: true)
        }

        func track(_ numbers: ClosedRange<Int>) {
            let volumes = numbers.map { number in
                TrackedVolume(
                    podUID: uid(number),
                    namespace: "binder",
                    podName: "build-\(number)",
                    volume: "credentials",
                    targetPath: path(number).path
                )
            }
            builds.set(Set(volumes))
        }

        func remove(_ url: URL) throws { try FileManager.default.removeItem(at: url) }

        func ended(_ number: Int) -> Bool {
            ends.get().contains(.volume(podUID: uid(number), volume: "credentials"))
        }
    }

    private func run(
        confirmAfter: Duration = .milliseconds(100),
        poll: Duration = .milliseconds(50),
        _ body: (Scene) async throws -> Void
    ) async throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "daypass-kubelet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let scene = Scene(root: root)
        var options = TargetPathWatch.Options()
        options.confirmAfter = confirmAfter
        options.poll = poll
        let watch = TargetPathWatch(options: options, logger: scene.log.logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await watch.run(scene.builds) { end in scene.ends.update { $0.append(end) } } }
            defer { group.cancelAll() }
            try await body(scene)
        }
    }

    /// Looks until the watch must have looked as well: a volume that is removed later is reported.
    private func waitForLooks(_ scene: Scene, _ spare: Int) async throws {
        try scene.remove(scene.pod(spare))
        await until { scene.ended(spare) }
        #expect(scene.ended(spare))
    }

    /// The slow poll is an hour away: inotify and the confirmation alone find it.
    @Test func aRemovedVolumeIsNoticedAtOnce() async throws {
        try await run(poll: .seconds(3600)) { scene in
            for number in 1...2 { try scene.make(number) }
            scene.track(1...2)
            await until { scene.log.text.contains("volumes are watched") }
            try scene.remove(scene.path(1))
            await until { scene.ended(1) }
            #expect(scene.ends.get() == [.volume(podUID: scene.uid(1), volume: "credentials")])
        }
    }

    @Test func aRemovedPodIsNoticed() async throws {
        try await run { scene in
            for number in 1...2 { try scene.make(number) }
            scene.track(1...2)
            await until { scene.log.text.contains("volumes are watched") }
            try scene.remove(scene.pod(1))
            await until { scene.ended(1) }
            #expect(scene.ended(1) && !scene.ended(2))
        }
    }

    /// kubelet clears the directory after a failed first publish, and makes it again at once.
    @Test func aVolumeThatIsRemadeHasNotEnded() async throws {
        try await run(confirmAfter: .seconds(2)) { scene in
            for number in 1...3 { try scene.make(number) }
            scene.track(1...3)
            await until { scene.log.text.contains("volumes are watched") }
            for _ in 1...5 {
                try scene.remove(scene.pod(1))
                try scene.make(1)
                try await Task.sleep(for: .milliseconds(60))
            }
            try await waitForLooks(scene, 3)
            #expect(!scene.ended(1) && !scene.ended(2))
        }
    }

    /// The kubelet's directory is not mounted into our container.
    @Test func anInvisibleKubeletSaysNothing() async throws {
        try await run { scene in
            scene.track(1...2)
            await until { scene.log.text.contains("is not visible") }
            try await Task.sleep(for: .milliseconds(500))
            #expect(scene.ends.get().isEmpty)
            #expect(scene.log.lines.count { $0.contains("is not visible") } == 1)
        }
    }

    @Test func aVanishedKubeletDirectorySaysNothing() async throws {
        try await run { scene in
            for number in 1...3 { try scene.make(number) }
            scene.track(1...3)
            await until { scene.log.text.contains("volumes are watched") }
            let aside = scene.root.appending(path: "aside")
            try FileManager.default.moveItem(at: scene.pods, to: aside)
            await until { scene.log.text.contains("is not visible") }
            // What an unmount leaves: a directory of the same name, here even with other Pods.
            try scene.make(9)
            await until { scene.log.lines.count { $0.contains("volumes are watched") } == 2 }
            try await Task.sleep(for: .milliseconds(500))
            #expect(scene.ends.get().isEmpty)
            // It comes back, and all goes on.
            try scene.remove(scene.pods)
            try FileManager.default.moveItem(at: aside, to: scene.pods)
            try await waitForLooks(scene, 3)
            #expect(!scene.ended(1) && !scene.ended(2))
        }
    }
}
