// One log line, resolved: its code, and its fields in their order.

import LogEvents
import Logging
import TokenStore

/// What a log line says, before it takes a form.
struct LogLine {
    /// The most bytes of a field's value, after escaping.
    static let longestValue = 4096
    /// The most bytes of a line. Container runtimes break lines at 16 KiB.
    static let longestLine = 15 << 10
    /// The most bytes of a name.
    private static let longestName = 64
    /// What each line has before its metadata; metadata of these names get an underscore behind theirs.
    private static let ownNames: Set<String> = ["time", "level", "event", "message", "audit", "cut"]

    let time: String
    let level: Logger.Level
    let event: String
    /// Whether the line is part of the audit trail.
    let isAudit: Bool
    let message: String
    /// The metadata, in the order of the names.
    let fields: [(name: String, value: String)]

    /// - Parameters:
    ///   - metadata: the logger's own.
    ///   - provided: what the surroundings add, such as a trace id.
    init(_ event: LogEvent, metadata: Logger.Metadata, provided: Logger.Metadata?, at now: UTCInstant) {
        var all = event.metadata ?? [:]
        if let error = event.error, all["error"] == nil { all["error"] = "\(error)" }
        let code = all.removeValue(forKey: Logger.eventKey)
        if let provided { all.merge(provided) { own, _ in own } }
        all.merge(metadata) { own, _ in own }
        if case .stringConvertible(let value) = code, let code = value as? EventCode {
            self.event = code.rawValue
            isAudit = code.isAudit
        } else {
            self.event = code.flatMap(Self.written) ?? Self.fallback(metadata).rawValue
            isAudit = false
        }
        time = Self.text(now)
        level = event.level
        message = event.message.description
        var fields: [(name: String, value: String)] = []
        fields.reserveCapacity(all.count)
        for (name, value) in all { fields.append((Self.name(name, all), value.description)) }
        fields.sort { $0.name < $1.name }
        self.fields = fields
    }

    /// The code of a line that has none: the lines of a store's logger are the store's own.
    private static func fallback(_ metadata: Logger.Metadata) -> EventCode {
        metadata["store"] == nil ? .note : .storeNote
    }

    /// A code that was written as text; `nil` when it has not the form of one.
    private static func written(_ value: Logger.MetadataValue) -> String? {
        let text = value.description
        guard text.utf8.count <= longestName, text.utf8.first.map({ (0x41...0x5A).contains($0) }) ?? false,
            text.utf8.allSatisfy({
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
            })
        else { return nil }
        return text
    }

    /// A name that no other field of the line has.
    private static func name(_ name: String, _ all: Logger.Metadata) -> String {
        guard ownNames.contains(name) || name.utf8.count > longestName else { return name }
        var other = String(name.prefix(longestName / 4)) + "_"
        while all[other] != nil { other += "_" }
        return other
    }

    /// RFC 3339 in UTC, to the millisecond.
    private static func text(_ now: UTCInstant) -> String {
        let fraction = now.sinceEpoch - .seconds(now.epochSeconds)
        let milliseconds = String(fraction.components.attoseconds / 1_000_000_000_000_000)
        return now.rfc3339.dropLast() + "." + String(repeating: "0", count: 3 - milliseconds.count) + milliseconds + "Z"
    }
}
