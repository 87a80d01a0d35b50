// Where the daemon puts its socket, and where the driver looks for it.

extension Checks {
    static let sockets = [
        Check("socket-directory", .driver, "the driver does not look where the daemon's socket is") {
            facts throws(Skip) in
            try SocketPlaces(facts).directory()
        },
        Check("socket-mounts", .driver, "the driver searches a directory that is not mounted from the node") {
            facts throws(Skip) in
            try SocketPlaces.mounts(of: try facts.objects.driver())
        },
    ]
}

/// The directories of both sides, as paths of the node.
private struct SocketPlaces {
    let driver: Workload
    let daypass: Workload
    let socket: String

    init(_ facts: Facts) throws(Skip) {
        driver = try facts.objects.driver()
        daypass = try facts.objects.daypass()
        socket = facts.socketPath(daypass)
    }

    /// The directories of the driver's flags in the order of its search: the additional ones come first.
    static func searched(by driver: Workload) -> [(path: String, node: String?)] {
        let more = driver.container.flag("additional-provider-volume-paths") ?? DriverNames.olderDirectory
        let paths =
            more.split(separator: ",").map(String.init)
            + [driver.container.flag("provider-volume") ?? DriverNames.directory]
        return paths.map { ($0, driver.template.nodePath(of: $0, in: driver.container)) }
    }

    func directory() -> [Trouble] {
        let name = socket.split(separator: "/").last.map(String.init) ?? ""
        guard name == "\(DriverNames.provider).sock" else {
            let message =
                "the socket is \(Printable.text(socket)), and the driver looks for \(DriverNames.provider).sock"
            return [.error(daypass.place, message, fix: "leave server.socket out of the configuration")]
        }
        let folder = NodePath.folder(socket)
        guard let own = daypass.template.nodePath(of: folder, in: daypass.container) else {
            let message =
                "the socket's directory \(Printable.text(folder)) is not a hostPath, so the driver can't see it"
            return [.error(daypass.place, message, fix: Self.mount(Self.searched(by: driver).last?.node, at: folder))]
        }
        let searched = Self.searched(by: driver)
        let nodes = searched.compactMap(\.node)
        guard nodes.contains(own) else {
            let message =
                "the socket is in \(Printable.text(own)) of the node, and the driver looks in \(Printable.list(nodes))"
            return [.error(daypass.place, message, fix: Self.mount(searched.last?.node, at: folder))]
        }
        guard nodes.last == own else {
            let message = "the socket is in \(Printable.text(own)), which the driver keeps for old installations"
            return [.warning(daypass.place, message, fix: Self.mount(searched.last?.node, at: folder))]
        }
        return [.note(daypass.place, "\(Printable.text(own))")]
    }

    static func mounts(of driver: Workload) throws(Skip) -> [Trouble] {
        guard driver.container.flag("provider-volume") != nil else {
            throw Skip("the driver's arguments name no directory (--provider-volume)")
        }
        return searched(by: driver).filter { $0.node == nil }.map { path, _ in
            // The default of the additional directories counts without a mount in static installations.
            let isMain = path == driver.container.flag("provider-volume")
            let message = "\(Printable.text(path)) is searched for sockets, and is not mounted from the node"
            let fix = "mount it as a hostPath, or take it out of the driver's arguments"
            return isMain ? .error(driver.place, message, fix: fix) : .note(driver.place, message)
        }
    }

    private static func mount(_ node: String?, at folder: String) -> String {
        let path = node.map { Printable.text($0) } ?? DriverNames.directory
        return
            "mount hostPath { path: \(path), type: DirectoryOrCreate } at \(Printable.text(folder)) in the DaemonSet of Daypass"
    }
}
