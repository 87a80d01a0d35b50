// What the doctor knows. Values only: how they were gathered is no matter to a check.

package import Policy

/// Everything that checks look at.
package struct Facts: Sendable {
    /// Where the facts are from.
    package enum Place: String, Sendable, Codable {
        /// The node itself, or Daypass's Pod on it.
        case node
        /// The API server, by kubectl.
        case cluster
        /// Files.
        case files
    }

    package var place: Place
    package var objects = ClusterObjects()
    package var configuration: Gathered<ConfigurationFacts>
    /// What is wrong with the classes of our provider, by ``KubeObject/key``.
    package var classProblems: [String: [ClassProblem]] = [:]
    package var node: Gathered<NodeFacts>
    package var sources: Gathered<[SourceFacts]>
    package var clocks: Gathered<[ClockFacts]>

    /// Creates facts in which nothing is known.
    package init(place: Place) {
        self.place = place
        configuration = .unknown(Skip("there is no configuration", fix: "name it with --config"))
        let onNode = "kubectl -n daypass exec POD -- daypass doctor"
        node = .unknown(Skip("only the node itself knows", fix: "run it there: \(onNode)"))
        sources = .unknown(
            Skip("the sources were not asked", fix: "run it on a node with --ask-sources: \(onNode) --ask-sources")
        )
        clocks = .unknown(Skip("the clock that matters is the node's", fix: "run it there: \(onNode)"))
    }
}

/// The objects of a cluster, by kind.
package struct ClusterObjects: Sendable {
    package typealias Objects = Gathered<[KubeObject]>

    /// The CSIDriver object of the driver, or none.
    package var csiDrivers: Objects = .notLooked("CSIDriver")
    package var csiNodes: Objects = .notLooked("CSINode")
    package var daemonSets: Objects = .notLooked("DaemonSet")
    package var pods: Objects = .notLooked("Pod")
    package var classes: Objects = .notLooked("SecretProviderClass")
    /// The ClusterRole with which the driver copies files into Secrets, or none.
    package var syncRoles: Objects = .notLooked("ClusterRole")
    /// Objects of other kinds that make Pods: Deployments, Jobs.
    package var workloads: [KubeObject] = []

    package init() {}
}

extension Gathered where Value == [KubeObject] {
    static func notLooked(_ kind: String) -> Self { .unknown(Skip("no \(kind) was looked at")) }
}

/// The node's configuration.
package struct ConfigurationFacts: Sendable {
    /// Where it is from: a file's name, or `configmap daypass/daypass`.
    package var origin: String
    /// What `daypass check` says of it.
    package var problems: [ConfigurationProblem]
    /// The configuration, when it can be used.
    package var node: NodeConfiguration?
    /// What is wrong with the files that it names; `nil` when they were not looked at.
    package var fileProblems: [ConfigurationProblem]?

    package init(
        origin: String,
        problems: [ConfigurationProblem],
        node: NodeConfiguration?,
        fileProblems: [ConfigurationProblem]? = nil
    ) {
        self.origin = origin
        self.problems = problems
        self.node = node
        self.fileProblems = fileProblems
    }

    /// The configuration.
    ///
    /// - Throws: ``Skip`` when it has errors.
    func usable() throws(Skip) -> NodeConfiguration {
        guard let node else { throw Skip("\(Printable.text(origin)) has errors", fix: "mend it first: daypass check") }
        return node
    }
}

/// What `daypass check` says of a class.
package struct ClassProblem: Sendable, Hashable {
    package var isError: Bool
    package var message: String
    package var fix: String

    package init(isError: Bool, message: String, fix: String) {
        self.isError = isError
        self.message = message
        self.fix = fix
    }
}

/// What a store's source answered.
package struct SourceFacts: Sendable {
    /// How it went.
    package enum Outcome: Sendable, Hashable {
        /// It answered; the status is of no matter.
        case answered(status: Int)
        /// Why it did not.
        case failed(String)
        /// It was not asked.
        case skipped(String)
    }

    /// The store's name.
    package var store: String
    /// The store's kind.
    package var kind: String
    /// Who was asked: scheme and host.
    package var address: String
    package var outcome: Outcome
    /// What a GitHub App may do here; `nil` for other kinds.
    package var app: AppFacts?

    package init(store: String, kind: String, address: String, outcome: Outcome, app: AppFacts? = nil) {
        self.store = store
        self.kind = kind
        self.address = address
        self.outcome = outcome
        self.app = app
    }
}

/// A GitHub App as its forge sees it.
package struct AppFacts: Sendable, Hashable {
    /// Something that the forge refuses.
    package struct Complaint: Sendable, Hashable {
        package var message: String
        package var fix: String

        package init(message: String, fix: String) {
            self.message = message
            self.fix = fix
        }
    }

    /// The owners on which it is installed, and whether the installation is suspended.
    package var installations: [String: Bool]
    /// What went wrong: the key, the App's id, the installation for a repository.
    package var complaints: [Complaint]

    package init(installations: [String: Bool] = [:], complaints: [Complaint] = []) {
        self.installations = installations
        self.complaints = complaints
    }
}

/// Another clock beside ours.
package struct ClockFacts: Sendable, Hashable {
    /// Whose clock it is.
    package var whose: String
    /// By how many seconds ours is ahead of it; negative when it is behind.
    package var aheadBySeconds: Int
    /// Whether the tokens of Pods carry its times.
    package var isAPIServer: Bool

    package init(whose: String, aheadBySeconds: Int, isAPIServer: Bool) {
        self.whose = whose
        self.aheadBySeconds = aheadBySeconds
        self.isAPIServer = isAPIServer
    }
}
