// The warnings that parts write to their logger, for a command that prints them itself.

import Logging
import Synchronization

/// Collects log lines of level warning and above.
final class CollectedWarnings: Sendable {
    private let collected = Mutex<[(String, String)]>([])

    /// What was said since the last call, and how to mend it.
    func take() -> [(String, String)] {
        collected.withLock { lines in
            defer { lines = [] }
            return lines
        }
    }

    /// A log handler that writes here.
    var handler: any LogHandler { Handler(owner: self) }

    private struct Handler: LogHandler {
        let owner: CollectedWarnings
        var metadata: Logger.Metadata = [:]
        var logLevel = Logger.Level.warning

        init(owner: CollectedWarnings) { self.owner = owner }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let fix = event.metadata?["fix"]?.description ?? ""
            let file = event.metadata?["file"].map { " (\($0))" } ?? ""
            owner.collected.withLock { $0.append((event.message.description + file, fix)) }
        }
    }
}
