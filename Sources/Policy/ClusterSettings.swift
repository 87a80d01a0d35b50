// The key `cluster`: what Daypass writes into the cluster.

import StrictYAML

/// What Daypass writes into the cluster. It needs the API server at which Pods are watched.
package struct ClusterSettings: Sendable, Hashable {
    /// Whether events of Pods are written.
    package enum Events: String, Sendable, CaseIterable {
        /// Where Pods are watched.
        case auto
        case off
    }

    package var events = Events.auto
    /// The key of the taint that is taken off this node when Daypass is ready; `nil` takes none.
    package var startupTaint: String?

    package init() {}

    init(_ value: YAMLValue, _ findings: inout Findings) {
        guard var fields = Fields(value, &findings) else { return }
        let events = fields.optional("events", &findings) { value throws(YAMLProblems) in
            try value.word(Events.self)
        }
        self.events = events ?? self.events
        startupTaint = fields.optional("startupTaint", &findings) { value throws(YAMLProblems) in
            try value.taintKey()
        }
        fields.finish(&findings)
    }
}

extension YAMLValue {
    /// The key of a taint: a name, with a domain before it or not
    /// (<https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set>).
    fileprivate func taintKey() throws(YAMLProblems) -> String {
        let key = try word(longest: 317)
        let parts = key.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let name = parts.last, Self.isName(String(name)), Self.endsWell(name) else {
            throw YAMLProblems(problem("it is no key of a taint", fix: "write a name like daypass/agent-not-ready"))
        }
        guard parts.count == 2, let domain = parts.first else { return key }
        guard Self.isDomain(domain) else {
            throw YAMLProblems(problem("it is no key of a taint", fix: "write a name like daypass/agent-not-ready"))
        }
        for owner in ["kubernetes.io", "k8s.io"] where domain == owner || domain.hasSuffix(".\(owner)") {
            throw YAMLProblems(
                problem("taints of \(owner) are the cluster's own", fix: "use a key of yours: daypass/agent-not-ready")
            )
        }
        return key
    }

    private static func endsWell(_ text: Substring) -> Bool { text.last.map { $0.isLetter || $0.isNumber } ?? false }

    private static func isDomain(_ text: Substring) -> Bool {
        text.utf8.count <= 253
            && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
                guard let first = label.first, first != "-", label.last != "-", label.utf8.count <= 63 else {
                    return false
                }
                return label.utf8.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                        UInt8(ascii: "-"):
                        true
                    default: false
                    }
                }
            }
    }
}
