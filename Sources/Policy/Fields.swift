// Reads a mapping key by key and goes on after a problem, so that one run shows all of them.

import StrictYAML

/// The keys of a mapping that are read one after the other. At the end, ``finish(_:)`` reports the unknown ones.
struct Fields {
    let mapping: YAMLValue
    private var known: Set<String> = []
    private var missing: [String] = []

    /// `nil`, with a problem in `findings`, when the value is no mapping.
    init?(_ value: YAMLValue, _ findings: inout Findings) {
        guard findings.collect({ () throws(YAMLProblems) in try value.mapping() }) != nil else { return nil }
        mapping = value
    }

    /// The value of a key; `nil` when it is absent or stands for no value.
    mutating func optional(_ key: String) -> YAMLValue? {
        known.insert(key)
        return mapping[key].flatMap { $0.isNull ? nil : $0 }
    }

    /// The value of a key that must be there.
    mutating func required(_ key: String) -> YAMLValue? {
        let value = optional(key)
        if value == nil { missing.append(key) }
        return value
    }

    /// What a reader makes of the value of a key; `nil` when it is absent, or wrong and reported.
    mutating func optional<Value>(
        _ key: String,
        _ findings: inout Findings,
        _ read: (YAMLValue) throws(YAMLProblems) -> Value
    ) -> Value? {
        guard let value = optional(key) else { return nil }
        return findings.collect { () throws(YAMLProblems) in try read(value) }
    }

    /// What a reader makes of the value of a key that must be there; `nil` when that is not so, and reported.
    mutating func required<Value>(
        _ key: String,
        _ findings: inout Findings,
        _ read: (YAMLValue) throws(YAMLProblems) -> Value
    ) -> Value? {
        guard let value = required(key) else { return nil }
        return findings.collect { () throws(YAMLProblems) in try read(value) }
    }

    /// Reports the keys that nobody asked for, and those that are missing and are not among them with a slip of the pen.
    ///
    /// - Returns: Whether all keys are known.
    @discardableResult
    func finish(_ findings: inout Findings) -> Bool {
        let unknown = (mapping.entries ?? []).map(\.key).filter { !known.contains($0) }
        for key in unknown { findings.error(mapping.unknown(key, known: known)) }
        let meant = Set(unknown.compactMap { closestWord(to: $0, among: known) })
        for key in missing where !meant.contains(key) {
            if mapping[key] == nil {
                findings.error(mapping.problem("the key \"\(key)\" is missing"))
            } else {
                findings.error(mapping.problem(withKey: key, "the key \"\(key)\" has no value"))
            }
        }
        return unknown.isEmpty
    }
}
