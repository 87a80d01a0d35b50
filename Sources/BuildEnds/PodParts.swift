// The JSON of a Pod's volumes and containers, as far as it is read.

import TokenStore

/// A value that is left out when it is not of the expected shape: who a Pod is must be read whatever else it has.
struct Lenient<Value: Decodable>: Decodable {
    var value: Value?

    init(from decoder: any Decoder) throws { value = try? Value(from: decoder) }
}

/// `spec.volumes[]`
/// (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#volumes>).
struct PodVolumeJSON: Decodable {
    struct CSI: Decodable {
        var driver: String?
        var volumeAttributes: [String: String]?
    }

    var name: String?
    var csi: CSI?

    var classVolume: ClassVolume? {
        guard let name, csi?.driver == "secrets-store.csi.k8s.io" else { return nil }
        return ClassVolume(name: name, className: csi?.volumeAttributes?["secretProviderClass"] ?? "")
    }
}

/// `status.containerStatuses[]`
/// (<https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus>).
struct ContainerJSON: Decodable {
    struct State: Decodable {
        var running: Times?
        var terminated: Times?
    }

    struct Times: Decodable { var startedAt: String? }

    var restartCount: Int?
    var state: State?
    var lastState: State?

    /// What became of the containers of a Pod.
    static func facts(_ containers: [ContainerJSON], takenUp: UTCInstant?) -> ContainerFacts {
        let states = containers.flatMap { [$0.state, $0.lastState] }
        let starts = states.flatMap { [$0?.running?.startedAt, $0?.terminated?.startedAt] }
        return ContainerFacts(
            takenUp: takenUp,
            // A container that never came to run has the year 0001, or no time at all.
            firstStart: starts.compactMap { $0.flatMap { UTCInstant(rfc3339: $0) } }.filter { $0.epochSeconds > 0 }
                .min(),
            restarts: containers.reduce(0) { $0 + max(0, $1.restartCount ?? 0) }
        )
    }
}
