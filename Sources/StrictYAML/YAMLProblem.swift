// What is wrong in a YAML text, where, and how to mend it.

/// One thing that is wrong in a YAML text.
///
/// It shows keys, and scalars where a number, a truth value or one of a few words was expected; never the text of a
/// scalar that stands where a mapping or a list belongs, because that may be a key or a token that was pasted in.
package struct YAMLProblem: Error, Sendable, Hashable, CustomStringConvertible {
    /// The name of the file, or of the parameter that holds the text.
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

    package init(file: String, line: Int, column: Int, path: String, message: String, fix: String = "") {
        self.file = file
        self.line = line
        self.column = column
        self.path = path
        self.message = message
        self.fix = fix
    }

    /// `file:12:5: grants[1].allow: unknown key "repositoris"; did you mean "repositories"?`
    package var description: String { "\(file):\(line):\(column): \(text)" }

    /// ``description`` without the place in the file.
    package var text: String {
        let place = path.isEmpty ? "" : "\(path): "
        return fix.isEmpty ? "\(place)\(message)" : "\(place)\(message); \(fix)"
    }
}

/// Everything that is wrong in a YAML text, as far as it could be found in one go.
package struct YAMLProblems: Error, Sendable, Hashable, CustomStringConvertible {
    /// The problems, in the order of the text; never empty, at most ``most``.
    package let problems: [YAMLProblem]

    /// The most problems that are kept: one text can't flood a log.
    package static let most = 100

    /// One problem.
    package init(_ problem: YAMLProblem) { problems = [problem] }

    /// Several problems; `nil` when there are none.
    package init?(_ problems: [YAMLProblem]) {
        guard !problems.isEmpty else { return nil }
        var seen: Set<YAMLProblem> = []
        let sorted = problems.filter { seen.insert($0).inserted }.enumerated().sorted { left, right in
            (left.element.file, left.element.line, left.element.column, left.offset)
                < (right.element.file, right.element.line, right.element.column, right.offset)
        }
        self.problems = sorted.prefix(Self.most).map(\.element)
    }

    /// The first problem in the order of the text.
    package var first: YAMLProblem { problems[0] }

    /// One line for each problem.
    package var description: String { problems.map(\.description).joined(separator: "\n") }
}

/// Collects the problems of parts that can be read one by one, so that all of them can be shown at once.
package struct YAMLProblemCollector: Sendable {
    /// What was collected so far.
    package private(set) var problems: [YAMLProblem] = []

    package init() {}

    /// Adds a problem.
    package mutating func add(_ problem: YAMLProblem) { problems.append(problem) }

    /// Adds problems.
    package mutating func add(_ more: YAMLProblems) { problems += more.problems }

    /// Runs `body`; what it throws is collected, and the answer is then `nil`.
    package mutating func collect<Value>(_ body: () throws(YAMLProblems) -> Value) -> Value? {
        do {
            return try body()
        } catch {
            add(error)
            return nil
        }
    }

    /// Ends the collecting.
    ///
    /// - Throws: ``YAMLProblems`` when there is at least one problem.
    package func finish() throws(YAMLProblems) {
        if let all = YAMLProblems(problems) { throw all }
    }
}
