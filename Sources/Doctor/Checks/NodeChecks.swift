// The node: both sockets, the journal, and what the daemon says of itself.

import Policy

extension Checks {
    static let node = [
        Check("node-socket", .node, "the provider's socket does not answer, or somebody else does") {
            facts throws(Skip) in
            NodeSockets.provider(try facts.node.get())
        },
        Check("node-older-socket", .node, "a socket of our name in the directory that the driver searches first") {
            facts throws(Skip) in
            try NodeSockets.older(try facts.node.get())
        },
        Check("node-admin-socket", .node, "the daemon's admin socket does not answer") { facts throws(Skip) in
            let node = try facts.node.get()
            guard case .unknown(let why) = node.daemon else {
                return NodeSockets.mode(node.adminSocketPath, node.adminSocketFile)
            }
            return [.error(Printable.text(node.adminSocketPath), why.why, fix: why.fix)]
        },
        Check("node-journal", .node, "a journal that is not on tmpfs, can be read by others or can't be written") {
            facts throws(Skip) in
            try journal(facts)
        },
        Check("node-detectors", .node, "nothing notices the end of a build") { facts throws(Skip) in
            let daemon = try facts.node.get().daemon.get()
            let blind = daemon.detectors.filter { !$0.isWatching }
            let seeing = daemon.detectors.filter(\.isWatching).map(\.name)
            guard seeing.isEmpty else {
                let note = "seen by: \(Printable.list(seeing))"
                return [.note("", blind.isEmpty ? note : "\(note); not by: \(Printable.list(blind.map(\.name)))")]
            }
            let reasons = blind.map { "\($0.name): \(Printable.text($0.note))" }.joined(separator: "; ")
            let message = "nothing notices the end of a build, so tokens live to their own end"
            let fix = "give the service account the ClusterRole of the manifests, or mount kubelet's directory of Pods"
            return [.warning("", reasons.isEmpty ? message : "\(message) (\(reasons))", fix: fix)]
        },
        Check("node-revocations", .node, "tokens that should be revoked and are not") { facts throws(Skip) in
            revocations(try facts.node.get().daemon.get())
        },
        Check("node-configuration", .node, "a daemon that runs another configuration than the file's") {
            facts throws(Skip) in
            let daemon = try facts.node.get().daemon.get()
            let node = try facts.configuration.get().usable()
            guard daemon.configuration != node.digest else { return [.note("", "digest \(daemon.configuration)")] }
            let message =
                "the daemon runs the configuration \(Printable.text(daemon.configuration)), and \(Printable.text(node.file)) "
                + "has the digest \(node.digest)"
            let fix = "see the daemon's log for why it was not taken; a ConfigMap takes up to two minutes to arrive"
            return [.warning("", message, fix: fix)]
        },
        Check("node-version", .node, "a daemon of another version than this binary") { facts throws(Skip) in
            let node = try facts.node.get()
            let daemon = try node.daemon.get()
            guard daemon.version != node.version else { return [.note("", daemon.version)] }
            let message = "the daemon is \(Printable.text(daemon.version)), and this binary is \(node.version)"
            return [.warning("", message, fix: "kubectl -n daypass rollout status daemonset/daypass")]
        },
    ]

    private static func revocations(_ daemon: DaemonFacts) -> [Trouble] {
        let failures = daemon.failures.isEmpty ? "" : ": \(Printable.list(daemon.failures, most: 2))"
        var troubles: [Trouble] = []
        if daemon.givenUp > 0 {
            let message = "\(daemon.givenUp) revocations were given up\(failures)"
            troubles.append(.error("", message, fix: "mend what they say, then: daypass revoke --store NAME"))
        }
        let waiting = daemon.revoking - daemon.givenUp
        // One that is tried for the first time is no debt yet.
        if waiting > 0, daemon.oldestDebtSeconds > 120 {
            let message =
                "\(waiting) tokens wait to be revoked, the oldest for \(daemon.oldestDebtSeconds) s\(failures)"
            troubles.append(.warning("", message, fix: "daypass leases shows why; the daemon tries on"))
        }
        if daemon.lost > 0 {
            let message =
                "\(daemon.lost) tokens may have been minted whose answer was lost; they end with their own life"
            troubles.append(.note("", message))
        }
        return troubles
    }

