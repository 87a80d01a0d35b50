// The Pod of the daemon against its configuration: directories, user, times.

import Policy

/// The DaemonSet against its configuration.
struct DaemonSurroundings {
    let facts: Facts
    let daypass: Workload

    init(_ facts: Facts) throws(Skip) {
        self.facts = facts
        daypass = try facts.objects.daypass()
    }

    func state() -> [Trouble] {
        let node = facts.nodeConfiguration
        let places = [
            ("the journal", node?.leases.journal ?? LeaseSettings().journal, "each update loses all leases"),
            (
                "the admin socket", node?.server.adminSocket ?? ServerSettings().adminSocket,
                "daypass leases can't reach it from the node"
            ),
        ]
        var seen: Set<String> = []
        return places.compactMap { what, path, consequence in
            let folder = NodePath.folder(path)
            guard daypass.template.nodePath(of: folder, in: daypass.container) == nil, seen.insert(folder).inserted
            else {
                return nil
            }
            let message = "\(what) is in \(Printable.text(folder)), which is no directory of the node: \(consequence)"
            let fix = "mount hostPath { path: /run/daypass, type: DirectoryOrCreate } at \(Printable.text(folder))"
            return .error(daypass.place, message, fix: fix)
        }
    }

    func security() -> [Trouble] {
        var troubles: [Trouble] = []
        let template = daypass.template.tree
        if template["hostUsers"]?.bool == false {
            let message = "hostUsers is false: the driver's root is another user in there, and its calls are refused"
            troubles.append(.error(daypass.place, message, fix: "remove hostUsers from the Pod's template"))
        }
        let own = daypass.container.tree["securityContext"]
        let user = own?["runAsUser"]?.integer ?? template["securityContext", "runAsUser"]?.integer
        let notRoot = own?["runAsNonRoot"]?.bool ?? template["securityContext", "runAsNonRoot"]?.bool
        if let user, user != 0 {
            let message = "it runs as user \(user), who can't make a socket in a directory of root's"
            troubles.append(
                .warning(
                    daypass.place,
                    message,
                    fix: "securityContext: { runAsUser: 0 }, with all capabilities dropped"
                )
            )
        } else if notRoot == true, user != 0 {
            let message = "runAsNonRoot is true, and the directory of the socket belongs to root"
            troubles.append(
                .warning(daypass.place, message, fix: "securityContext: { runAsUser: 0, runAsNonRoot: false }")
            )
        }
        if template["automountServiceAccountToken"]?.bool == false, !hasOwnToken, needsAPIServer {
            let message = "automountServiceAccountToken is false: it can ask the API server for nothing"
            let fix = "remove it, or project a token to /var/run/secrets/kubernetes.io/serviceaccount"
            troubles.append(.error(daypass.place, message, fix: fix))
        }
        return troubles
    }

    private var hasOwnToken: Bool {
        daypass.template.volume(at: "/var/run/secrets/kubernetes.io/serviceaccount/token", in: daypass.container) != nil
    }

    private var needsAPIServer: Bool {
        if case .serviceAccountTokens(_, _, .file, _)? = facts.nodeConfiguration?.identity,
            case .off? = facts.nodeConfiguration?.builds.pods
        {
            return false
        }
        return true
    }

    func grace() -> [Trouble] {
        let given = daypass.template.tree["terminationGracePeriodSeconds"]?.integer ?? 30
        let server = facts.nodeConfiguration?.server ?? ServerSettings()
        let drain = Int(server.drain.components.seconds)
        let needed = (facts.nodeConfiguration?.leases.atShutdown == .revoke ? 2 * drain : drain) + 10
        guard given <= needed else { return [] }
        let message = "terminationGracePeriodSeconds is \(given), and the daemon may take \(needed) s to end"
        return [.warning(daypass.place, message, fix: "terminationGracePeriodSeconds: \(needed + 10)")]
    }

    /// The daemon is told kubelet's own paths, so it must see the directory at the path that kubelet has.
    func kubelet() throws(Skip) -> [Trouble] {
        let driver = try facts.objects.driver()
        let kubelet = driver.template.volumes.compactMap(\.hostPath).map(NodePath.normal).first {
            $0.hasSuffix("/pods")
        }
        let mounts = daypass.container.mounts.compactMap { mount -> (at: String, from: String)? in
            let volume = daypass.template.volumes.first { $0.name == mount.volume }
            guard let host = volume?.hostPath.map(NodePath.normal) else { return nil }
            guard host.hasSuffix("/pods") || mount.path.hasSuffix("/pods") else { return nil }
            return (NodePath.normal(mount.path), host)
        }
        guard let mount = mounts.first else {
            guard case .off? = facts.nodeConfiguration?.builds.pods else { return [] }
            let path = kubelet ?? "/var/lib/kubelet/pods"
            let message =
                "builds.pods is off and kubelet's directory is not mounted: nothing notices the end of a build"
            return [.warning(daypass.place, message, fix: "mount hostPath { path: \(path) } at \(path), read-only")]
        }
        if let kubelet, mount.from != kubelet || mount.at != kubelet {
            let message =
                "kubelet's Pods are in \(Printable.text(kubelet)), and Daypass has \(Printable.text(mount.from)) at "
                + "\(Printable.text(mount.at)): it sees no volume"
            return [.error(daypass.place, message, fix: "mount hostPath { path: \(kubelet) } at \(kubelet), read-only")]
        }
        guard mount.at == mount.from else {
            let message =
                "\(Printable.text(mount.from)) is mounted at \(Printable.text(mount.at)): kubelet's paths must be the same"
            return [.error(daypass.place, message, fix: "mount it at \(Printable.text(mount.from))")]
        }
        return []
    }
}
