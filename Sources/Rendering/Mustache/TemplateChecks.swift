// Checks of a template that need no token: names, sections, places and size.

import Refusals
import TokenStore

/// Goes through a template as rendering will, with the meaning of every name but no value.
struct TemplateChecks {
    /// The most pieces (texts, values, sections) that a template may come to when its sections are repeated.
    static let mostSteps = 50_000
    /// How deep sections may be nested.
    static let mostDepth = 8

    private enum Meaning {
        case table
        /// One of these tokens.
        case token([Int])
        case text(TemplateField, of: [Int])
        case list(TemplateField, of: [Int])
        /// An element of a list.
        case element
        case flag
        /// A list that is empty.
        case nothing
    }

    /// An open section.
    private struct Frame {
        var tag: TemplateTag
        var meaning: Meaning
        /// How often its body may be repeated, with all that is around it.
        var times: Int
        var isIteration: Bool
        var place: TemplatePlace
        /// Whether its value is what names are looked up in.
        var isPushed: Bool
    }

    private let tokens: [PlannedToken]
    private let escape: TemplateEscape
    private var frames: [Frame] = []
    private var place: TemplatePlace
    private var steps = 0
    private var bytes = 0

    /// Checks a template.
    ///
    /// - Returns: how many bytes of text it comes to at most, without its values.
    static func size(
        of template: String,
        escape: TemplateEscape,
        tokens: [PlannedToken]
    ) throws(TemplateProblem) -> Int {
        var checks = TemplateChecks(tokens: tokens, escape: escape, place: escape.place)
        var usesValues = false
        for piece in try TemplateScanner.pieces(of: template) {
            switch piece {
            case .text(let text): checks.take(text)
            case .tag(let tag):
                usesValues = true
                try checks.take(tag)
            }
            guard checks.steps <= mostSteps else {
                let position = checks.frames.first?.tag.position ?? TemplatePosition()
                let message = "the sections repeat too much"
                throw TemplateProblem(position: position, message: message, fix: "nest fewer lists into each other")
            }
        }
        if let open = checks.frames.last?.tag {
            throw open.problem("the section is not closed", fix: "close it with {{/\(open.name.text)}}")
        }
        guard usesValues else {
            let fix = "write for example {{tokens.NAME.password}}; NAME is the token's name"
            throw TemplateProblem(position: TemplatePosition(), message: "the template uses no token", fix: fix)
        }
        return checks.bytes
    }

    private init(tokens: [PlannedToken], escape: TemplateEscape, place: TemplatePlace) {
        self.tokens = tokens
        self.escape = escape
        self.place = place
    }

    private var times: Int { frames.last?.times ?? 1 }

    /// Counts a piece. The bounds are far below what could overflow.
    private mutating func count(_ bytes: Int) {
        steps = min(steps + times, 1 << 40)
        self.bytes = min(self.bytes + bytes * times, 1 << 40)
    }

    private mutating func take(_ text: String) {
        count(text.utf8.count)
        place.take(text)
    }

    private mutating func take(_ tag: TemplateTag) throws(TemplateProblem) {
        count(0)
        switch tag.kind {
        case .value(let isRaw): try takeValue(tag, isRaw: isRaw)
        case .open(let isInverted): try open(tag, isInverted: isInverted)
        case .close: try close(tag)
        }
    }

    // MARK: Values

    private mutating func takeValue(_ tag: TemplateTag, isRaw: Bool) throws(TemplateProblem) {
        guard !isRaw || escape == .none else {
            let fix = "write {{\(tag.name.text)}}; with escape: none it is put in as it is"
            throw tag.problem("a value can't be left unescaped", fix: fix)
        }
        switch try meaning(of: tag) {
        case .text(let field, let which): try demand(field, of: which, tag)
        case .element: break
        case .list, .table, .nothing:
            let fix = "write a section: {{#\(tag.name.text)}}...{{/\(tag.name.text)}}"
            throw tag.problem("\(Refusal.quoted(tag.name.text)) is a list, and no text", fix: fix)
        case .token:
            let fix = "write one of its parts, for example {{\(tag.name.text).password}}"
            throw tag.problem("\(Refusal.quoted(tag.name.text)) is a token, and no text", fix: fix)
        case .flag:
            let fix = "write a section: {{#\(tag.name.text)}}...{{/\(tag.name.text)}}"
            throw tag.problem("\(Refusal.quoted(tag.name.text)) is true or false, and no text", fix: fix)
        }
        if let (message, fix) = place.objection { throw tag.problem(message, fix: fix) }
        place.takeValue()
    }

    /// Every token that the tag may stand for has the field, or a section around it asks for just that.
    private func demand(_ field: TemplateField, of which: [Int], _ tag: TemplateTag) throws(TemplateProblem) {
        let isGuarded = frames.contains { frame in
            if case .text(field, which) = frame.meaning { frame.isPushed } else { false }
        }
        guard !isGuarded, let lacking = which.first(where: { !field.exists(in: tokens[$0]) }) else { return }
        let name = Refusal.quoted(tokens[lacking].name)
        throw tag.problem("\(Refusal.quoted(tag.name.text)) is empty", fix: "the token \(name) \(field.absence)")
    }

    // MARK: Sections

