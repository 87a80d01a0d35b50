// Reading one entry of the `files` parameter.

import Refusals
import StrictYAML

extension FileAsk {
    private static let keys = Set(Key.allCases.map(\.rawValue))

    /// Reads `{ path, format, tokens, mode, scope, mountPath, rewriteSSH, merge, template, escape }`. Whether such a file
    /// can be made is for `Rendering` to say; here its tokens must exist.
    ///
    /// - Parameter tokens: the names of all tokens; `nil` when they are not known.
    init(_ value: YAMLValue, tokens names: [String]?, isSymbolic: Bool) throws(YAMLProblems) {
        var entry = try EntryReader(value, keys: Self.keys, isSymbolic: isSymbolic)
        let path = entry.text(entry.required("path"), limit: RequestLimits.pathBytes)
        let format = entry.text(entry.required("format"))
        let tokens = Self.tokens(&entry, names)
        let mode = Self.mode(&entry)
        let scope = entry.text(entry.optional("scope"))
        let mountPath = entry.text(entry.optional("mountPath"), limit: RequestLimits.pathBytes)
        let rewriteSSH = Self.rewriteSSH(&entry)
        let merge = entry.text(entry.optional("merge"), limit: RequestLimits.mergeBytes)
        let template = entry.text(entry.optional("template"), limit: RequestLimits.templateBytes)
        let escape = entry.text(entry.optional("escape"))
        let symbolic = Key.allCases.filter { Self.isStillToCome(entry.optional($0.rawValue), entry) }
        try entry.finish()
        self.init(
            path: path ?? "",
            format: format ?? "",
            tokens: tokens,
            mode: mode,
            scope: scope,
            mountPath: mountPath,
            rewriteSSH: rewriteSSH,
            merge: merge,
            template: template,
            escape: escape,
            symbolic: Set(symbolic)
        )
    }

    private static func isStillToCome(_ value: YAMLValue?, _ entry: EntryReader) -> Bool {
        guard let value, entry.isSymbolic else { return false }
        return (value.elements ?? [value]).contains { $0.text.map(entry.isStillToCome) ?? false }
    }

    private static func tokens(_ entry: inout EntryReader, _ names: [String]?) -> [String] {
        var tokens: [String] = []
        for element in entry.list(entry.required("tokens"), most: RequestLimits.tokens) ?? [] {
            guard let name = entry.text(element) else { continue }
            if tokens.contains(name) {
                entry.note(element.problem("this token is named twice", fix: "name it once"))
            } else if let names, !names.contains(name), !entry.isStillToCome(name),
                !names.contains(where: entry.isStillToCome)
            {
                let meant = closestWord(to: name, among: names).map { "did you mean \(Refusal.quoted($0))? " } ?? ""
                let fix = "\(meant)the tokens are: \(names.map { Refusal.quoted($0) }.joined(separator: ", "))"
                entry.note(element.problem("there is no token \(Refusal.quoted(name))", fix: fix))
            }
            tokens.append(name)
        }
        return tokens
    }

    private static func mode(_ entry: inout EntryReader) -> Int? {
        guard let value = entry.optional("mode"), let text = entry.text(value), !entry.isStillToCome(text) else {
            return nil
        }
        switch FileMode.read(text) {
        case .mode(let mode): return mode
        case .unclear(let fix):
            entry.note(value.problem("the mode can't be told for sure", fix: fix))
            return nil
        }
    }

    private static func rewriteSSH(_ entry: inout EntryReader) -> Bool? {
        guard let value = entry.optional("rewriteSSH"), !entry.isStillToCome(value.text ?? "") else { return nil }
        return entry.reading { () throws(YAMLProblems) in try value.bool() }
    }
}
