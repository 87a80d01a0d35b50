// The events, SecretProviderClasses and Nodes of a loopback cluster. Pure.

/// An event as the loopback cluster has it.
package struct LoopbackEvent: Sendable, Hashable {
    package var namespace: String
    package var name: String
    package var reason: String
    package var note: String
    package var podUID: String
    /// How often it happened: 1 without a series.
    package var count: Int
    /// The whole object.
    package var object: JSONTree
}

/// Objects by their kind and name, each with its resource version.
struct ClusterLedger: Sendable {
    struct Answer: Sendable {
        var status: Int
        var body: String
        static func failure(_ status: Int, _ reason: String, _ message: String) -> Self {
            let tree: JSONTree = .object([
                "kind": .string("Status"), "apiVersion": .string("v1"), "status": .string("Failure"),
                "reason": .string(reason), "message": .string(message), "code": .number(Double(status)),
            ])
            return Self(status: status, body: tree.text)
        }
    }

    private var version = 5000
    /// Events by namespace and name, in the order in which they were made.
    private(set) var events: [(namespace: String, name: String, object: JSONTree)] = []
    /// Providers of classes, by `namespace/name`.
    var classes: [String: String] = [:]
    private(set) var nodes: [String: JSONTree] = [:]
    var missingNamespaces: Set<String> = []

    var shownEvents: [LoopbackEvent] {
        events.map { event in
            LoopbackEvent(
                namespace: event.namespace,
                name: event.name,
                reason: event.object["reason"]?.string ?? "",
                note: event.object["note"]?.string ?? "",
                podUID: event.object["regarding"]?["uid"]?.string ?? "",
                count: event.object["series"]?["count"]?.int ?? 1,
                object: event.object
            )
        }
    }

    mutating func forgetEvents() { events = [] }

    // MARK: Events

    mutating func createEvent(namespace: String, _ body: [UInt8]) -> Answer {
        guard var event = JSONTree(body), event["kind"]?.string == "Event",
            event["apiVersion"]?.string == "events.k8s.io/v1"
        else { return .failure(400, "BadRequest", "the object is no Event of events.k8s.io/v1") }
        guard !missingNamespaces.contains(namespace) else {
            return .failure(404, "NotFound", "namespaces \"\(namespace)\" not found")
        }
        let problems = EventRules.problems(event, namespace: namespace)
        guard problems.isEmpty else { return .failure(422, "Invalid", problems.joined(separator: ", ")) }
        let generated = event["metadata"]?["generateName"]?.string.map { "\($0)\(version)" }
        let name = event["metadata"]?["name"]?.string ?? generated ?? ""
        guard !events.contains(where: { $0.namespace == namespace && $0.name == name }) else {
            return .failure(409, "AlreadyExists", "events.events.k8s.io \"\(name)\" already exists")
        }
        version += 1
        event["metadata"]?["name"] = .string(name)
        event["metadata"]?["resourceVersion"] = .string("\(version)")
        events.append((namespace, name, event))
        return Answer(status: 201, body: event.text)
    }

    mutating func patchEvent(namespace: String, name: String, type: String, _ body: [UInt8]) -> Answer {
        guard let index = events.firstIndex(where: { $0.namespace == namespace && $0.name == name }) else {
            return .failure(404, "NotFound", "events.events.k8s.io \"\(name)\" not found")
        }
        let old = events[index].object
        guard type == "application/merge-patch+json" else {
            return .failure(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        }
        guard let patch = JSONTree(body) else { return .failure(400, "BadRequest", "the patch is no JSON") }
        var new = old.merged(with: patch)
        guard new["metadata"]?["resourceVersion"] == old["metadata"]?["resourceVersion"] else { return Self.conflict }
        let problems = EventRules.problems(changing: old, to: new, namespace: namespace)
        guard problems.isEmpty else { return .failure(422, "Invalid", problems.joined(separator: ", ")) }
        version += 1
        new["metadata"]?["resourceVersion"] = .string("\(version)")
        events[index].object = new
        return Answer(status: 200, body: new.text)
    }

    private static let conflict = Answer.failure(409, "Conflict", "the object has been modified")

    // MARK: Classes

    func providerClass(namespace: String, name: String) -> Answer {
        guard let provider = classes["\(namespace)/\(name)"] else {
            return .failure(404, "NotFound", "secretproviderclasses \"\(name)\" not found")
        }
        let tree: JSONTree = .object([
            "kind": .string("SecretProviderClass"), "apiVersion": .string("secrets-store.csi.x-k8s.io/v1"),
            "metadata": .object(["name": .string(name), "namespace": .string(namespace)]),
            "spec": .object(["provider": .string(provider), "parameters": .object(["tokens": .string("- {}")])]),
        ])
        return Answer(status: 200, body: tree.text)
    }

    // MARK: Nodes

    mutating func setNode(_ name: String, taints: [JSONTree]) {
        version += 1
        nodes[name] = .object([
            "kind": .string("Node"), "apiVersion": .string("v1"),
            "metadata": .object(["name": .string(name), "resourceVersion": .string("\(version)")]),
            "spec": .object(["podCIDR": .string("10.0.0.0/24"), "taints": .array(taints)]),
        ])
    }

    func node(_ name: String) -> Answer {
        guard let node = nodes[name] else { return .failure(404, "NotFound", "nodes \"\(name)\" not found") }
        return Answer(status: 200, body: node.text)
    }

    mutating func patchNode(_ name: String, type: String, _ body: [UInt8]) -> Answer {
        guard let old = nodes[name] else { return .failure(404, "NotFound", "nodes \"\(name)\" not found") }
        guard let patch = JSONTree(body) else { return .failure(400, "BadRequest", "the patch is no JSON") }
        var new: JSONTree
        switch type {
        case "application/json-patch+json":
            // The library of kube-apiserver compares the bytes of a tested value with those of the object.
            guard !body.contains(UInt8(ascii: "\\")), let patched = old.patched(with: patch) else {
                return .failure(422, "Invalid", "the server rejected our request due to an error in our request")
            }
            new = patched
        case "application/merge-patch+json": new = old.merged(with: patch)
        default: return .failure(415, "UnsupportedMediaType", "the body of the request was in an unknown format")
        }
        guard new["metadata"]?["resourceVersion"] == old["metadata"]?["resourceVersion"] else { return Self.conflict }
        version += 1
        new["metadata"]?["resourceVersion"] = .string("\(version)")
        // An empty list is left out, as Go's omitempty does.
        if new["spec"]?["taints"]?.array?.isEmpty == true { new["spec"]?["taints"] = nil }
        nodes[name] = new
        return Answer(status: 200, body: new.text)
    }

    /// The taints of a node, in order.
    func taints(_ name: String) -> [JSONTree] { nodes[name]?["spec"]?["taints"]?.array ?? [] }
}