    private mutating func open(_ tag: TemplateTag, isInverted: Bool) throws(TemplateProblem) {
        guard frames.count < Self.mostDepth else {
            throw tag.problem("sections are nested more than \(Self.mostDepth) deep", fix: "nest fewer")
        }
        let meaning = try meaning(of: tag)
        let count: Int =
            switch meaning {
            case .table: tokens.count
            case .list(_, let which): which.map { tokens[$0].scope.repositories.count }.max() ?? 0
            default: 1
            }
        if case .flag = meaning {
            guard frames.last(where: { $0.isPushed })?.isIteration == true else {
                throw tag.problem(
                    "\(Refusal.quoted(tag.name.text)) is known inside the section of a list only",
                    fix: "put it right into {{#tokens}}...{{/tokens}} or {{#repositories}}...{{/repositories}}"
                )
            }
        }
        let isList = if case .table = meaning { true } else if case .list = meaning { true } else { false }
        let isFlag = if case .flag = meaning { true } else { false }
        frames.append(
            Frame(
                tag: tag,
                meaning: isList && isInverted ? .nothing : meaning,
                times: isInverted ? times : min(times * max(count, 1), 1 << 30),
                isIteration: isList && !isInverted,
                place: place,
                // The library pushes an empty list too.
                isPushed: isList || !isInverted && !isFlag
            )
        )
    }

    private mutating func close(_ tag: TemplateTag) throws(TemplateProblem) {
        guard let frame = frames.popLast() else {
            throw tag.problem("no section is open here", fix: "remove {{/\(tag.name.text)}}")
        }
        let open = frame.tag
        guard open.name.text == tag.name.text else {
            let message = "the section \(Refusal.quoted(open.name.text)) of line \(open.position.line) is still open"
            throw tag.problem(message, fix: "close it first: {{/\(open.name.text)}}")
        }
        guard place.merge(with: frame.place) else {
            let message = "quotes that are opened in the section \(Refusal.quoted(open.name.text)) are not closed in it"
            throw tag.problem(message, fix: "open and close quotes on the same side of {{#...}}")
        }
        if frame.isIteration, let (message, fix) = place.objection(toRepeatingFrom: frame.place) {
            throw tag.problem(message, fix: fix)
        }
    }

    // MARK: Names

    private func meaning(of tag: TemplateTag) throws(TemplateProblem) -> Meaning {
        guard let function = tag.name.function else { return try meaning(of: tag.name.path, tag) }
        if tag.name.path.isEmpty, TemplateFlag(rawValue: function) != nil { return .flag }
        guard TemplateFunction(rawValue: function) != nil else {
            let known = TemplateFunction.allCases.map { "\($0.rawValue)(...)" } + ["first()", "last()"]
            let fix = "known: \(known.joined(separator: ", "))"
            throw tag.problem("there is no function \(Refusal.quoted(function))", fix: fix)
        }
        let meaning = try meaning(of: tag.name.path, tag)
        switch meaning {
        case .text, .element: return meaning
        default:
            let message = "\(Refusal.quoted(tag.name.path.joined(separator: "."))) is no text"
            throw tag.problem(message, fix: "write \(function)(...) around a text, for example \(function)(password)")
        }
    }

    private func meaning(of path: [String], _ tag: TemplateTag) throws(TemplateProblem) -> Meaning {
        let pushed = frames.filter(\.isPushed).reversed()
        if path == ["."] {
            // An element that is a token, or the template itself, is no text; a name says what of it is meant.
            switch pushed.first?.meaning {
            case .list: return .element
            case .text(let field, let which): return .text(field, of: which)
            default: throw tag.problem("\".\" is no text here", fix: "write what is meant, for example {{password}}")
            }
        }
        guard let first = path.first else {
            throw tag.problem("the name is empty", fix: "write for example {{url(tokens.NAME.password)}}")
        }
        let all = Array(tokens.indices)
        if let field = TemplateField(rawValue: first) {
            let scopes = pushed.compactMap { (frame: Frame) -> [Int]? in
                switch frame.meaning {
                case .table: all
                case .token(let which): which
                default: nil
                }
            }
            guard let which = scopes.first ?? (tokens.count == 1 ? all : nil) else {
                let fix = "write tokens.NAME.\(first), or put it into {{#tokens}}...{{/tokens}}"
                throw tag.problem("\(Refusal.quoted(first)) of which token? The file has \(tokens.count)", fix: fix)
            }
            return try meaning(of: field, which, path.dropFirst(), tag)
        }
        guard first == "tokens" else {
            let known = ["tokens"] + TemplateField.allCases.map(\.rawValue)
            throw unknown(first, among: known, tag)
        }
        guard path.count > 1 else { return .table }
        guard let index = tokens.firstIndex(where: { $0.name == path[1] }) else {
            throw unknown(path[1], among: tokens.map(\.name), tag)
        }
        guard path.count > 2 else { return .token([index]) }
        guard let field = TemplateField(rawValue: path[2]) else {
            throw unknown(path[2], among: TemplateField.allCases.map(\.rawValue), tag)
        }
        return try meaning(of: field, [index], path.dropFirst(3), tag)
    }

    private func meaning(
        of field: TemplateField,
        _ which: [Int],
        _ rest: ArraySlice<String>,
        _ tag: TemplateTag
    ) throws(TemplateProblem) -> Meaning {
        if let more = rest.first {
            let message = "\(Refusal.quoted(field.rawValue)) has no part \(Refusal.quoted(more))"
            throw tag.problem(message, fix: "end the name before it")
        }
        return field.isList ? .list(field, of: which) : .text(field, of: which)
    }

    private func unknown(_ name: String, among known: [String], _ tag: TemplateTag) -> TemplateProblem {
        let hint = Suggestion.nearest(to: name, in: known).map { "did you mean \($0)? " } ?? ""
        let shown = known.count > 16 ? known.prefix(16) + ["..."] : known[...]
        return tag.problem(
            "there is no \(Refusal.quoted(name)) in \(Refusal.quoted(tag.name.text))",
            fix: "\(hint)known: \(shown.joined(separator: ", "))"
        )
    }
}

extension TemplateTag {
    func problem(_ message: String, fix: String) -> TemplateProblem {
        TemplateProblem(position: position, message: message, fix: fix)
    }
}
