// Takes a template apart into text and tags, by stricter rules than the library that renders it.

import Refusals

/// A place in a template: line and column, from 1.
struct TemplatePosition: Hashable {
    var line = 1
    var column = 1
}

/// What is wrong with a template, and where.
struct TemplateProblem: Error {
    var position: TemplatePosition
    var message: String
    var fix: String
}

/// A tag.
struct TemplateTag {
    enum Kind {
        /// `{{name}}`, or raw: `{{{name}}}` and `{{&name}}`.
        case value(isRaw: Bool)
        /// `{{#name}}`, or inverted: `{{^name}}`.
        case open(isInverted: Bool)
        /// `{{/name}}`.
        case close
    }

    var kind: Kind
    var name: TemplateName
    var position: TemplatePosition
}

/// What a tag names: a path, or a function of one.
struct TemplateName: Hashable {
    /// The name as it is written, without blanks.
    var text: String
    /// `url` in `url(password)`; `first` in `first()`.
    var function: String?
    /// The parts between the dots; `.` is one part, and `first()` has none.
    var path: [String]
}

enum TemplatePiece {
    case text(String)
    case tag(TemplateTag)
}

/// Reads a template. What it does not know for a harmless tag is refused: partials, inheritance, pragmas and other
/// delimiters among them.
struct TemplateScanner {
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var position = TemplatePosition()

    /// Whether a tag here would begin its line, and the same where each open section began. The library goes back to
    /// the latter after a section's end, whatever stands before that end on its line; so do we.
    private var isLineStart = true
    private var sectionLineStarts: [Bool] = []

    /// All pieces of a template, in order; comments are left out, and the blanks and the line end around a section's tag
    /// or a comment that the library takes to stand alone on its line.
    static func pieces(of template: String) throws(TemplateProblem) -> [TemplatePiece] {
        var scanner = TemplateScanner(scalars: Array(template.unicodeScalars))
        try scanner.checkCharacters(template)
        var pieces: [TemplatePiece] = []
        while scanner.index < scanner.scalars.count {
            let text = scanner.text()
            let tag = scanner.index < scanner.scalars.count ? try scanner.tag() : nil
            let kept = scanner.isStandalone(tag, after: text) ? text.withoutBlanksAtEnd : text[...]
            if !kept.isEmpty { pieces.append(.text(String(kept))) }
            if let tag { pieces.append(.tag(tag)) }
        }
        return pieces
    }

    private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

    /// Refuses control characters, and braces that are only a part of what the library takes for one character.
    private func checkCharacters(_ template: String) throws(TemplateProblem) {
        var here = TemplatePosition()
        func problem(_ message: String, _ fix: String) -> TemplateProblem {
            TemplateProblem(position: here, message: message, fix: fix)
        }
        for character in template {
            let isLineEnd = character == "\n" || character == "\r\n"
            for scalar in character.unicodeScalars where !isLineEnd && scalar != "\t" {
                guard scalar.properties.generalCategory != .control else {
                    throw problem("there is a control character", "use printable characters, tabs and line ends only")
                }
                // The library takes them for line ends, and programs do not.
                guard scalar != "\u{2028}", scalar != "\u{2029}" else {
                    throw problem("there is a line or paragraph separator of Unicode", "use ordinary line ends")
                }
            }
            let isCluster = character.unicodeScalars.count > 1
            guard !isCluster || !character.unicodeScalars.contains(where: { $0 == "{" || $0 == "}" }) else {
                throw problem("a brace is joined with a combining character", "remove the combining character")
            }
            here = isLineEnd ? TemplatePosition(line: here.line + 1) : here.advanced(by: character.unicodeScalars.count)
        }
    }

    private mutating func advance(_ count: Int) {
        for scalar in scalars[index..<index + count] {
            position = scalar == "\n" ? TemplatePosition(line: position.line + 1) : position.advanced(by: 1)
        }
        index += count
    }

    private func isAt(_ text: String, _ place: Int) -> Bool { scalars[place...].starts(with: text.unicodeScalars) }

    /// Whether the library takes the tag or comment before this place, which the text precedes, to stand alone on its
    /// line. The rest of that line is then skipped.
    private mutating func isStandalone(_ tag: TemplateTag?, after text: String.UnicodeScalarView) -> Bool {
        let beginning = text.withoutBlanksAtEnd
        let startsLine = beginning.isEmpty ? isLineStart : beginning.last == "\n"
        if case .value = tag?.kind {
            isLineStart = false
            return false
        }
        let isAlone = startsLine && skipLineEnd()
        switch tag?.kind {
        case .open: sectionLineStarts.append(isAlone)
        case .close:
            isLineStart = sectionLineStarts.popLast() ?? false
            return isAlone
        default: break
        }
        isLineStart = isAlone
        return isAlone
    }

