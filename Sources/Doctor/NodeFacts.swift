// What is known on a node: sockets, journal, and what the daemon says of itself.

/// A node as its daemon's user sees it.
package struct NodeFacts: Sendable {
    /// A file, as `stat` tells it.
    package struct File: Sendable, Hashable {
        package enum Kind: String, Sendable { case folder, socket, file, other }
        package var kind: Kind
        /// The permission bits.
        package var mode: Int
        package var owner: Int

        package init(kind: Kind, mode: Int, owner: Int) {
            self.kind = kind
            self.mode = mode
            self.owner = owner
        }
    }

    /// What answered on a socket.
    package enum Answer: Sendable, Hashable {
        /// The name and the version that it gives itself.
        case provider(name: String, version: String)
        case failed(String)
    }

    /// The version of the binary that looks.
    package var version: String
    package var socketPath: String
    package var socketFile: File?
    package var socketAnswer: Answer
    /// The path of a socket of our name in the directory that the driver searches first.
    package var olderSocketPath: String
    /// What is there; `nil` inside when nothing is.
    package var olderSocketFile: Gathered<File?>
    package var olderSocketAnswer: Answer?
    package var adminSocketPath: String
    package var adminSocketFile: File?
    package var daemon: Gathered<DaemonFacts>
    package var journalPath: String
    package var journalFolder: File?
    package var journalFile: File?
    /// The kind of the journal's file system, for example `tmpfs`.
    package var journalFileSystem: String?
    /// The name of this node, as far as the environment tells it.
    package var nodeName: String?

    package init(version: String, socketPath: String, adminSocketPath: String, journalPath: String) {
        self.version = version
        self.socketPath = socketPath
        socketAnswer = .failed("it was not called")
        olderSocketPath = "\(DriverNames.olderDirectory)/\(DriverNames.provider).sock"
        olderSocketFile = .unknown(Skip("it was not looked at"))
        self.adminSocketPath = adminSocketPath
        daemon = .unknown(Skip("it was not asked"))
        self.journalPath = journalPath
    }
}

/// What a daemon says on its admin socket.
package struct DaemonFacts: Sendable, Hashable {
    /// A way in which it notices the end of a build.
    package struct Detector: Sendable, Hashable {
        package var name: String
        package var isWatching: Bool
        package var note: String

        package init(name: String, isWatching: Bool, note: String) {
            self.name = name
            self.isWatching = isWatching
            self.note = note
        }
    }

    /// A volume of a Pod.
    package struct Volume: Sendable, Hashable {
        package var podUID: String
        package var name: String

        package init(podUID: String, name: String) {
            self.podUID = podUID
            self.name = name
        }
    }

    package var version: String
    /// The digest of the configuration in force.
    package var configuration: String
    package var detectors: [Detector]
    /// Tokens that have to be revoked and still may work.
    package var revoking = 0
    /// Those that are not tried any more.
    package var givenUp = 0
    /// How long the oldest of the debt has waited.
    package var oldestDebtSeconds = 0
    /// Tokens that may have been minted and that nobody has.
    package var lost = 0
    package var isJournalCurrent = true
    /// Why revocations failed, one line each.
    package var failures: [String] = []
    /// The volumes that have leases.
    package var volumes: Set<Volume> = []

    package init(version: String, configuration: String, detectors: [Detector]) {
        self.version = version
        self.configuration = configuration
        self.detectors = detectors
    }
}
