// The keys `leases` and `builds`: where leases are written down, and how the end of a build is noticed.

import StrictYAML

/// How leases are kept.
package struct LeaseSettings: Sendable, Hashable {
    /// Where the journal may lie.
    package enum Medium: String, Sendable, CaseIterable {
        /// Only in memory: the file system must be tmpfs.
        case tmpfs
        /// Anywhere. Sealed tokens, and the key that opens them, may touch a disk then.
        case disk
    }

    /// What becomes of leases when the daemon ends.
    package enum AtShutdown: String, Sendable, CaseIterable {
        /// They are kept for the next daemon: a rolling update breaks no build.
        case keep
        /// All are revoked, as far as that goes within the drain time.
        case revoke
    }

    /// The journal's path.
    package var journal = "/run/daypass/leases.db"
    /// Where it may lie.
    package var medium = Medium.tmpfs
    /// The most bytes that the journal may have.
    package var journalBytes = 64 << 20
    /// How long a replaced token lives on.
    package var grace: Duration = .seconds(300)
    /// What becomes of leases when the daemon ends.
    package var atShutdown = AtShutdown.keep

    package init() {}

    init(_ value: YAMLValue, _ findings: inout Findings) {
        guard var fields = Fields(value, &findings) else { return }
        if let path = fields.optional("journal", &findings, { value throws(YAMLProblems) in try value.absolutePath() })
        {
            journal = path
        }
        if let medium = fields.optional(
            "medium",
            &findings,
            { value throws(YAMLProblems) in try value.word(Medium.self) }
        ) {
            self.medium = medium
        }
        let bytes = fields.optional("journalBytes", &findings) { value throws(YAMLProblems) in
            try value.integer(in: 1 << 20...1 << 30)
        }
        journalBytes = bytes ?? journalBytes
        let grace = fields.optional("grace", &findings) { value throws(YAMLProblems) in
            try value.duration(in: .zero ... .seconds(3600))
        }
        self.grace = grace ?? self.grace
        let atShutdown = fields.optional("atShutdown", &findings) { value throws(YAMLProblems) in
            try value.word(AtShutdown.self)
        }
        self.atShutdown = atShutdown ?? self.atShutdown
        fields.finish(&findings)
    }
}

/// How the end of a build is noticed.
package struct BuildSettings: Sendable, Hashable {
    /// An API server to watch Pods at.
    package struct PodSource: Sendable, Hashable {
        /// The base URL; `nil` takes the one of the cluster that Daypass runs in.
        package var server: String?
        /// The name of this node; `nil` takes the environment variable `NODE_NAME`.
        package var nodeName: String?
        /// The file with Daypass's own token; `nil` takes the one of its Pod.
        package var tokenFile: String?
        /// The authorities of the server's certificate as PEM; `nil` takes the cluster's.
        package var caFile: String?
    }

    /// Whether Pods are watched.
    package enum Pods: Sendable, Hashable {
        /// When Daypass runs in a Pod and knows its node.
        case auto
        case off
        case at(PodSource)
    }

    /// Whether Pods are watched at the API server.
    package var pods = Pods.auto
    /// Whether the volumes' directories are watched, as far as they can be seen.
    package var paths = true
    /// How often all Pods are listed anew.
    package var relist: Duration = .seconds(300)
    /// How long a directory must be gone before its build is taken for ended.
    package var pathDelay: Duration = .seconds(5)

    package init() {}

    init(_ value: YAMLValue, _ findings: inout Findings) {
        guard var fields = Fields(value, &findings) else { return }
        if let pods = fields.optional("pods") { self.pods = Self.pods(pods, &findings) }
        if let paths = fields.optional(
            "paths",
            &findings,
            { value throws(YAMLProblems) in try value.word(Switch.self) }
        ) {
            self.paths = paths == .auto
        }
        let relist = fields.optional("relist", &findings) { value throws(YAMLProblems) in
            try value.duration(in: .seconds(1) ... .seconds(3600))
        }
        self.relist = relist ?? self.relist
        let pathDelay = fields.optional("pathDelay", &findings) { value throws(YAMLProblems) in
            try value.duration(in: .milliseconds(100) ... .seconds(600))
        }
        self.pathDelay = pathDelay ?? self.pathDelay
        fields.finish(&findings)
    }

    private enum Switch: String, CaseIterable { case auto, off }

    private static func pods(_ value: YAMLValue, _ findings: inout Findings) -> Pods {
        guard value.text == nil else {
            let word = findings.collect { () throws(YAMLProblems) in try value.word(Switch.self) }
            return word == .off ? .off : .auto
        }
        guard var fields = Fields(value, &findings) else { return .auto }
        var source = PodSource()
        source.server = fields.optional("server", &findings) { value throws(YAMLProblems) in
            let url = try value.word(longest: 2048)
            guard url.hasPrefix("https://") || url.hasPrefix("http://127.0.0.1:"), !url.hasSuffix("/") else {
                throw YAMLProblems(
                    value.problem(
                        "it is no base URL of an API server",
                        fix: "write https://host:port without a path or a slash at the end"
                    )
                )
            }
            return url
        }
        source.nodeName = fields.optional("nodeName", &findings) { value throws(YAMLProblems) in
            try value.word(longest: 253)
        }
        source.tokenFile = fields.optional("tokenFile", &findings) { value throws(YAMLProblems) in
            try value.absolutePath()
        }
        source.caFile = fields.optional("caFile", &findings) { value throws(YAMLProblems) in
            try value.absolutePath()
        }
        fields.finish(&findings)
        return .at(source)
    }
}

extension YAMLValue {
    /// One of a few words.
    func word<Word: RawRepresentable & CaseIterable>(
        _ type: Word.Type
    ) throws(YAMLProblems) -> Word where Word.RawValue == String {
        let text = try string()
        guard let word = Word(rawValue: text) else {
            throw YAMLProblems(notAllowed(Word.allCases.map(\.rawValue)))
        }
        return word
    }
}
