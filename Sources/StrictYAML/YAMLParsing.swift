// From text to values, with Yams: bounded, and without the parts of YAML that surprise.

import CYaml
import Yams

/// How much one text may hold.
package struct YAMLLimits: Sendable, Hashable {
    /// The most bytes of the text.
    package var bytes: Int
    /// The most levels of mappings and lists.
    package var depth: Int
    /// The most keys of one mapping.
    package var keys: Int
    /// The most mappings, lists and scalar values in all; keys are not counted.
    package var nodes: Int
    /// The most problems that are looked for.
    package var problems: Int

    package init(
        bytes: Int = 1 << 20,
        depth: Int = 32,
        keys: Int = 4096,
        nodes: Int = 250_000,
        problems: Int = YAMLProblems.most
    ) {
        self.bytes = bytes
        self.depth = depth
        self.keys = keys
        self.nodes = nodes
        self.problems = problems
    }
}

extension YAMLValue {
    /// Reads a text that holds one document; `file` is the name that problems carry.
    ///
    /// - Throws: ``YAMLProblems`` when it is too large, no YAML, empty, more than one document, or uses an anchor, an
    ///   alias, a merge key, a duplicate key or a tag of its own.
    package static func parse(
        _ text: String,
        file: String,
        limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLProblems) -> YAMLValue {
        try parse(text, from: YAMLOrigin(file: file), limits: limits)
    }

    /// Reads a text that holds one document and is itself a part of another text.
    ///
    /// - Throws: ``YAMLProblems``, as ``parse(_:file:limits:)``.
    package static func parse(
        _ text: String,
        from origin: YAMLOrigin,
        limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLProblems) -> YAMLValue {
        var reading = YAMLReading(origin: origin, limits: limits)
        let all = try reading.documents(text)
        guard let first = all.first else { throw YAMLProblems(reading.problem(Position(), "there is nothing in it")) }
        if all.count > 1 {
            throw YAMLProblems(
                all[1].problem("a second document begins here, and one is expected", fix: "remove the \"---\" line")
            )
        }
        return first
    }

    /// Reads a text that may hold several documents, separated by `---`. Empty documents are left out.
    ///
    /// - Throws: ``YAMLProblems``, as ``parse(_:file:limits:)``, but for the number of documents.
    package static func documents(
        _ text: String,
        file: String,
        limits: YAMLLimits = YAMLLimits()
    ) throws(YAMLProblems) -> [YAMLValue] {
        var reading = YAMLReading(origin: YAMLOrigin(file: file), limits: limits)
        return try reading.documents(text)
    }
}

private struct YAMLReading {
    let origin: YAMLOrigin
    let limits: YAMLLimits
    var problems: [YAMLProblem] = []
    var nextID = 0
    private var nodes = 0

    init(origin: YAMLOrigin, limits: YAMLLimits) {
        self.origin = origin
        self.limits = limits
    }

    mutating func documents(_ text: String) throws(YAMLProblems) -> [YAMLValue] {
        let size = text.utf8.count
        guard size <= limits.bytes else {
            let message = "it is \(size) bytes long, and \(limits.bytes) are allowed"
            throw YAMLProblems(problem(Position(), message))
        }
        let scan = TokenScan(text)
        if let alias = scan.alias {
            throw YAMLProblems(problem(alias, Self.noAliases, fix: "write the value out"))
        }
        if let key = scan.explicitKey {
            throw YAMLProblems(problem(key, "explicit keys (? key) are not accepted", fix: "write key: value"))
        }
        do {
            _ = Self.nestingIsBounded
            // The encoding is named because Yams asks the environment otherwise; the resolver has no rules because a
            // scalar's meaning is decided while decoding.
            var contiguous = text
            contiguous.makeContiguousUTF8()
            let parser = try Parser(yaml: contiguous, resolver: .basic, encoding: .utf8)
            var values: [YAMLValue] = []
            while let node = try parser.nextRoot() {
                let value = convert(node, .root(origin), depth: 1)
                if isFull { break }
                if let value, !value.isNull { values.append(value) }
            }
            // Nodes hold their anchors weakly; the parser owns them.
            withExtendedLifetime(parser) {}
            if let all = YAMLProblems(problems) { throw all }
            return values
        } catch let error as YAMLProblems {
            throw error
        } catch let error as YamlError {
            throw YAMLProblems(problem(for: error))
        } catch {
            throw YAMLProblems(problem(Position(), "it can't be read as YAML"))
        }
    }

    /// Whether there is no use in reading on.
    private var isFull: Bool { problems.count >= limits.problems || nodes > limits.nodes }

    /// Yams builds its tree recursively, before ``convert(_:_:depth:)`` can look at it; libyaml's own bound, 1000 levels
    /// unless told otherwise, is too much for a small stack. The setting belongs to the whole process, so it is the same
    /// for all texts, above every ``YAMLLimits/depth``. A level here is up to two there (`[a: [b: ...]]`).
    private static let nestingIsBounded: Void = yaml_set_max_nest_level(CInt(mostLevels))
    private static let mostLevels = 64

    private static let noAliases = "anchors and aliases (&name, *name) are not accepted"

