// The two DaemonSets that matter, found among all others, and what follows from their objects.

import Policy

/// A container of a DaemonSet, with all that surrounds it.
struct Workload: Sendable {
    let object: KubeObject
    let template: PodTemplate
    let container: PodTemplate.Container

    var place: String { object.place }
    /// How many Pods there should be, and how many are ready; `nil` when the status does not say.
    var ready: (wanted: Int, ready: Int)? {
        guard let wanted = object.tree["status", "desiredNumberScheduled"]?.integer else { return nil }
        return (wanted, object.tree["status", "numberReady"]?.integer ?? 0)
    }
}

extension ClusterObjects {
    /// The driver's DaemonSet for Linux nodes.
    ///
    /// - Throws: ``Skip`` when DaemonSets are not known.
    func drivers() throws(Skip) -> [Workload] {
        var found: [Workload] = []
        for object in try daemonSets.get() {
            guard let template = PodTemplate(object), template.nodeSelector["kubernetes.io/os"] != "windows",
                let container = template.containers.first(where: Self.isDriver)
            else { continue }
            found.append(Workload(object: object, template: template, container: container))
        }
        return found
    }

    /// The driver's DaemonSet.
    ///
    /// - Throws: ``Skip`` when it is not known or not there; `driver-installed` says that.
    func driver() throws(Skip) -> Workload {
        guard let driver = try drivers().first else { throw Skip("the driver's DaemonSet was not found") }
        return driver
    }

    /// The DaemonSets of Daypass.
    ///
    /// - Throws: ``Skip`` when DaemonSets are not known.
    func allOfDaypass() throws(Skip) -> [Workload] {
        var found: [Workload] = []
        for object in try daemonSets.get() {
            guard let template = PodTemplate(object) else { continue }
            let isLabelled = object.labels["app.kubernetes.io/name"] == DriverNames.provider
            let container = template.containers.first { Self.isDaypass($0) }
            guard let container = container ?? (isLabelled ? template.containers.first : nil) else { continue }
            found.append(Workload(object: object, template: template, container: container))
        }
        return found
    }

    /// The DaemonSet of Daypass. Anybody may give a DaemonSet our label or image: among several, only the one with the
    /// name and the namespace of our manifests is believed.
    ///
    /// - Throws: ``Skip`` when it is not known, not there, or not told from others; `daypass-installed` says that.
    func daypass() throws(Skip) -> Workload {
        let found = try allOfDaypass()
        guard let first = found.first else { throw Skip("the DaemonSet of Daypass was not found") }
        if found.count == 1 { return first }
        let expected = found.filter {
            $0.object.name == DriverNames.provider && $0.object.namespace == DriverNames.provider
        }
        guard expected.count == 1 else {
            throw Skip(
                "\(found.count) DaemonSets look like Daypass: \(Printable.list(found.map(\.place)))",
                fix: "name it with --config"
            )
        }
        return expected[0]
    }

    /// The CSIDriver object of the driver.
    ///
    /// - Throws: ``Skip`` when it is not known or not there; `driver-installed` says that.
    func csiDriver() throws(Skip) -> KubeObject {
        guard let found = try csiDrivers.get().first(where: { $0.name == DriverNames.object }) else {
            throw Skip("there is no CSIDriver object \(DriverNames.object)")
        }
        return found
    }

    /// The driver's version, from the image's tag or from the label that charts set.
    ///
    /// - Throws: ``Skip`` when neither says it.
    func driverVersion() throws(Skip) -> DriverVersion {
        let driver = try driver()
        let label = driver.object.labels["app.kubernetes.io/version"]
        guard let version = DriverVersion(image: driver.container.image) ?? label.flatMap({ DriverVersion($0) }) else {
            throw Skip("the image \(Printable.text(driver.container.image)) does not tell the driver's version")
        }
        return version
    }

    private static func isDriver(_ container: PodTemplate.Container) -> Bool {
        if container.flag("provider-volume") != nil { return true }
        let parts = container.image.prefix { $0 != "@" }.split(separator: "/")
        let last = (parts.last ?? "").prefix { $0 != ":" }
        if last == "driver" { return parts.dropLast().last?.contains("secrets-store") == true }
        return last.contains("secrets-store-csi-driver") && !last.contains("provider")
    }

    private static func isDaypass(_ container: PodTemplate.Container) -> Bool {
        let last = container.image.prefix { $0 != "@" }.split(separator: "/").last ?? ""
        return last.prefix { $0 != ":" } == DriverNames.provider
            || container.arguments.first?.split(separator: "/").last == "daypass"
    }
}

extension Workload {
    /// How to change a value of the driver's chart: with helm where helm installed it, in words otherwise.
    ///
    /// - Parameters:
    ///   - option: An option of helm: `--set enableSecretRotation=true`.
    ///   - otherwise: What to do without helm.
    func helm(_ option: String, otherwise: String) -> String { object.helm(option, otherwise: otherwise) }
}

extension KubeObject {
    /// How to change a value of the driver's chart: with helm where helm installed it, in words otherwise.
    func helm(_ option: String, otherwise: String) -> String {
        guard let release = annotations["meta.helm.sh/release-name"],
            let namespace = annotations["meta.helm.sh/release-namespace"]
        else { return otherwise }
        let names = "\(ObjectName.shell(release)) secrets-store-csi-driver/secrets-store-csi-driver"
        return "helm upgrade \(names) -n \(ObjectName.shell(namespace)) --reuse-values \(option)"
    }
}

extension Facts {
    /// The configuration, when there is one that can be used.
    var nodeConfiguration: NodeConfiguration? { configuration.value?.node }

    /// Where the daemon's socket is: its command line, its configuration, or the standard.
    func socketPath(_ daypass: Workload) -> String {
        daypass.container.flag("socket") ?? nodeConfiguration?.server.socket
            ?? "\(DriverNames.directory)/\(DriverNames.provider).sock"
    }

    /// The audience of the tokens that are meant for Daypass; `nil` when tokens are not looked at.
    var audience: String? {
        switch nodeConfiguration?.identity {
        case .driver?: nil
        case .serviceAccountTokens(_, let audience, _, _)?: audience
        case nil: "daypass"
        }
    }
}
