// Gathers the objects of a cluster with kubectl.

/// Why nothing could be gathered at all.
package struct GatheringFailure: Error, Sendable, Hashable {
    package var message: String
    package var fix: String

    package init(message: String, fix: String) {
        self.message = message
        self.fix = fix
    }
}

/// Asks a cluster for what the checks want to see.
package struct ClusterGathering: Sendable {
    /// The role of the driver's chart that `syncSecret.enabled` makes.
    static let syncRole = "secretprovidersyncing-role"

    private let kubectl: Kubectl
    private let namespace: String?

    /// - Parameter namespace: The tenant's namespace to look at; `nil` looks at all.
    package init(_ kubectl: Kubectl, namespace: String?) {
        self.kubectl = kubectl
        self.namespace = namespace
    }

    /// The objects. What we may not read is unknown, with the reason.
    ///
    /// - Throws: ``GatheringFailure`` when kubectl can't be run, or reaches no cluster.
    package func objects() async throws(GatheringFailure) -> ClusterObjects {
        var objects = ClusterObjects()
        // The first one shows whether there is a cluster.
        objects.csiDrivers = try await get("csidrivers.storage.k8s.io", DriverNames.object)
        let tenants: Kubectl.Scope = namespace.map { .namespace($0) } ?? .allNamespaces
        objects.daemonSets = try await get("daemonsets.apps", in: .allNamespaces)
        objects.classes = try await get("secretproviderclasses.secrets-store.csi.x-k8s.io", in: tenants)
        objects.pods = try await get("pods", in: tenants)
        objects.csiNodes = try await get("csinodes.storage.k8s.io")
        objects.syncRoles = try await get("clusterroles.rbac.authorization.k8s.io", Self.syncRole)
        return objects
    }

    /// The configuration's text, from the ConfigMap that the daemon's `--config` lies in.
    package func configuration(for objects: ClusterObjects) async throws(GatheringFailure) -> Gathered<
        ConfigurationText
    > {
        let place: ConfigurationPlace
        do throws(Skip) { place = try ConfigurationPlace(objects) } catch { return .unknown(error) }
        let maps = try await get("configmaps", place.configMap, in: .namespace(place.namespace))
        do throws(Skip) { return .known(try place.text(among: try maps.get())) } catch { return .unknown(error) }
    }

    private func get(
        _ resource: String,
        _ name: String? = nil,
        in scope: Kubectl.Scope = .cluster
    ) async throws(GatheringFailure) -> Gathered<[KubeObject]> {
        let short = resource.prefix { $0 != "." }
        do throws(Kubectl.Failure) { return .known(try await kubectl.get(resource, name, in: scope)) } catch {
            switch error {
            case .notRunnable(let why):
                let fix = "install kubectl, name it with --kubectl PATH, or give files with --objects"
                throw GatheringFailure(message: why, fix: fix)
            case .unreachable(let why):
                let fix = "check --context and --kubeconfig: kubectl cluster-info"
                throw GatheringFailure(message: "the cluster can't be asked: \(why)", fix: fix)
            case .notFound: return .known([])
            case .forbidden(let why):
                let verb = name == nil ? "list" : "get"
                let fix = "ask for the right to \(verb) \(resource), or give a dump of them with --objects"
                return .unknown(Skip("you may not \(verb) \(short): \(why)", fix: fix))
            case .timedOut:
                return .unknown(
                    Skip("kubectl get \(short) did not end in time", fix: "raise --timeout, or use --namespace")
                )
            case .tooLarge:
                return .unknown(Skip("the answer to kubectl get \(short) is too large", fix: "use --namespace"))
            case .other(let why): return .unknown(Skip("kubectl get \(short): \(why)"))
            }
        }
    }
}

/// A configuration as an object of the cluster holds it.
package struct ConfigurationText: Sendable, Hashable {
    /// `configmap daypass/daypass`.
    package var origin: String
    package var text: String
}

/// Where the configuration of the daemon is: which ConfigMap, which key.
package struct ConfigurationPlace: Sendable, Hashable {
    package var namespace: String
    package var configMap: String
    package var key: String

    /// - Throws: ``Skip`` when the DaemonSet or its ConfigMap can't be seen.
    package init(_ objects: ClusterObjects) throws(Skip) {
        let daypass = try objects.daypass()
        guard let path = daypass.container.flag("config") else {
            throw Skip("\(daypass.place) runs without --config", fix: "name the configuration with --config")
        }
        guard let volume = daypass.template.volume(at: path, in: daypass.container),
            let name = volume.tree["configMap", "name"]?.text
        else {
            let message = "\(Printable.text(path)) of \(daypass.place) is not from a ConfigMap"
            throw Skip(message, fix: "name the configuration with --config")
        }
        // Whoever makes a DaemonSet writes these, and kubectl would take a dash for an option.
        guard ObjectName.isName(name), ObjectName.isName(daypass.object.namespace) else {
            let message = "\(daypass.place) names a ConfigMap that can't be: \(Printable.text(name))"
            throw Skip(message, fix: "name the configuration with --config")
        }
        namespace = daypass.object.namespace
        configMap = name
        let file = path.split(separator: "/").last.map(String.init) ?? ""
        let item = (volume.tree["configMap", "items"]?.elements ?? []).first { $0["path"]?.text == file }
        key = item?["key"]?.text ?? file
    }

    /// The text among objects.
    ///
    /// - Throws: ``Skip`` when it is not there.
    package func text(among objects: [KubeObject]) throws(Skip) -> ConfigurationText {
        let name = "\(Printable.text(namespace))/\(Printable.text(configMap))"
        let map = objects.first { $0.kind == "ConfigMap" && $0.name == configMap && $0.namespace == namespace }
        guard let map else { throw Skip("there is no configmap \(name)", fix: "name the configuration with --config") }
        guard let text = map.tree["data", key]?.text else {
            throw Skip(
                "configmap \(name) has no key \(Printable.text(key))",
                fix: "name the configuration with --config"
            )
        }
        return ConfigurationText(origin: "configmap \(name)", text: text)
    }
}
