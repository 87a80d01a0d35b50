// The JSON of Pods, lists, watch events and Status objects, as far as it is read.

import Leases
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads what API servers write
/// (<https://kubernetes.io/docs/reference/using-api/api-concepts/>). Fields that are not needed are passed over.
enum PodJSON {
    /// A page of a list; `nil` when it is no `PodList` with a resource version whose items all are Pods.
    static func page(_ bytes: [UInt8]) -> PodPage? {
        guard let list = decode(List.self, bytes), list.kind == "PodList" else { return nil }
        guard let version = list.metadata.resourceVersion, !version.isEmpty else { return nil }
        let items = list.items ?? []
        let pods = items.compactMap(\.facts)
        // One item that can't be read makes the list say too little, and who is missing in it would seem gone.
        guard pods.count == items.count else { return nil }
        let next = list.metadata.continue ?? ""
        return PodPage(pods: pods, version: version, next: next.isEmpty ? nil : next)
    }

    /// One Pod; `nil` when it is none.
    static func pod(_ bytes: [UInt8]) -> PodFacts? {
        guard let pod = decode(Pod.self, bytes), pod.kind == "Pod" else { return nil }
        return pod.facts
    }

    /// Whether a 404 is the API server's word that there is no Pod of this name, and not that of something before it.
    static func saysNotFound(_ bytes: [UInt8], _ name: PodName) -> Bool {
        guard let status = decode(Status.self, bytes), status.kind == "Status", status.code == 404 else { return false }
        return status.reason == "NotFound" && status.details?.kind == "pods" && status.details?.name == name.name
    }

    /// One line of a watch; `nil` when it is no event.
    static func event(_ line: [UInt8]) -> PodEvent? { decode(Event.self, line)?.event }

    private static func decode<Value: Decodable>(_ type: Value.Type, _ bytes: [UInt8]) -> Value? {
        try? JSONDecoder().decode(type, from: Data(bytes))
    }

    private struct Metadata: Decodable {
        var name: String?
        var namespace: String?
        var uid: String?
        var resourceVersion: String?
        var `continue`: String?
    }

    private struct List: Decodable {
        var kind: String
        var metadata: Metadata
        var items: [Pod]?
    }

    private struct Pod: Decodable {
        struct Spec: Decodable {
            var nodeName: String?
            var volumes: Lenient<[PodVolumeJSON]>?
        }

        struct State: Decodable {
            var phase: String?
            var startTime: Lenient<String>?
            var initContainerStatuses: Lenient<[ContainerJSON]>?
            var containerStatuses: Lenient<[ContainerJSON]>?
            var ephemeralContainerStatuses: Lenient<[ContainerJSON]>?
        }

        var kind: String?
        var metadata: Metadata
        var spec: Spec?
        var status: State?

        var facts: PodFacts? {
            guard let uid = metadata.uid, let name = metadata.name, let namespace = metadata.namespace,
                let version = metadata.resourceVersion
            else { return nil }
            guard !uid.isEmpty, !name.isEmpty, !namespace.isEmpty, !version.isEmpty else { return nil }
            return PodFacts(
                uid: uid,
                name: PodName(namespace: namespace, name: name),
                nodeName: spec?.nodeName ?? "",
                version: version,
                end: end,
                volumes: (spec?.volumes?.value ?? []).compactMap(\.classVolume),
                containers: containers
            )
        }

        private var end: PodEnd? {
            switch status?.phase {
            case "Succeeded": .succeeded
            case "Failed": .failed
            default: nil
            }
        }

        private var containers: ContainerFacts {
            let lists = [status?.initContainerStatuses, status?.containerStatuses, status?.ephemeralContainerStatuses]
            return ContainerJSON.facts(
                lists.flatMap { $0?.value ?? [] },
                takenUp: status?.startTime?.value.flatMap { UTCInstant(rfc3339: $0) }
            )
        }
    }

    private struct Status: Decodable {
        struct Details: Decodable {
            var name: String?
            var kind: String?
        }

        var kind: String?
        var code: Int?
        var reason: String?
        var details: Details?
    }

    private struct Event: Decodable {
        private enum CodingKeys: String, CodingKey { case type, object }

        var event: PodEvent?

        init(from decoder: any Decoder) throws {
            let values = try decoder.container(keyedBy: CodingKeys.self)
            switch try values.decode(String.self, forKey: .type) {
            case "ADDED", "MODIFIED":
                event = try values.decode(Pod.self, forKey: .object).facts.map { .state($0) }
            case "DELETED":
                event = try values.decode(Pod.self, forKey: .object).facts.map { .deleted($0) }
            case "BOOKMARK":
                let version = try values.decode(Pod.self, forKey: .object).metadata.resourceVersion ?? ""
                event = version.isEmpty ? nil : .bookmark(version: version)
            case "ERROR":
                let status = try values.decode(Status.self, forKey: .object)
                event = .failure(code: status.code ?? 0, reason: status.reason ?? "")
            default:
                event = .other
            }
        }
    }
}
