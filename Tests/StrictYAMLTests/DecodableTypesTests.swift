// The ways in which third parties write Decodable types.

import StrictYAML
import Testing

private func problems<Value: Decodable>(_ type: Value.Type, _ text: String, ignoring: Set<String> = []) -> [String] {
    do {
        _ = try YAMLValue.parse(text, file: "f").decode(type, ignoring: ignoring)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

private struct Renamed: Decodable, Equatable {
    var roleARN: String
    var region = "eu"
    enum CodingKeys: String, CodingKey {
        case roleARN = "role"
        case region
    }
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        roleARN = try values.decode(String.self, forKey: .roleARN)
        region = try values.decodeIfPresent(String.self, forKey: .region) ?? "eu"
    }
}

/// `repository: x` or `repositories: [x, y]`; `only` a text or a list.
private struct Either: Decodable, Equatable {
    var only: [String]
    enum CodingKeys: CodingKey { case only }
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        if let one = try? values.decode(String.self, forKey: .only) {
            only = [one]
        } else {
            only = try values.decode([String].self, forKey: .only)
        }
    }
}

/// A kind, and settings that depend on it, from the same mapping.
private struct Tagged: Decodable, Equatable {
    struct File: Decodable, Equatable { var path: String }
    struct Net: Decodable, Equatable { var url: String, port: UInt16? }
    var file: File?
    var net: Net?
    enum CodingKeys: CodingKey { case kind }
    init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        switch try values.decode(String.self, forKey: .kind) {
        case "file": file = try File(from: decoder)
        case "net": net = try Net(from: decoder)
        default:
            throw DecodingError.dataCorruptedError(forKey: .kind, in: values, debugDescription: "no such kind")
        }
    }
}

private struct Pair: Decodable, Equatable {
    var first: Int
    var second: String
    var rest: [Bool]
    init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        first = try values.decode(Int.self)
        second = try values.decode(String.self)
        rest = []
        var nested = try values.nestedUnkeyedContainer()
        while !nested.isAtEnd { rest.append(try nested.decode(Bool.self)) }
    }
}

private struct Checked: Decodable {
    var port: Int
    enum CodingKeys: CodingKey { case port }
    init(from decoder: any Decoder) throws {
        port = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .port)
        if port == 0 { throw decoder.problem("the port can't be 0", at: CodingKeys.port, fix: "choose another") }
        if port == 1 { throw OwnError() }
    }
    struct OwnError: Error, CustomStringConvertible { var description: String { "port 1 is taken" } }
}

private struct Deep: Decodable, Equatable {
    var value: Int
    enum Outer: CodingKey { case inner }
    enum Inner: CodingKey { case value }
    init(from decoder: any Decoder) throws {
        let outer = try decoder.container(keyedBy: Outer.self)
        value = try outer.nestedContainer(keyedBy: Inner.self, forKey: .inner).decode(Int.self, forKey: .value)
    }
}

private enum Level: Int, Decodable { case low = 1, high = 2 }
private enum Word: String, Decodable { case yes, no }

@Suite struct DecodableTypesTests {
    @Test func ownCodingKeys() throws {
        let value = try YAMLValue.parse("role: a\n", file: "f").decode(Renamed.self)
        #expect((value.roleARN, value.region) == ("a", "eu"))
        #expect(
            problems(Renamed.self, "role: a\nregoin: b\n") == [#"f:2:1: unknown key "regoin"; did you mean "region"?"#]
        )
        #expect(problems(Renamed.self, "rolle: a\n") == [#"f:1:1: unknown key "rolle"; did you mean "role"?"#])
    }

