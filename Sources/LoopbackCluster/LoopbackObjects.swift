// The objects of the loopback cluster beside its Pods: what tests do with them, and the calls about them.

import Synchronization

extension LoopbackPods {
    /// The events, the oldest first.
    package var events: [LoopbackEvent] { state.withLock { $0.objects.shownEvents } }

    /// The events of a Pod.
    package func events(of podUID: String) -> [LoopbackEvent] { events.filter { $0.podUID == podUID } }

    /// All events are forgotten, as servers do after an hour.
    package func forgetEvents() { state.withLock { $0.objects.forgetEvents() } }

    /// A SecretProviderClass.
    package func setClass(_ name: String, namespace: String, provider: String) {
        state.withLock { $0.objects.classes["\(namespace)/\(name)"] = provider }
    }

    /// A namespace is gone.
    package func removeNamespace(_ name: String) { state.withLock { _ = $0.objects.missingNamespaces.insert(name) } }

    /// A node with these taints (`key=value:Effect`, `key:Effect`), in this order.
    package func setNode(_ name: String, taints: [String]) {
        state.withLock { $0.objects.setNode(name, taints: taints.map(Self.taint)) }
    }

    /// The taints of a node, as ``setNode(_:taints:)`` takes them.
    package func taints(_ node: String) -> [String] {
        state.withLock { $0.objects.taints(node) }.map { taint in
            let value = taint["value"]?.string.map { "=\($0)" } ?? ""
            return "\(taint["key"]?.string ?? "")\(value):\(taint["effect"]?.string ?? "")"
        }
    }

    private static func taint(_ text: String) -> JSONTree {
        let parts = text.split(separator: ":")
        let pair = parts[0].split(separator: "=")
        var taint: [String: JSONTree] = [
            "key": .string(String(pair[0])), "effect": .string(String(parts[1])),
            "timeAdded": .string("2026-01-01T00:00:00Z"),
        ]
        if pair.count > 1 { taint["value"] = .string(String(pair[1])) }
        return .object(taint)
    }

    /// Answers a call about an object that is no Pod.
    func answer(_ request: PodRequest, _ call: PodCall, _ fault: PodFault?) -> ClusterLedger.Answer {
        state.withLock { state in
            let path = request.path
            switch call {
            case .createEvent:
                if fault == .terminatesNamespace { return Self.terminating(path[4]) }
                if fault == .exceedsQuota { return Self.overQuota }
                let answer = state.objects.createEvent(namespace: path[4], request.body)
                return answer
            case .patchEvent:
                return state.objects.patchEvent(
                    namespace: path[4],
                    name: path[6],
                    type: request.contentType,
                    request.body
                )
            case .getClass: return state.objects.providerClass(namespace: path[4], name: path[6])
            case .getNode: return state.objects.node(path[3])
            case .patchNode:
                if fault == .movesTaints {
                    let taints = [Self.taint("somebody/else:NoExecute")] + state.objects.taints(path[3])
                    state.objects.setNode(path[3], taints: taints)
                }
                return state.objects.patchNode(path[3], type: request.contentType, request.body)
            case .list, .get, .watch: return .failure(404, "NotFound", "not here")
            }
        }
    }

    private static var overQuota: ClusterLedger.Answer {
        .failure(
            403,
            "Forbidden",
            #"events.events.k8s.io "x" is forbidden: exceeded quota: objects, requested: count/events.events.k8s.io=1, "#
                + "used: count/events.events.k8s.io=9, limited: count/events.events.k8s.io=9"
        )
    }

    private static func terminating(_ namespace: String) -> ClusterLedger.Answer {
        let body = """
            {"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"events is forbidden: unable \
            to create new content in namespace \(namespace) because it is being terminated","reason":"Forbidden",\
            "details":{"kind":"events","causes":[{"reason":"NamespaceTerminating","message":"namespace is being \
            terminated","field":"metadata.namespace"}]},"code":403}
            """
        return ClusterLedger.Answer(status: 403, body: body)
    }
}
