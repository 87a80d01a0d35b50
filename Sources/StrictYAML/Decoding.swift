// Strict decoding: a Swift type out of a value, with nothing left over.

extension YAMLValue {
    /// Decodes a type, strictly: every key in the text must be one that the type asks for.
    ///
    /// Lists and mappings from text to some type are decoded element by element, so that the problems of all elements
    /// are reported together. A property of type ``YAMLValue`` takes the value as it is, to be decoded later.
    /// An optional is `nil` when its key is absent or stands for no value (nothing, `null`, `~`).
    ///
    /// - Parameter ignoring: keys of this mapping that somebody else has read (`kind`, for example).
    /// - Throws: ``YAMLProblems``: unknown keys with the word that was probably meant, missing keys, mistyped values,
    ///   and what the type itself refuses.
    package func decode<Value: Decodable>(
        _ type: Value.Type = Value.self,
        ignoring: Set<String> = [],
        userInfo: [CodingUserInfoKey: any Sendable] = [:]
    ) throws(YAMLProblems) -> Value {
        let session = DecodingSession(root: self, userInfo: userInfo)
        if !ignoring.isEmpty { session.ask(for: ignoring, in: self) }
        do {
            let result = try session.decode(type, from: self, at: [])
            if let unknown = YAMLProblems(session.unknownKeys(inCompletedOnly: false)) { throw unknown }
            return result
        } catch let error as YAMLProblems {
            // A key that the type never came to ask for is not reported; one in a mapping that was read whole is.
            throw YAMLProblems(error.problems + session.unknownKeys(inCompletedOnly: true)) ?? error
        } catch {
            throw YAMLProblems(session.problem(for: error, at: self))
        }
    }
}

extension Decoder {
    /// A problem with what is being decoded (or with the value of one of its keys), for an `init(from:)` to throw.
    package func problem(_ message: String, at key: (any CodingKey)? = nil, fix: String = "") -> any Error {
        guard let decoder = self as? ValueDecoder else {
            let path = codingPath + (key.map { [$0] } ?? [])
            return DecodingError.dataCorrupted(
                .init(codingPath: path, debugDescription: fix.isEmpty ? message : "\(message); \(fix)")
            )
        }
        let value = key.flatMap { decoder.value[$0.stringValue] } ?? decoder.value
        return YAMLProblems(value.problem(message, fix: fix))
    }
}

/// What one run of `decode` remembers: which keys of which mapping were asked for.
final class DecodingSession {
    private struct Use {
        var value: YAMLValue
        var asked: Set<String> = []
        /// Whether somebody reads the mapping key by key.
        var isOpen = false
        /// Whether the type that reads the mapping came to its end.
        var isCompleted = false
    }

    let root: YAMLValue
    let userInfo: [CodingUserInfoKey: any Sendable]
    private var uses: [Int: Use] = [:]

    init(root: YAMLValue, userInfo: [CodingUserInfoKey: any Sendable]) {
        self.root = root
        self.userInfo = userInfo
    }

    func ask(for keys: Set<String>, in mapping: YAMLValue) {
        uses[mapping.id, default: Use(value: mapping)].asked.formUnion(keys)
    }

    func ask(for key: String, in mapping: YAMLValue) {
        uses[mapping.id, default: Use(value: mapping)].asked.insert(key)
    }

    /// Notes that a mapping is read key by key.
    func open(_ mapping: YAMLValue) { uses[mapping.id, default: Use(value: mapping)].isOpen = true }

    func asked(in mapping: YAMLValue) -> Set<String> { uses[mapping.id]?.asked ?? [] }

    func unknownKeys(inCompletedOnly: Bool) -> [YAMLProblem] {
        var problems: [YAMLProblem] = []
        for use in uses.values.sorted(by: { $0.value.id < $1.value.id })
        where use.isOpen && (!inCompletedOnly || use.isCompleted) {
            for entry in use.value.entries ?? [] where !use.asked.contains(entry.key) {
                guard problems.count < YAMLProblems.most else { return problems }
                problems.append(use.value.unknown(entry, known: use.asked))
            }
        }
        return problems
    }

