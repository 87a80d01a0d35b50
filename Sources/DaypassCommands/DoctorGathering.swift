// `daypass doctor`: where the facts come from.

import Doctor
import Glibc
import Policy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Gathers the facts for the options of a command line.
struct DoctorGathering {
    private let options: DoctorCommand
    private let environment = ProcessInfo.processInfo.environment

    /// Where configurations are when nobody says it: in a Pod of the manifests, and on a node.
    private static let usualConfigurations = ["/config/node.yaml", "/etc/daypass/node.yaml"]
    /// The most files that are read of a folder.
    private static let mostFiles = 1000

    init(_ options: DoctorCommand) { self.options = options }

    func facts() async throws(GatheringFailure) -> Facts {
        if !options.objects.isEmpty || options.from != nil { return try files() }
        switch options.at {
        case .node: return try await node()
        case .cluster: return try await cluster()
        case .auto: return isOnNode ? try await node() : try await cluster()
        }
    }

    /// In a Pod, or where a daemon serves.
    private var isOnNode: Bool {
        if environment["KUBERNETES_SERVICE_HOST"]?.isEmpty == false { return true }
        let standard = [DoctorNode.standardSocket, AdminSocket.standard]
        return ([options.socket, options.adminSocket].compactMap(\.self) + standard).contains { access($0, F_OK) == 0 }
    }

    private func node() async throws(GatheringFailure) -> Facts {
        var facts = Facts(place: .node)
        let usual = Self.usualConfigurations.first { access($0, F_OK) == 0 }
        if let path = options.config ?? usual {
            facts.configuration = .known(configuration(try text(path), origin: path, readsKeys: true))
        }
        await DoctorNode(options, environment, facts.configuration.value?.node).gather(into: &facts)
        return withClassProblems(facts)
    }

    private func cluster() async throws(GatheringFailure) -> Facts {
        var facts = Facts(place: .cluster)
        let kubectl = Kubectl(
            program: options.kubectl,
            context: options.context,
            kubeconfig: options.kubeconfig,
            timeout: .seconds(options.timeout),
            environment: environment
        )
        let gathering = ClusterGathering(kubectl, namespace: options.namespace)
        facts.objects = try await gathering.objects()
        if let path = options.config {
            facts.configuration = .known(configuration(try text(path), origin: path, readsKeys: false))
        } else {
            facts.configuration = read(try await gathering.configuration(for: facts.objects))
        }
        return withClassProblems(facts)
    }

    private func files() throws(GatheringFailure) -> Facts {
        var objects: [KubeObject] = []
        for path in options.objects + (try folder()) {
            let text = try bytes(path)
            do throws(ObjectTextProblem) { objects += try KubeObject.read(text) } catch {
                let fix = "give JSON or YAML of Kubernetes objects"
                throw GatheringFailure(message: "\(path): \(error.message)", fix: fix)
            }
        }
        if let namespace = options.namespace {
            let kinds: Set<String> = ["Pod", "SecretProviderClass"]
            objects = objects.filter { !kinds.contains($0.kind) || $0.namespace == namespace }
        }
        var facts = Facts(place: .files)
        facts.objects = ClusterObjects(files: objects)
        if let path = options.config {
            facts.configuration = .known(configuration(try text(path), origin: path, readsKeys: false))
        } else if objects.contains(where: { $0.kind == "ConfigMap" }) {
            do throws(Skip) {
                let found = try ConfigurationPlace(facts.objects).text(among: objects)
                facts.configuration = read(.known(found))
            } catch { facts.configuration = .unknown(error) }
        }
        return withClassProblems(facts)
    }

    private func read(_ text: Gathered<ConfigurationText>) -> Gathered<ConfigurationFacts> {
        switch text {
        case .known(let text): .known(configuration(text.text, origin: text.origin, readsKeys: false))
        case .unknown(let skip): .unknown(skip)
        }
    }

    /// What `daypass check` says of a configuration.
    private func configuration(_ text: String, origin: String, readsKeys: Bool) -> ConfigurationFacts {
        do throws(ConfigurationProblems) {
            let node = try NodeConfiguration.load(yaml: text, file: origin, kinds: StoreKinds.all)
            let files = readsKeys ? KeyCheck.problems(of: node) : nil
            return ConfigurationFacts(origin: origin, problems: node.warnings, node: node, fileProblems: files)
        } catch {
            return ConfigurationFacts(origin: origin, problems: error.problems, node: nil)
        }
    }

    /// What `daypass check` says of the classes of our provider.
    private func withClassProblems(_ facts: Facts) -> Facts {
        var facts = facts
        for one in facts.objects.classes.value ?? [] where Classes.isOurs(one) {
            guard case .map(var object) = one.tree, case .map(var metadata)? = object["metadata"] else { continue }
            // What the cluster adds is of no interest, and can be long.
            metadata["managedFields"] = nil
            metadata["annotations"] = nil
            object["metadata"] = .map(metadata)
            guard let text = try? JSONOutput.text(ObjectTree.map(object)) else { continue }
            let check = ClassCheck(text, file: one.key, node: facts.configuration.value?.node)
            facts.classProblems[one.key] = check.problems.compactMap { problem in
                // A check of its own says this.
                guard !problem.path.hasSuffix("secretObjects") else { return nil }
                let place =
                    problem.path.isEmpty || problem.path.hasPrefix("SecretProviderClass ") ? "" : "\(problem.path): "
                return ClassProblem(
                    isError: problem.severity == .error,
                    message: place + problem.message,
                    fix: problem.fix
                )
            }
        }
        return facts
    }

    // MARK: Files

    private func folder() throws(GatheringFailure) -> [String] {
        guard let folder = options.from else { return [] }
        guard access(folder, R_OK | X_OK) == 0, let names = try? FileManager.default.contentsOfDirectory(atPath: folder)
        else {
            throw GatheringFailure(message: "\(folder): can't be read", fix: "name a folder of .json and .yaml files")
        }
        let files = names.filter { name in [".json", ".yaml", ".yml"].contains { name.hasSuffix($0) } }.sorted()
        guard !files.isEmpty, files.count <= Self.mostFiles else {
            let message = files.isEmpty ? "holds no .json or .yaml file" : "holds more than \(Self.mostFiles) files"
            throw GatheringFailure(message: "\(folder): \(message)", fix: "name them with --objects")
        }
        return files.map { "\(folder)/\($0)" }
    }

    private func text(_ path: String) throws(GatheringFailure) -> String {
        guard let text = String(validating: try bytes(path), as: UTF8.self) else {
            throw GatheringFailure(message: "\(path): is no UTF-8 text", fix: "name the node's configuration")
        }
        return text
    }

    private func bytes(_ path: String) throws(GatheringFailure) -> [UInt8] {
        guard let bytes = ConfigurationFile.bytes(path, atMost: KubeObject.largestJSON) else {
            throw GatheringFailure(
                message: "\(path): can't be read",
                fix: "check that it is there and that you may read it"
            )
        }
        guard bytes.count <= KubeObject.largestJSON else {
            throw GatheringFailure(message: "\(path): is too large", fix: "split it, by namespaces for example")
        }
        return bytes
    }
}
