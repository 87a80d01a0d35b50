// What is taken from a Pod of the API server: who it is, where it is, and whether it has ended.

package import Leases
package import TokenStore

/// The name of a Pod, which another Pod may get after it.
package struct PodName: Sendable, Hashable {
    package var namespace: String
    package var name: String

    package init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }
}

/// One state of one Pod.
package struct PodFacts: Sendable, Hashable {
    /// `metadata.uid`: no other Pod ever has it.
    package var uid: String
    /// `metadata.namespace` and `metadata.name`.
    package var name: PodName
    /// `spec.nodeName`; empty while it is not scheduled.
    package var nodeName: String
    /// `metadata.resourceVersion` of this state.
    package var version: String
    /// How it ended, by `status.phase`. `Succeeded` and `Failed` are for ever
    /// (<https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase>). A deletion that was only asked for
    /// (`metadata.deletionTimestamp`) is no end: the build may still run in its grace period.
    package var end: PodEnd?
    /// Its volumes of the Secrets Store CSI driver.
    package var volumes: [ClassVolume]
    /// What became of its containers.
    package var containers: ContainerFacts

    package init(
        uid: String,
        name: PodName,
        nodeName: String,
        version: String,
        end: PodEnd? = nil,
        volumes: [ClassVolume] = [],
        containers: ContainerFacts = ContainerFacts()
    ) {
        self.uid = uid
        self.name = name
        self.nodeName = nodeName
        self.version = version
        self.end = end
        self.volumes = volumes
        self.containers = containers
    }
}

/// A volume of the driver `secrets-store.csi.k8s.io`.
package struct ClassVolume: Sendable, Hashable {
    /// `spec.volumes[].name`.
    package var name: String
    /// `csi.volumeAttributes.secretProviderClass`, in the Pod's own namespace; empty when the Pod names none.
    package var className: String

    package init(name: String, className: String) {
        self.name = name
        self.className = className
    }
}

/// The containers of a Pod, init containers and ephemeral ones included.
package struct ContainerFacts: Sendable, Hashable {
    /// `status.startTime`: when kubelet took the Pod up, before it mounted anything.
    package var takenUp: UTCInstant?
    /// The earliest known start of one; `nil` while none has started. kubelet mounts all volumes before the first start.
    package var firstStart: UTCInstant?
    /// How often they were started anew: with the first restart, the first start may be forgotten.
    package var restarts: Int

    package init(takenUp: UTCInstant? = nil, firstStart: UTCInstant? = nil, restarts: Int = 0) {
        self.takenUp = takenUp
        self.firstStart = firstStart
        self.restarts = restarts
    }

    /// Whether one has ever started.
    package var haveStarted: Bool { firstStart != nil || restarts > 0 }
}

/// A line of a watch.
package enum PodEvent: Sendable, Hashable {
    /// `ADDED` or `MODIFIED`.
    case state(PodFacts)
    /// `DELETED`, with the last state.
    case deleted(PodFacts)
    /// `BOOKMARK`: all changes up to this resource version were sent.
    case bookmark(version: String)
    /// `ERROR`, with the code and the reason of its Status.
    case failure(code: Int, reason: String)
    /// Another type, which is none of ours.
    case other
}

/// What the API server says of one Pod that was asked for by name.
package enum PodAnswer: Sendable, Hashable {
    /// The Pod that has the name now.
    case found(PodFacts)
    /// No Pod has the name: the server's own Status said so.
    case notFound
}

/// A resource version, to be compared with another one of the same kind of object.
///
/// API servers of Kubernetes write decimal numbers that grow, and say so since 1.35
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions>); other text can't be compared.
struct VersionOrder {
    /// Whether `one` is later than `other`; `nil` when that can't be said.
    static func isLater(_ one: String, than other: String) -> Bool? {
        guard one != other else { return false }
        guard let one = number(one), let other = number(other) else { return nil }
        return one > other
    }

    private static func number(_ text: String) -> UInt64? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return UInt64(text)
    }
}
