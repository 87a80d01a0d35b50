// A YAML value with its place in the text.

/// A value of a parsed YAML document: a mapping, a list or a scalar, and where it stands.
///
/// Aliases, merge keys, duplicate keys and tags of the writer's own are refused while parsing, so a value is a plain
/// tree. A scalar has no type of its own: what it means depends on what is asked for, and as text it is its text.
package struct YAMLValue: Sendable {
    /// The three kinds of value.
    package enum Content: Sendable {
        /// Keys and values, in the order of the text; keys are unique.
        case mapping([Entry])
        /// A list.
        case sequence([YAMLValue])
        /// A text, written plain or in quotes (or as a block).
        case scalar(String, style: ScalarStyle)
    }

    /// How a scalar was written.
    package enum ScalarStyle: Sendable, Hashable {
        /// Without quotes: `5` may be a number, `true` a truth value, nothing at all no value.
        case plain
        /// In quotes, or put in by ``mapScalars(_:)``: always text.
        case quoted
        /// As a `|` block, whose lines are lines of the file: always text.
        case literal
        /// As a `>` block: always text.
        case folded
    }

    /// A key of a mapping with its value.
    package struct Entry: Sendable {
        /// The key.
        package var key: String
        /// The key's line, from 1.
        package var line: Int
        /// The key's column, from 1.
        package var column: Int
        /// The value.
        package var value: YAMLValue
    }

    /// The value itself.
    package let content: Content
    /// The line, from 1.
    package let line: Int
    /// The column in Unicode scalars, from 1.
    package let column: Int

    let location: YAMLPath
    /// Tells the mappings of a document apart while decoding.
    let id: Int

    /// The name of the file, or of the parameter that holds the text.
    package var file: String { location.file }
    /// The place in the tree, for example `grants[1].allow.permissions`; empty at the root.
    package var path: String { location.text }

    /// The keys and values when it is a mapping.
    package var entries: [Entry]? {
        if case .mapping(let entries) = content { entries } else { nil }
    }

    /// The elements when it is a list.
    package var elements: [YAMLValue]? {
        if case .sequence(let elements) = content { elements } else { nil }
    }

    /// The text when it is a scalar, whatever its style.
    package var text: String? {
        if case .scalar(let text, _) = content { text } else { nil }
    }

    /// Whether it stands for "no value": nothing, `null` or `~`, not in quotes.
    package var isNull: Bool {
        guard case .scalar(let text, .plain) = content else { return false }
        return text.isEmpty || text == "null" || text == "~"
    }

    /// The value of a key when it is a mapping that has it.
    package subscript(key: String) -> YAMLValue? { entries?.first { $0.key == key }?.value }

    /// The keys and values.
    ///
    /// - Throws: ``YAMLProblems`` when it is no mapping.
    package func mapping() throws(YAMLProblems) -> [Entry] {
        guard let entries else { throw YAMLProblems(mistyped("a mapping (key: value)")) }
        return entries
    }

    /// The elements.
    ///
    /// - Throws: ``YAMLProblems`` when it is no list.
    package func sequence() throws(YAMLProblems) -> [YAMLValue] {
        guard let elements else { throw YAMLProblems(mistyped("a list")) }
        return elements
    }

    /// A problem with this value.
    package func problem(_ message: String, fix: String = "") -> YAMLProblem {
        YAMLProblem(file: file, line: line, column: column, path: path, message: message, fix: fix)
    }

    /// A problem with a key of this mapping; its place is the key's.
    package func problem(withKey key: String, _ message: String, fix: String = "") -> YAMLProblem {
        guard let entry = entries?.first(where: { $0.key == key }) else { return problem(message, fix: fix) }
        return problem(with: entry, message, fix: fix)
    }

    /// A problem with an entry of this mapping; its place is the key's. It searches nothing: a tenant decides how many
    /// keys there are.
    package func problem(with entry: Entry, _ message: String, fix: String = "") -> YAMLProblem {
        YAMLProblem(
            file: file,
            line: entry.line,
            column: entry.column,
            path: path,
            message: message,
            fix: fix
        )
    }

    /// A copy in which every scalar value (never a key) is what `transform` makes of its text. Places stay; a scalar
    /// that changes is text from then on: it is not read as YAML again and is never a number, a truth value or null.
    package func mapScalars<Failure: Error>(
        _ transform: (_ text: String, _ value: YAMLValue) throws(Failure) -> String
    ) throws(Failure) -> YAMLValue {
        switch content {
        case .scalar(let text, _):
            let changed = try transform(text, self)
            return changed == text ? self : with(.scalar(changed, style: .quoted))
        case .sequence(let elements):
            var mapped: [YAMLValue] = []
            mapped.reserveCapacity(elements.count)
            for element in elements { mapped.append(try element.mapScalars(transform)) }
            return with(.sequence(mapped))
        case .mapping(var entries):
            for index in entries.indices { entries[index].value = try entries[index].value.mapScalars(transform) }
            return with(.mapping(entries))
        }
    }

    private func with(_ content: Content) -> YAMLValue {
        YAMLValue(content: content, line: line, column: column, location: location, id: id)
    }

    /// How much of a scalar a problem shows.
    enum Shown {
        /// That it is a text.
        case kind
        /// The text.
        case text
        /// The text, and that it is in quotes where that is what is wrong with it.
        case textAndStyle
    }

    /// The problem that this value is not what was expected. The text of a scalar is shown on demand only.
    func mistyped(_ expected: String, showing shown: Shown = .kind, fix: String = "") -> YAMLProblem {
        problem("expected \(expected), found \(found(shown))", fix: fix)
    }

    private func found(_ shown: Shown) -> String {
        switch content {
        case .mapping: return "a mapping"
        case .sequence: return "a list"
        case .scalar(let text, let style):
            if style == .plain, text.isEmpty { return "nothing" }
            if shown == .kind { return "text" }
            return "the text \(quoted(text))" + (shown == .textAndStyle && style != .plain ? " in quotes" : "")
        }
    }
}
