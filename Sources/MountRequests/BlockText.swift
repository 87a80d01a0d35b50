// Where the text of a YAML scalar stands in the file, so that problems inside it point at the right line.

import StrictYAML

enum BlockText {
    /// The origin of the text of `scalar`, which stands in the file `text`.
    ///
    /// The lines of a `|` block are lines of the file, without their indentation. For other styles the best that can be
    /// said is the scalar's own first line.
    static func origin(of scalar: YAMLValue, in text: String) -> YAMLOrigin {
        guard case .scalar(_, .literal) = scalar.content else {
            return YAMLOrigin(file: scalar.file, path: scalar.path, line: scalar.line - 1)
        }
        let lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }
        let first = lines.dropFirst(scalar.line).first { !$0.allSatisfy(\.isWhitespace) }
        let indentation = first?.prefix { $0 == " " }.count ?? 0
        return YAMLOrigin(file: scalar.file, path: scalar.path, line: scalar.line, column: indentation)
    }
}
