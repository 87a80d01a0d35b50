// A mapping as Decodable types see it; it notes every key that they ask for.

struct KeyedValues<Key: CodingKey>: KeyedDecodingContainerProtocol {
    let value: YAMLValue
    let session: DecodingSession
    let codingPath: [any CodingKey]
    private let entries: [YAMLValue.Entry]

    init(value: YAMLValue, session: DecodingSession, codingPath: [any CodingKey]) throws {
        self.value = value
        self.session = session
        self.codingPath = codingPath
        entries = try value.mapping()
        session.open(value)
    }

    var allKeys: [Key] { entries.compactMap { Key(stringValue: $0.key) } }

    func contains(_ key: Key) -> Bool { find(key) != nil }

    func decodeNil(forKey key: Key) throws -> Bool { try require(key).isNull }

    func decode(_ type: Bool.Type, forKey key: Key) throws -> Bool { try require(key).bool() }
    func decode(_ type: String.Type, forKey key: Key) throws -> String { try require(key).string() }
    func decode(_ type: Double.Type, forKey key: Key) throws -> Double { try require(key).number() }
    func decode(_ type: Float.Type, forKey key: Key) throws -> Float { Float(try require(key).number()) }
    func decode(_ type: Int.Type, forKey key: Key) throws -> Int { try require(key).integer() }
    func decode(_ type: Int8.Type, forKey key: Key) throws -> Int8 { try require(key).integer() }
    func decode(_ type: Int16.Type, forKey key: Key) throws -> Int16 { try require(key).integer() }
    func decode(_ type: Int32.Type, forKey key: Key) throws -> Int32 { try require(key).integer() }
    func decode(_ type: Int64.Type, forKey key: Key) throws -> Int64 { try require(key).integer() }
    func decode(_ type: UInt.Type, forKey key: Key) throws -> UInt { try require(key).integer() }
    func decode(_ type: UInt8.Type, forKey key: Key) throws -> UInt8 { try require(key).integer() }
    func decode(_ type: UInt16.Type, forKey key: Key) throws -> UInt16 { try require(key).integer() }
    func decode(_ type: UInt32.Type, forKey key: Key) throws -> UInt32 { try require(key).integer() }
    func decode(_ type: UInt64.Type, forKey key: Key) throws -> UInt64 { try require(key).integer() }

    func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
        try session.decode(type, from: require(key), at: codingPath + [key])
    }

    func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type,
        forKey key: Key
    ) throws -> KeyedDecodingContainer<Nested> {
        try decoder(for: key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
        try decoder(for: key).unkeyedContainer()
    }

    func superDecoder() throws -> any Decoder {
        throw YAMLProblems(value.problem("a type with an encoded superclass can't be read from YAML"))
    }

    func superDecoder(forKey key: Key) throws -> any Decoder { try decoder(for: key) }

    private func decoder(for key: Key) throws -> ValueDecoder {
        ValueDecoder(value: try require(key), session: session, codingPath: codingPath + [key])
    }

    private func find(_ key: Key) -> YAMLValue? {
        session.ask(for: key.stringValue, in: value)
        return entries.first { $0.key == key.stringValue }?.value
    }

    private func require(_ key: Key) throws -> YAMLValue {
        if let found = find(key) { return found }
        // A misspelt key is more to the point than the one that is missing because of it.
        let asked = session.asked(in: value)
        let unasked = entries.map(\.key).filter { !asked.contains($0) && Key(stringValue: $0) == nil }
        if let misspelt = closestWord(to: key.stringValue, among: unasked) {
            throw YAMLProblems(value.unknown(misspelt, known: [key.stringValue]))
        }
        throw YAMLProblems(value.problem("the key \(quoted(key.stringValue)) is missing"))
    }
}
