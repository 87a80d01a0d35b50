// The explanation as a person reads it.

import Refusals
import TokenStore

extension Explanation {
    /// The story in lines of text, without a newline at the end.
    package var text: String {
        let who = "Pod \(subject.namespace)/\(subject.podName), service account \(subject.serviceAccount)"
        return ([who] + tokens.map(\.text)).joined(separator: "\n\n")
    }
}

extension Explanation.Token {
    /// The story of this ask in lines of text.
    package var text: String {
        let head = "token \(Refusal.quoted(name)) from store \(Refusal.quoted(store)): "
        var lines: [String] = []
        if let granted {
            lines.append(head + "granted by \(granted.grant)")
            lines += granted.repositories.map { "  repository  \($0)" }
            lines += granted.permissions.sorted { $0.key < $1.key }.map { "  permission  \($0.key):\($0.value)" }
            lines += granted.actions.map { "  action      \($0.rawValue)" }
            if !granted.narrowing.isEmpty { lines.append("  narrowed    \(granted.narrowing.summary)") }
            let places = [granted.git, granted.registry].compactMap(\.self)
            if !places.isEmpty { lines.append("  good at     \(places.joined(separator: ", "))") }
        }
        if let refused {
            lines.append(head + "refused")
            lines.append("  \(refused.line)")
        }
        guard !grants.isEmpty else { return (lines + ["  this node has no grants"]).joined(separator: "\n") }
        lines.append("  grants, in the order of the file:")
        lines += grants.map { considered in
            "    \(considered.decides ? "*" : "-") \(considered.grant) \(considered.detail)"
        }
        return lines.joined(separator: "\n")
    }
}
