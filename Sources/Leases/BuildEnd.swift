// How the end of a build becomes known: the protocol of the detectors, and what they look at.

import Synchronization

/// One volume of a build for which leases are held.
package struct TrackedVolume: Sendable, Hashable {
    /// The Pod's UID.
    package var podUID: String
    /// The Pod's namespace.
    package var namespace: String
    /// The Pod's name.
    package var podName: String
    /// The name of the volume.
    package var volume: String
    /// Where kubelet has the volume (`<kubelet>/pods/<uid>/volumes/kubernetes.io~csi/<volume>/mount`); may be empty.
    package var targetPath: String

    package init(podUID: String, namespace: String, podName: String, volume: String, targetPath: String) {
        self.podUID = podUID
        self.namespace = namespace
        self.podName = podName
        self.volume = volume
        self.targetPath = targetPath
    }
}

/// The end of a build, or of one of its volumes.
package enum BuildEnd: Sendable, Hashable {
    /// The Pod has ended; it never comes back under this UID.
    case pod(uid: String, how: PodEnd)
    /// The volume's directory has vanished. The Pod may mount it again: kubelet clears the directory after a failed
    /// first publish too.
    case volume(podUID: String, volume: String)
}

/// How a Pod ended.
package enum PodEnd: String, Sendable, Hashable {
    case succeeded, failed, deleted
    /// Another Pod has its name.
    case replaced
}

/// Finds out that builds have ended.
package protocol BuildEndDetector: Sendable {
    /// Its name, for the log.
    var name: String { get }

    /// Watches until the task is cancelled. It never gives up by itself, and it reports only what it knows: a Pod or a
    /// path that it never saw is not one that is gone, and a source that can't be asked says nothing about any build.
    ///
    /// An end may be reported more than once, and for builds that hold nothing.
    func run(_ builds: TrackedBuilds, ended: @escaping @Sendable (BuildEnd) -> Void) async
}

/// The volumes for which leases are held, as the detectors see them.
package final class TrackedBuilds: Sendable {
    private struct State {
        var volumes: Set<TrackedVolume> = []
        var listeners: [Int: AsyncStream<Void>.Continuation] = [:]
        var nextListener = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// The volumes for which leases are held.
    package var volumes: Set<TrackedVolume> { state.withLock { $0.volumes } }

    /// Sets the volumes, and wakes who listens when they changed.
    package func set(_ volumes: Set<TrackedVolume>) {
        let listeners = state.withLock { state in
            guard state.volumes != volumes else { return [AsyncStream<Void>.Continuation]() }
            state.volumes = volumes
            return Array(state.listeners.values)
        }
        for listener in listeners { listener.yield() }
    }

    /// An element for each change, several in one where they come fast; the first at once. It ends with its reader's task.
    package func changes() -> AsyncStream<Void> {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let id = state.withLock { state in
            state.nextListener += 1
            state.listeners[state.nextListener] = continuation
            return state.nextListener
        }
        continuation.onTermination = { [weak self] _ in
            self?.state.withLock { _ = $0.listeners.removeValue(forKey: id) }
        }
        continuation.yield()
        return stream
    }
}