    @Test func optionalsAreNilWithoutAValue() throws {
        struct Optionals: Decodable, Equatable { var a: String?, b: Int?, c: [Int]?, d: Bool? }
        let nothing = Optionals(a: nil, b: nil, c: nil, d: nil)
        #expect(try YAMLValue.parse("{}", file: "f").decode(Optionals.self) == nothing)
        #expect(try YAMLValue.parse("a:\nb: null\nc: ~\nd:\n", file: "f").decode(Optionals.self) == nothing)
        #expect(try YAMLValue.parse("a: 'null'", file: "f").decode(Optionals.self).a == "null")
        #expect(try YAMLValue.parse("[1, null, 3]", file: "f").decode([Int?].self) == [1, nil, 3])
        #expect(
            problems(Optionals.self, "b: '1'\n") == [
                #"f:1:4: b: expected a whole number, found the text "1" in quotes"#
            ]
        )
    }

    @Test func eitherOneOrMany() throws {
        #expect(try YAMLValue.parse("only: a", file: "f").decode(Either.self).only == ["a"])
        #expect(try YAMLValue.parse("only: [a, b]", file: "f").decode(Either.self).only == ["a", "b"])
        #expect(problems(Either.self, "only: {a: b}") == ["f:1:7: only: expected a list, found a mapping"])
    }

    @Test func oneMappingReadByTwoTypes() throws {
        #expect(try YAMLValue.parse("{kind: file, path: /x}", file: "f").decode(Tagged.self).file?.path == "/x")
        #expect(
            problems(Tagged.self, "kind: net\nurl: x\nprot: 5\n") == [
                #"f:3:1: unknown key "prot"; did you mean "port"?"#
            ]
        )
        #expect(problems(Tagged.self, "kind: none\nurl: x\n") == ["f:1:7: kind: no such kind"])
        #expect(problems(Tagged.File.self, "kind: file\npath: x\n", ignoring: ["kind"]) == [])
        #expect(
            problems(Tagged.File.self, "kind: file\npath: x\n") == [#"f:1:1: unknown key "kind"; known keys: path"#]
        )
    }

    @Test func unkeyedContainers() throws {
        let value = try YAMLValue.parse("[1, two, [true, false]]", file: "f").decode(Pair.self)
        #expect((value.first, value.second, value.rest) == (1, "two", [true, false]))
        #expect(
            problems(Pair.self, "[1]") == ["f:1:1: the list ends after 1 elements, and more are expected"]
        )
        #expect(problems(Pair.self, "[1, 2, [3]]") == [#"f:1:9: [2][0]: expected true or false, found the text "3""#])
        #expect(problems(Pair.self, "a: b") == ["f:1:1: expected a list, found a mapping"])
    }

    @Test func nestedContainers() throws {
        #expect(try YAMLValue.parse("inner: { value: 5 }", file: "f").decode(Deep.self).value == 5)
        #expect(
            problems(Deep.self, "inner: { value: 5, extra: 6 }")
                == [#"f:1:20: inner: unknown key "extra"; known keys: value"#]
        )
    }

    @Test func dictionariesAndSets() throws {
        let value = try YAMLValue.parse("a: {x: 1}\nb: {y: 2, z: 3}\n", file: "f")
        #expect(try value.decode([String: [String: Int]].self) == ["a": ["x": 1], "b": ["y": 2, "z": 3]])
        #expect(try YAMLValue.parse("[a, b, a]", file: "f").decode(Set<String>.self) == ["a", "b"])
        #expect(try YAMLValue.parse("{1: a}", file: "f").decode([Int: String].self) == [1: "a"])
        #expect(
            problems([String: Int].self, "a: x\nb: 1\nc: y\n") == [
                #"f:1:4: a: expected a whole number, found the text "x""#,
                #"f:3:4: c: expected a whole number, found the text "y""#,
            ]
        )
    }

    @Test func enumerations() throws {
        #expect(try YAMLValue.parse("[1, 2]", file: "f").decode([Level].self) == [.low, .high])
        #expect(problems([Level].self, "[3]").first?.hasPrefix("f:1:2: [0]: Cannot initialize Level") == true)
        #expect(try YAMLValue.parse("[yes, no]", file: "f").decode([Word].self) == [.yes, .no])
        #expect(problems([Word].self, "[on]").count == 1)
    }

    @Test func typesMayRefuse() throws {
        #expect(problems(Checked.self, "port: 0\n") == ["f:1:7: port: the port can't be 0; choose another"])
        #expect(problems([Checked].self, "- port: 1\n") == ["f:1:3: [0]: port 1 is taken"])
        #expect(try YAMLValue.parse("port: 8080", file: "f").decode(Checked.self).port == 8080)
    }

    @Test func valuesPassThrough() throws {
        struct Holder: Decodable { var settings: YAMLValue, all: [String: YAMLValue]? }
        let holder = try YAMLValue.parse("settings: { path: /x }\nall: { a: [1] }", file: "f").decode(Holder.self)
        #expect(try holder.settings.decode(Tagged.File.self).path == "/x")
        #expect(holder.settings.path == "settings")
        #expect(holder.all?["a"]?.elements?.count == 1)
    }

    @Test func aWordOfTheCallersOwnReachesTheType() throws {
        struct Told: Decodable {
            var word: String?
            init(from decoder: any Decoder) throws {
                word = CodingUserInfoKey(rawValue: "word").flatMap { decoder.userInfo[$0] as? String }
            }
        }
        let key = try #require(CodingUserInfoKey(rawValue: "word"))
        #expect(try YAMLValue.parse("{}", file: "f").decode(Told.self, userInfo: [key: "hello"]).word == "hello")
    }
}
