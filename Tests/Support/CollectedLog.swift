// A logger whose lines a test reads.

package import Logging
import Synchronization

/// Collects every log line, metadata included.
package final class CollectedLog: Sendable {
    private let collected = Mutex<[String]>([])

    package init() {}

    /// The lines, each with its level, message and metadata.
    package var lines: [String] { collected.withLock { $0 } }

    /// All lines as one text.
    package var text: String { lines.joined(separator: "\n") }

    /// A logger of level trace that writes here.
    package var logger: Logger {
        var logger = Logger(label: "test") { [self] _ in Handler(owner: self) }
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let owner: CollectedLog
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.trace

        init(owner: CollectedLog) { self.owner = owner }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
            owner.collected.withLock { $0.append("\(event.level) \(event.message) \(all)") }
        }
    }
}