    func decode<Value: Decodable>(
        _ type: Value.Type,
        from value: YAMLValue,
        at codingPath: [any CodingKey]
    ) throws -> Value {
        if let itself = value as? Value { return itself }
        if let elementwise = type as? any Elementwise.Type,
            let result = try elementwise.decode(from: value, at: codingPath, in: self) as? Value
        {
            return result
        }
        do {
            let decoder = ValueDecoder(value: value, session: self, codingPath: codingPath)
            let result = try Value(from: decoder)
            uses[value.id]?.isCompleted = true
            return result
        } catch let error as YAMLProblems {
            throw error
        } catch let error as DecodingError {
            if case .dataCorrupted = error, let words = allowedWords(type) {
                throw YAMLProblems(value.notAllowed(words))
            }
            throw YAMLProblems(problem(for: error, at: value))
        } catch {
            throw YAMLProblems(problem(for: error, at: value))
        }
    }

    /// What a type itself refuses, at the place that its error names.
    func problem(for error: any Error, at value: YAMLValue) -> YAMLProblem {
        if let problem = error as? YAMLProblem { return problem }
        guard let error = error as? DecodingError else { return value.problem("\(error)") }
        switch error {
        case .dataCorrupted(let context), .keyNotFound(_, let context), .typeMismatch(_, let context),
            .valueNotFound(_, let context):
            return self.value(at: context.codingPath, near: value).problem(context.debugDescription)
        @unknown default: return value.problem("it can't be decoded")
        }
    }

    private func value(at codingPath: [any CodingKey], near value: YAMLValue) -> YAMLValue {
        var place = root
        for step in codingPath {
            let next = step.intValue.flatMap { index in
                place.elements.flatMap { $0.indices.contains(index) ? $0[index] : nil }
            }
            guard let found = next ?? place[step.stringValue] else { return place }
            place = found
        }
        return codingPath.isEmpty ? value : place
    }
}

extension YAMLValue {
    /// The problem that a key of this mapping is none of the known ones. With many such keys, give the entry itself.
    package func unknown(_ key: String, known: Set<String>) -> YAMLProblem {
        guard let entry = entries?.first(where: { $0.key == key }) else { return problem("unknown key \(quoted(key))") }
        return unknown(entry, known: known)
    }

    /// The problem that an entry's key is none of the known ones.
    package func unknown(_ entry: Entry, known: Set<String>) -> YAMLProblem {
        let key = entry.key
        let fix: String
        if let meant = closestWord(to: key, among: known) {
            fix = "did you mean \(quoted(meant))?"
        } else {
            let names = known.sorted().prefix(20).map { $0 }
            fix = names.isEmpty ? "remove it" : "known keys: \(names.joined(separator: ", "))"
        }
        return problem(with: entry, "unknown key \(quoted(key))", fix: fix)
    }

    /// The problem that this text is none of the words that are allowed.
    package func notAllowed(_ words: [String]) -> YAMLProblem {
        let fix = text.flatMap { closestWord(to: $0, among: words) }.map { "did you mean \(quoted($0))?" } ?? ""
        return mistyped(
            words.count == 1 ? words[0] : "one of \(words.joined(separator: ", "))",
            showing: .text,
            fix: fix
        )
    }
}

/// The raw values of an enumeration of words, when it lists its cases.
private func allowedWords(_ type: any Any.Type) -> [String]? {
    func words<Words: CaseIterable>(_ type: Words.Type) -> [String]? {
        let all = type.allCases.compactMap { ($0 as? any RawRepresentable)?.rawValue as? String }
        return all.isEmpty ? nil : all
    }
    guard let listed = type as? any CaseIterable.Type else { return nil }
    return words(listed)
}
