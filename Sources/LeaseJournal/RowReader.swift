// Reads the columns of a row, which may hold anything.

import GRDB
import Leases
import TokenStore

struct RowReader {
    let row: Row

    /// A text that was escaped.
    func text(_ column: String) throws(RowProblem) -> String {
        guard let text = try optionalText(column) else { throw RowProblem("its \(column) is missing") }
        return text
    }

    /// A text that was escaped, or none.
    func optionalText(_ column: String) throws(RowProblem) -> String? {
        guard let written = try optionalPlainText(column) else { return nil }
        guard let text = EscapedText.unescape(written) else { throw RowProblem("its \(column) is malformed") }
        return text
    }

    /// A text as it is.
    func plainText(_ column: String) throws(RowProblem) -> String {
        guard let text = try optionalPlainText(column) else { throw RowProblem("its \(column) is missing") }
        return text
    }

    func duration(_ column: String) throws(RowProblem) -> Duration {
        guard let duration = Duration(secondsText: try plainText(column)) else {
            throw RowProblem("its \(column) is no time")
        }
        return duration
    }

    /// The moment in the columns `<name>_wall` and `<name>_steady`; `nil` when both are null.
    func moment(_ name: String) throws(RowProblem) -> Moment? {
        if try optionalPlainText("\(name)_wall") == nil, try optionalPlainText("\(name)_steady") == nil { return nil }
        let wall = try duration("\(name)_wall")
        return Moment(wall: UTCInstant(sinceEpoch: wall), steady: try duration("\(name)_steady"))
    }

    private func optionalPlainText(_ column: String) throws(RowProblem) -> String? {
        guard let value: DatabaseValue = row[column] else { throw RowProblem("it has no column \(column)") }
        if value.isNull { return nil }
        guard case .string(let text) = value.storage else { throw RowProblem("its \(column) is no text") }
        return text
    }
}
