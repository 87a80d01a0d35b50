// The key `programs`: where the programs are that stores may run.

import StrictYAML

/// What the configuration says of the programs that stores run.
package struct ProgramSettings: Sendable, Hashable {
    /// The only directory that programs may be in, or below; `nil` leaves it to the daemon.
    package var directory: String?

    package init() {}

    init(_ value: YAMLValue, _ findings: inout Findings) {
        guard var fields = Fields(value, &findings) else { return }
        directory = fields.optional("directory", &findings) { value throws(YAMLProblems) in try value.absolutePath() }
        fields.finish(&findings)
    }
}
