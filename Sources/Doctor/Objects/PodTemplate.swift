// What the doctor looks at in the specification of a Pod.

/// The `spec` of a Pod, or of the Pods that a workload makes.
package struct PodTemplate: Sendable {
    /// A container, init containers included.
    package struct Container: Sendable {
        package let tree: ObjectTree
        package var name: String { tree["name"]?.text ?? "" }
        package var image: String { tree["image"]?.text ?? "" }
        package var mounts: [Mount] { (tree["volumeMounts"]?.elements ?? []).map(Mount.init) }
        /// The command line: `command`, then `args`.
        package var arguments: [String] { (tree["command"]?.texts ?? []) + (tree["args"]?.texts ?? []) }

        /// The value of a flag, in the forms that Go's flag package knows: `--name=value`, `--name value`, `-name`; a
        /// flag without a value is `true`. `nil` when it is not there. The last one counts.
        package func flag(_ name: String) -> String? {
            var found: String?
            let arguments = arguments
            for (index, argument) in arguments.enumerated() {
                let bare =
                    argument.hasPrefix("--")
                    ? argument.dropFirst(2) : argument.dropFirst(argument.hasPrefix("-") ? 1 : 0)
                guard argument.hasPrefix("-") else { continue }
                if bare == name {
                    let next = arguments.indices.contains(index + 1) ? arguments[index + 1] : "-"
                    found = next.hasPrefix("-") ? "true" : next
                } else if bare.hasPrefix(name + "=") {
                    found = String(bare.dropFirst(name.count + 1))
                }
            }
            return found
        }
    }

    /// An entry of `volumeMounts`.
    package struct Mount: Sendable {
        package let tree: ObjectTree
        package var volume: String { tree["name"]?.text ?? "" }
        package var path: String { tree["mountPath"]?.text ?? "" }
        package var isSubPath: Bool {
            let texts = [tree["subPath"]?.text, tree["subPathExpr"]?.text]
            return texts.contains { $0?.isEmpty == false }
        }
    }

    /// An entry of `volumes`.
    package struct Volume: Sendable {
        package let tree: ObjectTree
        package var name: String { tree["name"]?.text ?? "" }
        package var hostPath: String? { tree["hostPath", "path"]?.text }
        /// The attributes of a volume of the Secrets Store CSI driver; `nil` for every other volume.
        package var secretsStoreAttributes: [String: String]? {
            guard tree["csi", "driver"]?.text == DriverNames.object else { return nil }
            return tree["csi", "volumeAttributes"]?.textEntries ?? [:]
        }
        package var isReadOnly: Bool { tree["csi", "readOnly"]?.bool == true }
    }

    package let tree: ObjectTree

    /// The Pod's own `spec`, or the one in a workload's template; `nil` for other objects.
    package init?(_ object: KubeObject) {
        let spec: ObjectTree? =
            switch object.kind {
            case "Pod": object.tree["spec"]
            case "CronJob": object.tree["spec", "jobTemplate", "spec", "template", "spec"]
            case "DaemonSet", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet":
                object.tree["spec", "template", "spec"]
            default: nil
            }
        guard let spec else { return nil }
        tree = spec
    }

    package var containers: [Container] {
        let lists = [tree["initContainers"], tree["containers"]]
        return lists.flatMap { $0?.elements ?? [] }.map(Container.init)
    }
    package var volumes: [Volume] { (tree["volumes"]?.elements ?? []).map(Volume.init) }
    package var serviceAccount: String {
        tree["serviceAccountName"]?.text ?? tree["serviceAccount"]?.text ?? "default"
    }
    package var nodeName: String? { tree["nodeName"]?.text }
    package var nodeSelector: [String: String] { tree["nodeSelector"]?.textEntries ?? [:] }

    /// The node's path that a container sees at `path`: through the deepest of its hostPath mounts. `nil` when it sees no
    /// directory of the node there.
    package func nodePath(of path: String, in container: Container) -> String? {
        let path = NodePath.normal(path)
        let mounts = container.mounts.filter { NodePath.contains(NodePath.normal($0.path), path) }
        guard let mount = mounts.max(by: { $0.path.utf8.count < $1.path.utf8.count }), !mount.isSubPath,
            let host = volumes.first(where: { $0.name == mount.volume })?.hostPath
        else { return nil }
        return NodePath.normal(host + path.dropFirst(NodePath.normal(mount.path).count))
    }

    /// The volume that a container has mounted at, or above, `path`.
    package func volume(at path: String, in container: Container) -> Volume? {
        let path = NodePath.normal(path)
        let mounts = container.mounts.filter { NodePath.contains(NodePath.normal($0.path), path) }
        let mount = mounts.max { $0.path.utf8.count < $1.path.utf8.count }
        return mount.flatMap { mount in volumes.first { $0.name == mount.volume } }
    }
}

/// The names of the Secrets Store CSI driver and of Daypass in a cluster.
package enum DriverNames {
    /// The CSIDriver object, and `csi.driver` of a volume.
    package static let object = "secrets-store.csi.k8s.io"
    /// What `spec.provider` of a class says, and the socket's name.
    package static let provider = "daypass"
    /// Where the driver looks for sockets unless it is told otherwise (its flag `--provider-volume`).
    package static let directory = "/var/run/secrets-store-csi-providers"
    /// Where it looks before that (its flag `--additional-provider-volume-paths`).
    package static let olderDirectory = "/etc/kubernetes/secrets-store-csi-providers"
}

/// Paths of a node as texts.
package enum NodePath {
    /// Without double and final slashes, and with `/run` for `/var/run`, which is a link to it.
    package static func normal(_ path: String) -> String {
        let joined = "/" + path.split(separator: "/").joined(separator: "/")
        if joined == "/var/run" { return "/run" }
        return joined.hasPrefix("/var/run/") ? String(joined.dropFirst("/var".count)) : joined
    }

    /// The folder of a file.
    package static func folder(_ path: String) -> String {
        "/" + path.split(separator: "/").dropLast().joined(separator: "/")
    }

    /// Whether `path` is `folder` or below it; both are normal.
    package static func contains(_ folder: String, _ path: String) -> Bool {
        folder == "/" || path == folder || path.hasPrefix(folder + "/")
    }
}
