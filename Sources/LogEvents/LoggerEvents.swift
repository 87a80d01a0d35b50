// Log lines with an event code.

package import Logging

extension Logger {
    /// The key of the code among a line's metadata.
    package static let eventKey = "event"

    /// Writes a line with a code, at the code's level. A line of the audit trail is written whatever the logger's level.
    ///
    /// - Parameters:
    ///   - code: what the line tells.
    ///   - message: one line for people; no secrets.
    ///   - metadata: what the line is about; no secrets.
    package func log(
        _ code: EventCode,
        _ message: @autoclosure () -> Message,
        metadata: @autoclosure () -> Metadata = [:],
        file: String = #fileID,
        function: String = #function,
        line: UInt = #line
    ) {
        guard code.isAudit || logLevel <= code.level else { return }
        var all = metadata()
        all[Self.eventKey] = .stringConvertible(code)
        // Past the logger's own test of the level, which would drop lines of the audit trail.
        handler.log(
            event: LogEvent(
                level: code.level,
                message: message(),
                metadata: all,
                source: nil,
                file: file,
                function: function,
                line: line
            )
        )
    }
}
