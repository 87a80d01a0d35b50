// Lists and dictionaries, decoded element by element so that the problems of all elements are found.

/// A collection whose elements can be decoded one by one.
protocol Elementwise {
    static func decode(from value: YAMLValue, at codingPath: [any CodingKey], in session: DecodingSession) throws
        -> Self
}

extension Array: Elementwise where Element: Decodable {
    static func decode(
        from value: YAMLValue,
        at codingPath: [any CodingKey],
        in session: DecodingSession
    ) throws -> [Element] {
        var collector = YAMLProblemCollector()
        var result: [Element] = []
        for (index, element) in try value.sequence().enumerated() {
            do {
                result.append(try session.decode(Element.self, from: element, at: codingPath + [Step(index)]))
            } catch let error as YAMLProblems {
                collector.add(error)
            }
        }
        try collector.finish()
        return result
    }
}

extension Dictionary: Elementwise where Key == String, Value: Decodable {
    static func decode(
        from value: YAMLValue,
        at codingPath: [any CodingKey],
        in session: DecodingSession
    ) throws -> [String: Value] {
        var collector = YAMLProblemCollector()
        var result: [String: Value] = [:]
        for entry in try value.mapping() {
            session.ask(for: entry.key, in: value)
            do {
                let path = codingPath + [Step(entry.key)]
                result[entry.key] = try session.decode(Value.self, from: entry.value, at: path)
            } catch let error as YAMLProblems {
                collector.add(error)
            }
        }
        try collector.finish()
        return result
    }
}

/// A step of a coding path: a key or an index.
struct Step: CodingKey {
    let stringValue: String
    let intValue: Int?

    init(_ key: String) {
        stringValue = key
        intValue = nil
    }

    init(_ index: Int) {
        stringValue = "\(index)"
        intValue = index
    }

    init?(stringValue: String) { self.init(stringValue) }
    init?(intValue: Int) { self.init(intValue) }
}