    /// Skips blanks and a line end; `false` when something else stands there. The template's end is a line end too, but
    /// not after blanks.
    private mutating func skipLineEnd() -> Bool {
        if index == scalars.count { return true }
        var end = index
        while end < scalars.count, scalars[end] == " " || scalars[end] == "\t" { end += 1 }
        if end + 1 < scalars.count, scalars[end] == "\r", scalars[end + 1] == "\n" { end += 1 }
        guard end < scalars.count, scalars[end] == "\n" else { return false }
        advance(end + 1 - index)
        return true
    }

    /// The text up to the next tag or the end.
    private mutating func text() -> String.UnicodeScalarView {
        var end = index
        while end < scalars.count, !isAt("{{", end) { end += 1 }
        var text = String.UnicodeScalarView()
        text.append(contentsOf: scalars[index..<end])
        advance(end - index)
        return text
    }

    /// The tag that begins here; `nil` for a comment.
    private mutating func tag() throws(TemplateProblem) -> TemplateTag? {
        let begin = position
        func problem(_ message: String, _ fix: String) -> TemplateProblem {
            TemplateProblem(position: begin, message: message, fix: fix)
        }
        advance(2)
        let sigil = index < scalars.count ? scalars[index] : " "
        if let unknown = Self.refused[sigil] {
            throw problem(unknown, "write variables, sections and comments only")
        }
        if sigil == "!" {
            guard let end = (index..<scalars.count).first(where: { isAt("}}", $0) }) else {
                throw problem("the comment does not end", "end it with }}")
            }
            advance(end + 2 - index)
            return nil
        }
        let kind = Self.kinds[sigil]
        if kind != nil { advance(1) }
        let rest = scalars[index...].prefix { $0 != "\n" && $0 != "\r" }
        guard let end = rest.indices.first(where: { isAt("}}", $0) }) else {
            throw problem("the tag does not end", "end it with }} on its line")
        }
        let words = String(String.UnicodeScalarView(scalars[index..<end]))
        guard let name = TemplateName(words) else {
            let message = "\(Refusal.quoted(words.prefix(40))) is no name"
            throw problem(message, "write for example {{tokens.NAME.password}} or {{url(tokens.NAME.password)}}")
        }
        let closing = sigil == "{" ? "}}}" : "}}"
        guard isAt(closing, end) else { throw problem("the tag does not end", "end it with }}}") }
        advance(end + closing.unicodeScalars.count - index)
        return TemplateTag(kind: kind ?? .value(isRaw: false), name: name, position: begin)
    }

    private static let kinds: [Unicode.Scalar: TemplateTag.Kind] = [
        "{": .value(isRaw: true), "&": .value(isRaw: true), "#": .open(isInverted: false),
        "^": .open(isInverted: true), "/": .close,
    ]

    private static let refused: [Unicode.Scalar: String] = [
        ">": "partials ({{>...}}) are not taken", "<": "inheritance ({{<...}}) is not taken",
        "$": "blocks ({{$...}}) are not taken", "%": "pragmas ({{%...}}) are not taken",
        "=": "other delimiters ({{=...}}) are not taken",
    ]
}

extension TemplateName {
    /// Reads `a.b`, `.`, `f(a.b)` or `f()`; `nil` when it is none of them.
    init?(_ words: String) {
        let trimmed = words.unicodeScalars.drop(while: Self.isBlank).reversed().drop(while: Self.isBlank).reversed()
        text = String(String.UnicodeScalarView(trimmed))
        guard text.utf8.count <= 256, text.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        var inner = Substring(text)
        if let bracket = text.firstIndex(of: "("), text.hasSuffix(")") {
            let function = text[..<bracket]
            guard Self.isWord(function) else { return nil }
            self.function = String(function)
            inner = text[text.index(after: bracket)...].dropLast()
        }
        if inner == "." || function != nil && inner.isEmpty {
            path = inner.isEmpty ? [] : ["."]
            return
        }
        path = inner.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard path.allSatisfy({ Self.isWord($0[...]) }) else { return nil }
    }

    private static func isBlank(_ scalar: Unicode.Scalar) -> Bool { scalar == " " || scalar == "\t" }

    private static func isWord(_ text: Substring) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"): true
                default: false
                }
            }
    }
}

extension String.UnicodeScalarView {
    fileprivate var withoutBlanksAtEnd: Substring.UnicodeScalarView {
        guard let last = lastIndex(where: { $0 != " " && $0 != "\t" }) else { return self[startIndex..<startIndex] }
        return self[...last]
    }
}

extension TemplatePosition {
    fileprivate func advanced(by columns: Int) -> Self { Self(line: line, column: column + columns) }
}
