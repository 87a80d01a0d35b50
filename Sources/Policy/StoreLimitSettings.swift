// The key `limits` of a store: how many calls it may be sent.

import StrictYAML

/// What the configuration says of the calls to one store; `nil` leaves a limit to the daemon.
package struct StoreLimitSettings: Sendable, Hashable {
    /// Calls a second in the long run.
    package var rate: Double?
    /// Calls at once after a while of rest.
    package var burst: Int?
    /// Calls at a time.
    package var concurrent: Int?

    package init(rate: Double? = nil, burst: Int? = nil, concurrent: Int? = nil) {
        self.rate = rate
        self.burst = burst
        self.concurrent = concurrent
    }

    init(_ value: YAMLValue?, _ findings: inout Findings) {
        guard let value, !value.isNull, var fields = Fields(value, &findings) else { return }
        rate = fields.optional("rate", &findings) { value throws(YAMLProblems) in try value.number(in: 0.01...1000) }
        burst = fields.optional("burst", &findings) { value throws(YAMLProblems) in
            try value.integer(in: 1...10_000)
        }
        concurrent = fields.optional("concurrent", &findings) { value throws(YAMLProblems) in
            try value.integer(in: 1...1000)
        }
        fields.finish(&findings)
    }
}