    private static func journal(_ facts: Facts) throws(Skip) -> [Trouble] {
        let node = try facts.node.get()
        let path = Printable.text(node.journalPath)
        guard let file = node.journalFile else {
            return [
                .warning(
                    path,
                    "there is no journal: no daemon has run here, or it uses another path",
                    fix: "name its configuration with --config"
                )
            ]
        }
        var troubles: [Trouble] = []
        let mayBeOnDisk = facts.nodeConfiguration?.leases.medium == .disk
        let isInMemory = ["tmpfs", "ramfs"].contains(node.journalFileSystem)
        if !isInMemory, !mayBeOnDisk {
            let message = "it is on \(node.journalFileSystem ?? "an unknown file system"), so tokens outlive a reboot"
            troubles.append(.error(path, message, fix: "set leases.journal to a path on tmpfs: findmnt -T /run"))
        }
        troubles += NodeSockets.mode(node.journalPath, file)
        if let folder = node.journalFolder, folder.mode & 0o022 != 0 {
            let parent = NodePath.folder(node.journalPath)
            troubles.append(
                .error(
                    Printable.text(parent),
                    "others may write to it (mode \(NodeSockets.octal(folder.mode)))",
                    fix: "chmod 0700 \(Printable.text(parent))"
                )
            )
        }
        if case .known(let daemon) = node.daemon, !daemon.isJournalCurrent {
            let fix = "see the daemon's log (JournalUnavailable), and whether \(path) is full or read-only"
            troubles.append(.error(path, "the daemon can't write it, so no token is minted", fix: fix))
        }
        return troubles
    }
}

enum NodeSockets {
    static func octal(_ mode: Int) -> String { "0" + String(mode, radix: 8) }

    /// Whether others can open a file.
    static func mode(_ path: String, _ file: NodeFacts.File?) -> [Trouble] {
        guard let file, file.mode & 0o077 != 0 else { return [] }
        let message = "others than its owner may use it (mode \(octal(file.mode)))"
        return [.error(Printable.text(path), message, fix: "chmod 0600 \(Printable.text(path))")]
    }

    static func provider(_ node: NodeFacts) -> [Trouble] {
        let path = Printable.text(node.socketPath)
        guard let file = node.socketFile else {
            let fix = "start the daemon, or name its configuration with --config; kubectl -n daypass get pods -o wide"
            return [.error(path, "there is no socket, so the driver says \"provider not found\"", fix: fix)]
        }
        guard file.kind == .socket else {
            return [
                .error(path, "it is a \(file.kind.rawValue) and no socket", fix: "see who put it there, and remove it")
            ]
        }
        switch node.socketAnswer {
        case .failed(let why):
            let fix = "see the daemon's log; a socket that nobody serves is replaced when the daemon starts"
            return [.error(path, "nobody answers: \(Printable.text(why, most: 200))", fix: fix)]
                + mode(node.socketPath, file)
        case .provider(let name, let version):
            guard name == DriverNames.provider else {
                let message = "\"\(Printable.text(name))\" answers there, and not daypass"
                return [.error(path, message, fix: "find it with: ss -xlp | grep daypass.sock")]
            }
            let troubles = mode(node.socketPath, file)
            return troubles.isEmpty ? [.note(path, "daypass \(Printable.text(version)) answers")] : troubles
        }
    }

    static func older(_ node: NodeFacts) throws(Skip) -> [Trouble] {
        guard let file = try node.olderSocketFile.get() else { return [] }
        let path = Printable.text(node.olderSocketPath)
        // The two directories can be one: a link, or two mounts of it.
        if node.olderSocketPath == node.socketPath { return [] }
        let who =
            switch node.olderSocketAnswer {
            case .provider(let name, let version)?: "\(Printable.text(name)) \(Printable.text(version)) answers there"
            case .failed?, nil: "nobody answers there"
            }
        let message =
            "a \(file.kind.rawValue) of our name is in the directory that the driver searches first, and \(who)"
        return [.error(path, message, fix: "see who made it (user \(file.owner)), and remove it: rm \(path)")]
    }
}
