// A list as Decodable types see it that read it element by element.

struct ElementValues: UnkeyedDecodingContainer {
    let value: YAMLValue
    let session: DecodingSession
    let codingPath: [any CodingKey]
    private let elements: [YAMLValue]
    private(set) var currentIndex = 0

    init(value: YAMLValue, session: DecodingSession, codingPath: [any CodingKey]) throws {
        self.value = value
        self.session = session
        self.codingPath = codingPath
        elements = try value.sequence()
    }

    var count: Int? { elements.count }
    var isAtEnd: Bool { currentIndex >= elements.count }

    mutating func decodeNil() throws -> Bool {
        guard try peek().isNull else { return false }
        currentIndex += 1
        return true
    }

    mutating func decode(_ type: Bool.Type) throws -> Bool { try take { try $0.bool() } }
    mutating func decode(_ type: String.Type) throws -> String { try take { try $0.string() } }
    mutating func decode(_ type: Double.Type) throws -> Double { try take { try $0.number() } }
    mutating func decode(_ type: Float.Type) throws -> Float { try take { Float(try $0.number()) } }
    mutating func decode(_ type: Int.Type) throws -> Int { try take { try $0.integer() } }
    mutating func decode(_ type: Int8.Type) throws -> Int8 { try take { try $0.integer() } }
    mutating func decode(_ type: Int16.Type) throws -> Int16 { try take { try $0.integer() } }
    mutating func decode(_ type: Int32.Type) throws -> Int32 { try take { try $0.integer() } }
    mutating func decode(_ type: Int64.Type) throws -> Int64 { try take { try $0.integer() } }
    mutating func decode(_ type: UInt.Type) throws -> UInt { try take { try $0.integer() } }
    mutating func decode(_ type: UInt8.Type) throws -> UInt8 { try take { try $0.integer() } }
    mutating func decode(_ type: UInt16.Type) throws -> UInt16 { try take { try $0.integer() } }
    mutating func decode(_ type: UInt32.Type) throws -> UInt32 { try take { try $0.integer() } }
    mutating func decode(_ type: UInt64.Type) throws -> UInt64 { try take { try $0.integer() } }

    mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let path = codingPath + [Step(currentIndex)]
        let session = session
        return try take { try session.decode(type, from: $0, at: path) }
    }

    mutating func nestedContainer<Nested: CodingKey>(
        keyedBy type: Nested.Type
    ) throws -> KeyedDecodingContainer<Nested> {
        try superDecoder().container(keyedBy: type)
    }

    mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
        try superDecoder().unkeyedContainer()
    }

    mutating func superDecoder() throws -> any Decoder {
        let path = codingPath + [Step(currentIndex)]
        let session = session
        return try take { ValueDecoder(value: $0, session: session, codingPath: path) }
    }

    private func peek() throws -> YAMLValue {
        guard !isAtEnd else {
            throw YAMLProblems(value.problem("the list ends after \(elements.count) elements, and more are expected"))
        }
        return elements[currentIndex]
    }

    private mutating func take<Result>(_ body: (YAMLValue) throws -> Result) throws -> Result {
        let result = try body(peek())
        currentIndex += 1
        return result
    }
}
