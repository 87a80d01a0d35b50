// The two forms of log lines: JSON objects, and text for people.

import Logging

/// How log lines look.
package enum LogForm: Sendable, Hashable {
    /// One JSON object a line: `time`, `level`, `event`, `message`, then the metadata in the order of their names. All
    /// values are strings but `audit`, which is `true` on lines of the audit trail and not there on others.
    case json
    /// Time, level, code, message, then `name=value` in the order of the names.
    case text(isColoured: Bool)

    /// Text for a terminal or elsewhere. Colours are for terminals that have them, unless `NO_COLOR` is set to anything
    /// (no-color.org).
    package static func text(isTerminal: Bool, environment: [String: String]) -> Self {
        let isPlain = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return .text(isColoured: isTerminal && !isPlain && environment["TERM"] != "dumb")
    }

    /// The line's bytes, with its newline.
    func bytes(of line: LogLine) -> [UInt8] {
        switch self {
        case .json: Self.json(line)
        case .text(let isColoured): Self.text(line, isColoured: isColoured)
        }
    }

    private static func json(_ line: LogLine) -> [UInt8] {
        var buffer = LineBuffer(limit: LogLine.longestLine)
        buffer.append("{\"time\":\"")
        buffer.append(line.time)
        buffer.append("\",\"level\":\"")
        buffer.append(line.level.rawValue)
        buffer.append("\",\"event\":\"")
        buffer.append(line.event)
        buffer.append("\",\"message\":\"")
        buffer.append(escaped: line.message, .json, longest: LogLine.longestValue)
        buffer.append("\"")
        if line.isAudit { buffer.append(",\"audit\":true") }
        var cut = buffer.hasCut ? ["message"] : []
        for field in line.fields {
            buffer.hasCut = false
            buffer.append(",\"")
            buffer.append(escaped: field.name, .json, longest: LogLine.longestValue)
            buffer.append("\":\"")
            buffer.append(escaped: field.value, .json, longest: LogLine.longestValue)
            buffer.append("\"")
            if buffer.hasCut { cut.append(field.name) }
        }
        if !cut.isEmpty {
            buffer.append(",\"cut\":\"")
            for name in cut.joined(separator: " ").unicodeScalars.prefix(256) where name.isASCII && name != "\"" {
                buffer.append(name == "\\" ? "?" : String(name))
            }
            buffer.append("\"")
        }
        buffer.append("}\n")
        return buffer.bytes
    }

    private static func text(_ line: LogLine, isColoured: Bool) -> [UInt8] {
        var buffer = LineBuffer(limit: LogLine.longestLine)
        func paint(_ code: StaticString) { if isColoured { buffer.append(code) } }
        paint("\u{1B}[2m")
        buffer.append(line.time)
        paint("\u{1B}[0m")
        buffer.append(" ")
        paint(colour(line))
        buffer.append(line.level.rawValue)
        for _ in line.level.rawValue.utf8.count..<8 { buffer.append(" ") }
        paint("\u{1B}[0m")
        buffer.append(" ")
        paint("\u{1B}[1m")
        buffer.append(line.event)
        paint("\u{1B}[0m")
        buffer.append(" ")
        buffer.append(escaped: line.message, .text, longest: LogLine.longestValue)
        for field in (line.isAudit ? [(name: "audit", value: "true")] : []) + line.fields {
            buffer.append(" ")
            paint("\u{1B}[36m")
            buffer.append(escaped: field.name, .text, longest: LogLine.longestValue)
            paint("\u{1B}[0m")
            buffer.append("=")
            let isQuoted = needsQuotes(field.value)
            if isQuoted { buffer.append("\"") }
            buffer.append(escaped: field.value, .text, longest: LogLine.longestValue)
            if isQuoted { buffer.append("\"") }
        }
        buffer.append("\n")
        return buffer.bytes
    }

    private static func colour(_ line: LogLine) -> StaticString {
        switch line.level {
        case .trace, .debug: "\u{1B}[2m"
        case .info: "\u{1B}[32m"
        case .notice: "\u{1B}[34m"
        case .warning: "\u{1B}[33m"
        case .error: "\u{1B}[31m"
        case .critical: "\u{1B}[1;31m"
        }
    }

    /// Whether a value would not be told from what follows it.
    private static func needsQuotes(_ value: String) -> Bool {
        value.isEmpty || value.utf8.contains { $0 <= 0x20 || $0 == 0x22 || $0 == 0x3D || $0 == 0x5C || $0 >= 0x7F }
    }
}