    private mutating func convert(_ node: Node, _ path: YAMLPath, depth: Int) -> YAMLValue? {
        guard !isFull else { return nil }
        let mark = node.mark.map(Position.init) ?? Position()
        nodes += 1
        guard nodes <= limits.nodes else {
            problems.append(problem(mark, at: path, "there are more than \(limits.nodes) values in all"))
            return nil
        }
        guard node.anchor == nil else {
            problems.append(problem(mark, at: path, Self.noAliases, fix: "write the value out"))
            return nil
        }
        guard depth <= limits.depth else {
            problems.append(problem(mark, at: path, "it is nested deeper than \(limits.depth) levels"))
            return nil
        }
        switch node {
        case .scalar(let scalar):
            return finish(mark, path, tag: scalar.tag) { .scalar(scalar.string, style: Self.style(scalar.style)) }
        case .sequence(let sequence):
            var elements: [YAMLValue] = []
            elements.reserveCapacity(sequence.count)
            for (index, element) in sequence.enumerated() {
                if let value = convert(element, .index(index, in: path), depth: depth + 1) { elements.append(value) }
            }
            return finish(mark, path, tag: sequence.tag) { .sequence(elements) }
        case .mapping(let mapping):
            guard mapping.count <= limits.keys else {
                let message = "the mapping has \(mapping.count) keys, and \(limits.keys) are allowed"
                problems.append(problem(mark, at: path, message))
                return nil
            }
            var entries: [YAMLValue.Entry] = []
            entries.reserveCapacity(mapping.count)
            for (key, value) in mapping {
                if let entry = entry(key, value, path, depth: depth) { entries.append(entry) }
            }
            return finish(mark, path, tag: mapping.tag) { .mapping(entries) }
        case .alias:
            problems.append(problem(mark, at: path, Self.noAliases, fix: "write the value out"))
            return nil
        }
    }

    private mutating func entry(_ key: Node, _ value: Node, _ path: YAMLPath, depth: Int) -> YAMLValue.Entry? {
        let mark = key.mark.map(Position.init) ?? Position()
        guard case .scalar(let name) = key, name.anchor == nil else {
            let message = key.anchor == nil ? "a key must be a plain text, not a list or a mapping" : Self.noAliases
            problems.append(problem(mark, at: path, message))
            return nil
        }
        if name.string == "<<", name.style == .plain {
            problems.append(problem(mark, at: path, "merge keys (<<) are not accepted", fix: "write the keys out"))
            return nil
        }
        if name.string.isEmpty {
            problems.append(problem(mark, at: path, "a key is empty"))
            return nil
        }
        guard accepts(name.tag, mark, path) else { return nil }
        let place = YAMLPath.key(name.string, in: path)
        guard let converted = convert(value, place, depth: depth + 1) else { return nil }
        return YAMLValue.Entry(
            key: name.string,
            line: mark.line + origin.line,
            column: mark.column + origin.column,
            value: converted
        )
    }

    private mutating func finish(
        _ mark: Position,
        _ path: YAMLPath,
        tag: Tag,
        _ content: () -> YAMLValue.Content
    ) -> YAMLValue? {
        guard accepts(tag, mark, path) else { return nil }
        nextID += 1
        return YAMLValue(
            content: content(),
            line: mark.line + origin.line,
            column: mark.column + origin.column,
            location: path,
            id: nextID
        )
    }

    /// Only YAML's core tags (<https://yaml.org/spec/1.2.2/#103-core-schema>), which change nothing here.
    private mutating func accepts(_ tag: Tag, _ mark: Position, _ path: YAMLPath) -> Bool {
        let prefix = "tag:yaml.org,2002:"
        let name = tag.rawValue
        if name.isEmpty || name == "!" { return true }
        if name.hasPrefix(prefix),
            ["str", "seq", "map", "int", "bool", "float", "null"].contains(name.dropFirst(prefix.count))
        {
            return true
        }
        problems.append(problem(mark, at: path, "the tag \(quoted(name)) is not accepted", fix: "remove the tag"))
        return false
    }

    private static func style(_ style: Node.Scalar.Style) -> YAMLValue.ScalarStyle {
        switch style {
        case .plain, .any: .plain
        case .singleQuoted, .doubleQuoted: .quoted
        case .literal: .literal
        case .folded: .folded
        }
    }

    func problem(_ mark: Position, at path: YAMLPath? = nil, _ message: String, fix: String = "") -> YAMLProblem {
        YAMLProblem(
            file: origin.file,
            line: mark.line + origin.line,
            column: mark.column + origin.column,
            path: path?.text ?? origin.path,
            message: message,
            fix: fix
        )
    }

    /// libyaml's own words for what is wrong; never the snippet of the text that Yams would add.
    private func problem(for error: YamlError) -> YAMLProblem {
        let start = Position()
        switch error {
        case .parser(_, let problem, let mark, _) where problem.hasPrefix("Maximum nesting level"):
            return self.problem(Position(mark), "it is nested deeper than \(limits.depth) levels")
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let before = context.map { "\($0.text): " } ?? ""
            return self.problem(Position(mark), "it is no YAML: \(before)\(problem)")
        case .reader(let problem, _, _, _):
            return self.problem(start, "it is no YAML: \(problem)")
        case .duplicatedKeysInMapping(let keys, let context):
            let names = keys.prefix(5).map { quoted($0) }.joined(separator: ", ")
            return self.problem(
                Position(context.mark),
                "the key \(names) appears more than once in this mapping",
                fix: "keep one"
            )
        default:
            return problem(start, "it can't be read as YAML")
        }
    }
}

extension Position {
    fileprivate init(_ mark: Mark) {
        line = mark.line
        column = mark.column
    }
}
