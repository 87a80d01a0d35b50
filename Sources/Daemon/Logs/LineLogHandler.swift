// The handler of the daemon's log lines.

import LogEvents
package import Logging
package import TokenStore

/// Writes each log line as one line of a form.
///
/// A line has a code (``EventCode``). One that was written without a code gets `StoreNote` when it is from a store, and
/// `Note` otherwise. A code that was written as text under `event` is taken as it is, but makes no line of the audit
/// trail.
package struct LineLogHandler: LogHandler {
    package var metadata: Logger.Metadata = [:]
    package var metadataProvider: Logger.MetadataProvider?
    package var logLevel = Logger.Level.info
    private let form: LogForm
    private let output: LogOutput
    private let clock: any WallClock

    /// - Parameters:
    ///   - provider: what the surroundings of a line add to it, such as a trace id.
    package init(
        _ form: LogForm,
        to output: LogOutput,
        clock: any WallClock = SystemClock(),
        provider: Logger.MetadataProvider? = nil
    ) {
        self.form = form
        self.output = output
        self.clock = clock
        metadataProvider = provider
    }

    package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    package func log(event: LogEvent) {
        let line = LogLine(event, metadata: metadata, provided: metadataProvider?.get(), at: clock.now)
        output.write(form.bytes(of: line), isAudit: line.isAudit) { [self] lost in form.bytes(of: notice(lost)) }
    }

    /// The line that tells of lost ones.
    private func notice(_ lost: LogOutput.Lost) -> LogLine {
        let event = LogEvent(
            level: EventCode.logLinesLost.level,
            message: "log lines could not be written",
            metadata: [
                Logger.eventKey: .stringConvertible(EventCode.logLinesLost), "lines": "\(lost.lines)",
                "audit_lines": "\(lost.auditLines)", "failure": "\(lost.failure)",
                "fix": "see that what reads the log keeps up with it",
            ],
            source: nil,
            file: #fileID,
            function: #function,
            line: #line
        )
        return LogLine(event, metadata: [:], provided: nil, at: clock.now)
    }
}
