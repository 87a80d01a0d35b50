// The driver: is it there, does it run everywhere, which version is it.

extension Checks {
    static let driver = [
        Check("driver-installed", .driver, "the CSIDriver object or the driver's DaemonSet is missing") {
            facts throws(Skip) in
            try DriverPresence.look(facts)
        },
        Check("driver-ready", .driver, "the driver's DaemonSet is not ready on every node") { facts throws(Skip) in
            try readiness(of: try facts.objects.driver())
        },
        Check("driver-on-nodes", .driver, "a node on which the driver has not registered with kubelet") {
            facts throws(Skip) in
            try DriverPresence.lookAtNodes(facts)
        },
        Check("driver-version", .driver, "a driver that is too old, or a release with a known trap") {
            facts throws(Skip) in
            try DriverRelease.look(facts)
        },
    ]

    /// Whether all Pods of a DaemonSet are ready.
    static func readiness(of workload: Workload) throws(Skip) -> [Trouble] {
        guard let count = workload.ready else { throw Skip("\(workload.place) has no status") }
        guard count.ready < count.wanted || count.wanted == 0 else {
            return [.note(workload.place, "\(count.ready) of \(count.wanted) Pods are ready")]
        }
        let name = "-n \(ObjectName.shell(workload.object.namespace))"
        let message =
            count.wanted == 0
            ? "it runs on no node"
            : "\(count.ready) of \(count.wanted) Pods are ready: no volume is mounted where one is not"
        let fix =
            count.wanted == 0
            ? "check its nodeSelector and tolerations: kubectl \(name) describe daemonset \(ObjectName.shell(workload.object.name))"
            : "kubectl \(name) get pods -o wide, and kubectl \(name) describe pod of those that are not ready"
        return [.error(workload.place, message, fix: fix)]
    }
}

enum DriverPresence {
    private static let install =
        "helm repo add secrets-store-csi-driver https://kubernetes-sigs.github.io/secrets-store-csi-driver/charts && "
        + "helm install csi-secrets-store secrets-store-csi-driver/secrets-store-csi-driver -n kube-system "
        + "--set enableSecretRotation=true --set 'tokenRequests[0].audience=daypass'"

    static func look(_ facts: Facts) throws(Skip) -> [Trouble] {
        let objects = try facts.objects.csiDrivers.get().filter { $0.name == DriverNames.object }
        guard !objects.isEmpty else {
            let message = "there is no such object: the Secrets Store CSI driver is not installed"
            return [.error("csidriver \(DriverNames.object)", message, fix: install)]
        }
        let drivers = try facts.objects.drivers()
        guard let driver = drivers.first else {
            let message = "the CSIDriver object is there, and no DaemonSet runs the driver"
            return [.error("csidriver \(DriverNames.object)", message, fix: install)]
        }
        guard drivers.count == 1 else {
            let message = "\(drivers.count) DaemonSets run the driver: \(Printable.list(drivers.map(\.place)))"
            return [.warning(driver.place, message, fix: "keep one of them, on each node one Pod of it")]
        }
        return [.note(driver.place, "image \(Printable.text(driver.container.image))")]
    }

    /// kubelet knows a driver from the time on that it registered; the CSINode object of each node lists them.
    static func lookAtNodes(_ facts: Facts) throws(Skip) -> [Trouble] {
        let nodes = try facts.objects.csiNodes.get()
        let missing = nodes.filter { node in
            !(node.tree["spec", "drivers"]?.elements ?? []).contains { $0["name"]?.text == DriverNames.object }
        }
        guard missing.count < nodes.count || nodes.isEmpty else {
            let fix = "kubectl get pods -A -o wide -l app=secrets-store-csi-driver, and see the driver-registrar's log"
            return [.error("csinodes", "the driver has registered with the kubelet of no node", fix: fix)]
        }
        return missing.map { node in
            let message = "the driver is not registered there, so Pods with our volumes do not start"
            let fix = "give the driver's DaemonSet tolerations for this node, or keep builds away from it"
            return .warning("node \(Printable.text(node.name))", message, fix: fix)
        }
    }
}

/// What is known of the driver's releases.
enum DriverRelease {
    /// Releases before 1.3.3 write Pods' service account tokens into their log (CVE-2023-2878); 1.4.0 is the first minor
    /// version without that in any patch, and none before it gets fixes any more.
    static let oldest = DriverVersion(1, 4, 0)
    /// From here on kubelet's republish drives the rotation, and each call has the Pod's volumeAttributes.
    static let republishing = DriverVersion(1, 6, 0)
    /// The last release in which a volume may stay empty after a failed first Mount.
    static let lastWithEmptyVolumes = DriverVersion(1, 6, 1)

    static func look(_ facts: Facts) throws(Skip) -> [Trouble] {
        let driver = try facts.objects.driver()
        let version = try facts.objects.driverVersion()
        let upgrade = driver.helm("--version 1.6.1", otherwise: "upgrade the driver to v1.6.1 or newer")
        if version < oldest {
            let message =
                "\(version) is not supported: before 1.3.3 the driver logs service account tokens (CVE-2023-2878), and "
                + "no release before 1.4 gets fixes"
            return [.error(driver.place, message, fix: upgrade)]
        }
        if version < republishing {
            let message =
                "\(version) refreshes by a loop of its own, whose calls lack the Pod's volumeAttributes: classes that use "
                + "${attribute} are not refreshed, and a token ends under a long build"
            return [.warning(driver.place, message, fix: upgrade)]
        }
        if version == republishing {
            let message = "\(version) writes synced Secrets again and again (fixed in 1.6.1), and \(emptyVolume)"
            return [.warning(driver.place, message, fix: upgrade)]
        }
        guard version <= lastWithEmptyVolumes else { return [.note(driver.place, "\(version)")] }
        let advice = "have builds check that their file is there before they start"
        return [.note(driver.place, "\(version); know that \(emptyVolume): \(advice)")]
    }

    private static let emptyVolume =
        "a Pod whose first Mount finds no provider may start on an empty volume"
}
