// The key `tracing`: where spans go, and how many.

import StrictYAML

/// Where spans go, and how many are recorded.
package struct TracingSettings: Sendable, Hashable {
    /// The collector's URL for OTLP over HTTP, such as `http://collector:4318/v1/traces`.
    package var endpoint: String
    /// The part of the traces that begin at Daypass to be recorded. A caller who sends a trace decides for it.
    package var sampleRatio = 0.1

    init?(_ value: YAMLValue, _ findings: inout Findings) {
        guard var fields = Fields(value, &findings) else { return nil }
        let endpoint = fields.required("endpoint", &findings) { value throws(YAMLProblems) in
            let url = try value.word(longest: 2048)
            let isURL = ["http://", "https://"].contains { scheme in
                guard url.hasPrefix(scheme) else { return false }
                let rest = url.dropFirst(scheme.count)
                guard let slash = rest.firstIndex(of: "/"), slash != rest.startIndex else { return false }
                return rest.index(after: slash) < rest.endIndex
            }
            guard isURL, !url.contains(where: { "?#\\".contains($0) }) else {
                throw YAMLProblems(
                    value.problem(
                        "it is no URL of a collector",
                        fix: "write the whole URL, such as http://collector:4318/v1/traces"
                    )
                )
            }
            guard !url.contains("@") else {
                throw YAMLProblems(
                    value.problem(
                        "it holds a user name or password, and this file is no place for secrets",
                        fix: "send the spans to a collector of the cluster, and let that one sign in where they go"
                    )
                )
            }
            return url
        }
        let ratio = fields.optional("sampleRatio", &findings) { value throws(YAMLProblems) in
            try value.number(in: 0...1)
        }
        sampleRatio = ratio ?? sampleRatio
        fields.finish(&findings)
        guard let endpoint else { return nil }
        self.endpoint = endpoint
    }
}
