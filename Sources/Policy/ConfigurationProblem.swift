// What is wrong in a node's configuration, and how bad it is.

package import StrictYAML

/// One thing that is wrong in a node's configuration.
package struct ConfigurationProblem: Sendable, Hashable, Codable, CustomStringConvertible {
    /// How bad it is.
    package enum Severity: String, Sendable, Codable {
        /// The configuration can't be used.
        case error
        /// The configuration can be used, and is probably not what was meant.
        case warning
    }

    /// How bad it is.
    package var severity: Severity
    /// The name of the file.
    package var file: String
    /// The line, from 1.
    package var line: Int
    /// The column in Unicode scalars, from 1.
    package var column: Int
    /// The place in the tree, for example `grants[1].allow.permissions`; empty at the root.
    package var path: String
    /// What is wrong.
    package var message: String
    /// How to mend it; empty when the message says all there is to say.
    package var fix: String

    package init(_ severity: Severity, _ problem: YAMLProblem) {
        self.severity = severity
        file = problem.file
        line = problem.line
        column = problem.column
        path = problem.path
        message = problem.message
        fix = problem.fix
    }

    /// `daypass.yaml:12:5: error: grants[1].allow: unknown key "repositoris"; did you mean "repositories"?`
    package var description: String {
        let place = path.isEmpty ? "" : "\(path): "
        let text = fix.isEmpty ? message : "\(message); \(fix)"
        return "\(file):\(line):\(column): \(severity.rawValue): \(place)\(text)"
    }
}

/// Why a node's configuration can't be used: everything that is wrong in it, warnings included.
package struct ConfigurationProblems: Error, Sendable, Hashable, CustomStringConvertible {
    /// The problems in the order of the file; at least one is an error.
    package let problems: [ConfigurationProblem]

    /// One line for each problem.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Collects what is wrong while a configuration is read to its end.
struct Findings {
    private var problems: [ConfigurationProblem] = []

    mutating func error(_ problem: YAMLProblem) { problems.append(.init(.error, problem)) }
    mutating func warning(_ problem: YAMLProblem) { problems.append(.init(.warning, problem)) }

    /// Runs `body`; what it throws is collected, and the answer is then `nil`.
    mutating func collect<Value>(_ body: () throws(YAMLProblems) -> Value) -> Value? {
        do {
            return try body()
        } catch {
            error.problems.forEach { self.error($0) }
            return nil
        }
    }

    /// What was found, in the order of the file.
    var inOrder: [ConfigurationProblem] {
        problems.enumerated().sorted { left, right in
            (left.element.line, left.element.column, left.offset)
                < (right.element.line, right.element.column, right.offset)
        }
        .map(\.element)
    }

    var hasErrors: Bool { problems.contains { $0.severity == .error } }
}
