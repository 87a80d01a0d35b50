// `mustache`: a tenant's template for any other file (npmrc, pip.conf, settings.xml).

import MountRequests
import Mustache
import Refusals
import TokenStore

/// A text with values put in: Mustache's variables, sections, inverted sections and comments
/// (<https://mustache.github.io/mustache.5.html>), and two functions, `url(...)` and `base64(...)`.
///
/// Every value goes through ``TemplateEscape``, whichever tag it stands in. Names, places and the size are checked by
/// ``TemplateChecks`` before a token is minted.
struct MustacheFormat: FileFormat {
    static let name = "mustache"
    static let options: Set<FileOption> = [.template, .escape]

    let plannedBytes: Int
    private let ask: FileAsk
    private let tokens: [PlannedToken]
    private let escape: TemplateEscape
    private let template: MustacheTemplate

    init(_ input: FormatInput) throws(Refusal) {
        ask = input.ask
        tokens = input.tokens
        guard let text = ask.template else {
            let fix = "write template: | and the text under it"
            throw ask.invalid("the format mustache needs a template", fix: fix)
        }
        escape = try Self.escape(of: ask)
        do throws(TemplateProblem) {
            plannedBytes = try TemplateChecks.size(of: text, escape: escape, tokens: tokens)
        } catch {
            throw error.refusal(for: ask)
        }
        // A line of its own leaves no trace. It keeps the library from escaping for HTML; we escape ourselves.
        guard let template = try? MustacheTemplate(string: "{{% CONTENT_TYPE: TEXT}}\n" + text) else {
            throw ask.invalid("the template can't be read", fix: "look for a { at its end, or a tag that is not closed")
        }
        self.template = template
    }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] {
        let pass = TemplatePass(ask: ask, escape: escape)
        let nodes = zip(tokens, issued).map { TokenNode(token: $0, issued: $1, pass: pass) }
        let text = template.render(RootNode(table: TokenTable(nodes: nodes), pass: pass))
        if let failure = pass.failure { throw failure }
        return Array(text.utf8)
    }

    private static func escape(of ask: FileAsk) throws(Refusal) -> TemplateEscape {
        let words = TemplateEscape.allCases.map(\.rawValue)
        guard let word = ask.escape else {
            let fix = "write escape: with what kind of file it is: \(words.joined(separator: ", "))"
            throw ask.invalid("the format mustache needs an escape", fix: fix)
        }
        if let escape = TemplateEscape(rawValue: word) { return escape }
        let hint = Suggestion.nearest(to: word, in: words).map { "did you mean \($0)? " } ?? ""
        let fix = "\(hint)known: \(words.joined(separator: ", "))"
        throw ask.invalid("there is no escape \(Refusal.quoted(word))", fix: fix)
    }
}
