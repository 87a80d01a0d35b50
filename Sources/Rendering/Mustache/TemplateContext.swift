// What a template sees while it is rendered: objects that the library asks for their parts.

import MountRequests
import Mustache
import Refusals
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// One rendering: how much room is left, and what went wrong first. After a failure nothing more is written.
final class TemplatePass {
    private(set) var failure: Refusal?
    private let ask: FileAsk
    private let escape: TemplateEscape
    private var room = FilePlan.mostBytes

    init(ask: FileAsk, escape: TemplateEscape) {
        self.ask = ask
        self.escape = escape
    }

    /// A value as the file holds it; empty, with the failure noted, when the file can't hold it.
    func written(_ text: String, of token: PlannedToken, _ what: String) -> String {
        guard failure == nil else { return "" }
        guard let escaped = escape.escaped(text) else {
            var refusal = Credential.unusable(token, MustacheFormat.name, "\(what) \(escape.objection)")
            refusal.fix = "choose another escape than \(escape.rawValue), or look at the store"
            note(refusal)
            return ""
        }
        room -= escaped.utf8.count
        guard room >= 0 else {
            note(FilePlan.tooLarge(ask.path))
            return ""
        }
        return escaped
    }

    /// The value of `body`; `nil`, with the failure noted, when it throws.
    func reading(_ body: () throws(Refusal) -> String) -> String? {
        do throws(Refusal) { return try body() } catch {
            note(error)
            return nil
        }
    }

    /// Notes a name that the checks ahead let through and that is not there: a defect, but no empty value.
    func noteUnknown() {
        note(Refusal(.defect, "the checked template of file \(Refusal.quoted(ask.path)) has an unknown name"))
    }

    private func note(_ refusal: Refusal) { failure = failure ?? refusal }
}

/// The template itself: `tokens`, and the parts of the only token where there is one.
struct RootNode: MustacheParent {
    let table: TokenTable
    let pass: TemplatePass

    func child(named name: String) -> Any? {
        if name == "tokens" { return table }
        if table.nodes.count == 1, let part = table.nodes[0].child(named: name) { return part }
        pass.noteUnknown()
        return nil
    }
}

/// All tokens of the file: a list for sections, and by their names.
struct TokenTable: MustacheParent, MustacheSequence {
    let nodes: [TokenNode]

    func makeIterator() -> IndexingIterator<[TokenNode]> { nodes.makeIterator() }
    func child(named name: String) -> Any? { nodes.first { $0.token.name == name } }
}

/// One token.
struct TokenNode: MustacheParent, CustomReflectable {
    let token: PlannedToken
    let issued: IssuedToken
    let pass: TemplatePass

    /// The library reads mirrors of what it does not know.
    var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }

    func child(named name: String) -> Any? {
        guard let field = TemplateField(rawValue: name) else { return nil }
        switch field {
        case .name: return value(token.name, "name")
        case .username: return value(pass.reading(username), "user name")
        case .password, .token: return value(pass.reading(password), "token")
        case .basic: return value(pass.reading(basic), "token")
        case .host: return value(token.host, "host")
        case .repository:
            return value(token.scope.repositories.count == 1 ? token.scope.repositories.first : nil, "repository")
        case .repositories: return token.scope.repositories.map { value($0, "repository") }
        case .expiresAt: return value(issued.expiresAt?.rfc3339, "end")
        case .expiresAtUnix: return value(issued.expiresAt.map { "\($0.epochSeconds)" }, "end")
        }
    }

    private func value(_ text: String?, _ what: String) -> TextNode {
        TextNode(text: text, token: token, what: what, pass: pass)
    }

    private func username() throws(Refusal) -> String {
        try Credential.username(issued, of: token, in: MustacheFormat.name)
    }

    private func password() throws(Refusal) -> String {
        try Credential.password(issued, of: token, in: MustacheFormat.name)
    }

    private func basic() throws(Refusal) -> String { base64Encoded("\(try username()):\(try password())") }
}

/// A text, or none. It is escaped on its way out, whichever tag asks for it.
struct TextNode: MustacheParent, MustacheCustomRenderable, MustacheTransformable, CustomReflectable {
    let text: String?
    let token: PlannedToken
    let what: String
    let pass: TemplatePass

    var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
    var renderText: String { text.map { pass.written($0, of: token, what) } ?? "" }
    var isNull: Bool { text == nil }

    func child(named name: String) -> Any? { nil }

    func transform(_ name: String) -> Any? {
        guard let function = TemplateFunction(rawValue: name) else { return nil }
        return TextNode(text: text.map { function($0) }, token: token, what: what, pass: pass)
    }
}

/// The UTF-8 bytes in base64.
func base64Encoded(_ text: String) -> String { Data(text.utf8).base64EncodedString() }

extension TemplateProblem {
    /// The refusal of the file.
    func refusal(for ask: FileAsk) -> Refusal {
        ask.invalid("template, line \(position.line), column \(position.column): \(message)", fix: fix)
    }
}
