// A Kubernetes object, and how objects are read from JSON and YAML.

import StrictYAML

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A Kubernetes object of any kind.
package struct KubeObject: Sendable, Hashable {
    /// All of it.
    package let tree: ObjectTree

    package init(_ tree: ObjectTree) { self.tree = tree }

    /// `Pod`, `DaemonSet`; empty when it has none.
    package var kind: String { tree["kind"]?.text ?? "" }
    package var name: String { tree["metadata", "name"]?.text ?? "" }
    /// The namespace; that of kubectl's own default where the object of a file names none.
    package var namespace: String { tree["metadata", "namespace"]?.text ?? "default" }
    package var labels: [String: String] { tree["metadata", "labels"]?.textEntries ?? [:] }
    package var annotations: [String: String] { tree["metadata", "annotations"]?.textEntries ?? [:] }

    /// How a finding names it: `pod binder/build-1`.
    package var place: String {
        let isClusterWide = tree["metadata", "namespace"] == nil && Self.clusterKinds.contains(kind)
        let path = isClusterWide ? Printable.text(name) : "\(Printable.text(namespace))/\(Printable.text(name))"
        return "\(Printable.text(kind).lowercased()) \(path)"
    }

    /// A name that stands for it alone among the objects of its kind.
    package var key: String { "\(namespace)/\(name)" }

    private static let clusterKinds: Set<String> = ["CSIDriver", "CSINode", "Node", "ClusterRole"]
}

/// Why an object's text can't be used, in one line.
package struct ObjectTextProblem: Error, Sendable, Hashable {
    package var message: String
}

extension KubeObject {
    /// The most bytes of JSON that are read; a cluster's Pods can be many.
    package static let largestJSON = 256 << 20
    /// The most bytes of YAML that are read: it is for files that people write, and for dumps of a namespace.
    package static let largestYAML = 16 << 20

    /// The objects of a text: one, a `List`, or several YAML documents.
    ///
    /// - Throws: ``ObjectTextProblem`` when it is neither JSON nor YAML, or holds something that is no object.
    package static func read(_ text: [UInt8]) throws(ObjectTextProblem) -> [KubeObject] {
        let first = text.first { $0 != 0x20 && $0 != 0x09 && $0 != 0x0A && $0 != 0x0D }
        guard let first else { throw ObjectTextProblem(message: "it is empty") }
        var trees: [ObjectTree] = []
        if first == UInt8(ascii: "{"), let tree = try json(text) { trees = [tree] } else { trees = try yaml(text) }
        guard !trees.isEmpty else { throw ObjectTextProblem(message: "it holds no Kubernetes object") }
        var objects: [KubeObject] = []
        for tree in trees { try add(tree, to: &objects) }
        return objects
    }

    private static func json(_ text: [UInt8]) throws(ObjectTextProblem) -> ObjectTree? {
        guard text.count <= largestJSON else {
            throw ObjectTextProblem(message: "it has more than \(largestJSON >> 20) MiB")
        }
        return try? JSONDecoder().decode(ObjectTree.self, from: Data(text))
    }

    private static func yaml(_ bytes: [UInt8]) throws(ObjectTextProblem) -> [ObjectTree] {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw ObjectTextProblem(message: "it is no UTF-8 text")
        }
        let limits = YAMLLimits(bytes: largestYAML, keys: 100_000, nodes: 4_000_000)
        do throws(YAMLProblems) {
            return try YAMLValue.documents(text, file: "it", limits: limits).map(ObjectTree.init)
        } catch {
            throw ObjectTextProblem(
                message: error.problems.first.map { "\($0.message) (line \($0.line))" } ?? "no YAML"
            )
        }
    }

    private static func add(_ tree: ObjectTree, to objects: inout [KubeObject]) throws(ObjectTextProblem) {
        guard let kind = tree["kind"]?.text, tree["apiVersion"]?.text != nil else {
            throw ObjectTextProblem(message: "it holds something that is no Kubernetes object")
        }
        guard kind.hasSuffix("List"), let items = tree["items"] else {
            objects.append(KubeObject(tree))
            return
        }
        // The items of a PodList do not say that they are Pods.
        let own = String(kind.dropLast("List".count))
        for item in items.elements {
            guard case .map(var map) = item else { continue }
            if map["kind"]?.text == nil, !own.isEmpty { map["kind"] = .text(own) }
            if map["apiVersion"]?.text == nil { map["apiVersion"] = tree["apiVersion"] }
            objects.append(KubeObject(.map(map)))
        }
    }
}

extension ObjectTree {
    /// A YAML value with the types that the API server would see.
    init(_ value: YAMLValue) {
        switch value.content {
        case .mapping(let entries):
            self = .map(Dictionary(entries.map { ($0.key, ObjectTree($0.value)) }) { first, _ in first })
        case .sequence(let elements): self = .list(elements.map(ObjectTree.init))
        case .scalar(let text, .plain):
            switch text {
            case "", "~", "null": self = .null
            case "true": self = .bool(true)
            case "false": self = .bool(false)
            default: self = Double(text).map { .number($0) } ?? .text(text)
            }
        case .scalar(let text, _): self = .text(text)
        }
    }
}
