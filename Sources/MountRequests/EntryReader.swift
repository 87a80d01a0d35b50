// One mapping of a parameter, read key by key, with every problem noted.

import StrictYAML

/// Reads one mapping of a parameter. What can't be read is noted, and the reading goes on, so that all problems of an
/// entry are found at once.
struct EntryReader {
    /// Whether `${key}` may still stand for a value that only the Pod knows.
    let isSymbolic: Bool
    private(set) var problems: [YAMLProblem] = []
    private let value: YAMLValue
    private var unknown: [String] = []

    /// The most problems of one entry that are noted; only the first is told of a Mount.
    private var most: Int { isSymbolic ? YAMLProblems.most : RequestLimits.problems }

    /// - Parameter keys: all keys that the mapping may have.
    init(_ value: YAMLValue, keys: Set<String>, isSymbolic: Bool) throws(YAMLProblems) {
        self.value = value
        self.isSymbolic = isSymbolic
        for entry in try value.mapping() where !keys.contains(entry.key) {
            unknown.append(entry.key)
            guard problems.count < most else { break }
            problems.append(value.unknown(entry, known: keys))
        }
    }

    /// Notes a problem.
    mutating func note(_ problem: YAMLProblem) {
        if problems.count < most { problems.append(problem) }
    }

    /// Notes a problem with the whole entry.
    mutating func note(_ message: String, fix: String = "") { note(value.problem(message, fix: fix)) }

    /// The value of a key; `nil` when the key is absent or stands for nothing.
    func optional(_ key: String) -> YAMLValue? {
        guard let found = value[key], !found.isNull else { return nil }
        return found
    }

    /// The value of a key that must be there.
    mutating func required(_ key: String) -> YAMLValue? {
        if let found = optional(key) { return found }
        // Where a misspelt key has been noted, the missing one is no news.
        if closestWord(to: key, among: unknown) == nil { note("the key \"\(key)\" is missing") }
        return nil
    }

    /// A text that is neither empty nor longer than `limit` bytes.
    mutating func text(_ value: YAMLValue?, limit: Int = RequestLimits.wordBytes) -> String? {
        guard let value, let text = reading({ () throws(YAMLProblems) in try value.string() }) else { return nil }
        guard !text.isEmpty else {
            note(value.problem("the text is empty"))
            return nil
        }
        guard text.utf8.count <= limit else {
            note(value.problem("the text is longer than \(limit) bytes"))
            return nil
        }
        return text
    }

    /// The elements of a list that is neither empty nor longer than `most`.
    mutating func list(_ value: YAMLValue?, most: Int) -> [YAMLValue]? {
        guard let value, let elements = reading({ () throws(YAMLProblems) in try value.sequence() }) else { return nil }
        guard !elements.isEmpty else {
            note(value.problem("the list is empty"))
            return nil
        }
        guard elements.count <= most else {
            note(value.problem("the list has \(elements.count) elements, and \(most) are allowed"))
            return nil
        }
        return elements
    }

    /// One of a few words; `nil` too where the word is still to come from an attribute.
    mutating func word<Word: RawRepresentable & CaseIterable>(
        _ value: YAMLValue,
        _ type: Word.Type
    ) -> Word? where Word.RawValue == String {
        guard let text = text(value), !isStillToCome(text) else { return nil }
        if let word = Word(rawValue: text) { return word }
        note(value.notAllowed(Word.allCases.map(\.rawValue)))
        return nil
    }

    /// Runs a read of a value; what it throws is noted.
    mutating func reading<Result>(_ body: () throws(YAMLProblems) -> Result) -> Result? {
        do {
            return try body()
        } catch {
            for problem in error.problems { note(problem) }
            return nil
        }
    }

    /// Whether a text is a `${key}` whose value only the Pod knows.
    func isStillToCome(_ text: String) -> Bool {
        isSymbolic && AttributeReference.isOne(text)
    }

    /// Ends the reading.
    ///
    /// - Throws: ``YAMLProblems`` when anything was noted.
    func finish() throws(YAMLProblems) {
        if let all = YAMLProblems(problems) { throw all }
    }
}
