// The files of one Mount: checked whole before anything is minted, rendered when the tokens are there.

package import MountRequests
package import Refusals
package import TokenStore

/// The files that a tenant asks for, after every check that needs no token.
///
/// Pure: no clock, no I/O. Equal tokens give equal bytes, because an answer that changes without need makes the driver
/// write the volume again.
package struct FilePlan: Sendable {
    private struct File: Sendable {
        let path: String
        let mode: Int
        let tokens: [String]
        let format: any FileFormat
    }

    private let files: [File]

    /// The most bytes of all files together: a tmpfs is memory, and the driver takes no answer above 4 MiB.
    static let mostBytes = 1 << 20

    /// Checks paths, modes, formats, options and tokens, and what the files need of each other.
    ///
    /// - Throws: the first of ``problems(_:tokens:)``.
    package init(_ files: [FileAsk], tokens: [PlannedToken]) throws(Refusal) {
        let (planned, problems) = Self.plan(files, tokens: tokens)
        if let first = problems.first { throw first }
        guard planned.count == files.count else {
            throw Refusal(.defect, "files are planned before all attributes are known")
        }
        self.files = planned
    }

    /// Everything that is wrong with the files, in the order of the files; empty when ``init(_:tokens:)`` succeeds.
    ///
    /// What is still to come from an attribute (``FileAsk/symbolic``), and what hangs on it, is not judged.
    package static func problems(_ files: [FileAsk], tokens: [PlannedToken]) -> [Refusal] {
        plan(files, tokens: tokens).problems
    }

    /// Makes the files, in the order in which they were asked for.
    ///
    /// - Parameter issued: every planned token that a file uses, by its name.
    /// - Throws: ``Refusal`` with `StoreAnswerUnusable` when a user name or token can't be written in a format, with `FileInvalid`
    ///   when the files are too large together.
    package func render(_ issued: [String: IssuedToken]) throws(Refusal) -> [RenderedFile] {
        var rendered: [RenderedFile] = []
        var size = 0
        for file in files {
            var tokens: [IssuedToken] = []
            for name in file.tokens {
                guard let token = issued[name] else {
                    throw Refusal(.defect, "the token \(Refusal.quoted(name)) was planned but never issued")
                }
                tokens.append(token)
            }
            let contents = try file.format.contents(tokens)
            size += contents.count
            guard size <= Self.mostBytes else { throw Self.tooLarge(file.path) }
            rendered.append(RenderedFile(path: file.path, mode: file.mode, contents: contents))
        }
        return rendered
    }

    private static func plan(_ asks: [FileAsk], tokens: [PlannedToken]) -> (files: [File], problems: [Refusal]) {
        guard !asks.isEmpty else {
            let fix = "list at least one, for example { path: token, format: token, tokens: [source] }"
            return ([], [Refusal(.parameterMissing, "\"files\" is empty", fix: fix)])
        }
        var files: [File] = []
        var problems: [Refusal] = []
        var size = 0
        for (index, ask) in asks.enumerated() {
            do throws(Refusal) {
                try checkPath(ask, after: asks[..<index])
                guard let file = try plan(ask, among: asks, tokens: tokens) else { continue }
                size += file.format.plannedBytes
                guard size <= mostBytes else { throw tooLarge(ask.path) }
                files.append(file)
            } catch {
                problems.append(error)
            }
        }
        return (files, problems)
    }

    private static func plan(
        _ ask: FileAsk,
        among asks: [FileAsk],
        tokens: [PlannedToken]
    ) throws(Refusal) -> File? {
        if ask.symbolic.contains(.format) { return nil }
        guard let format = FileFormats.named(ask.format) else { throw FileFormats.unknown(ask) }
        let mode = try checkMode(ask, format: format)
        try checkOptions(ask, format: format)
        if ask.symbolic.contains(.tokens) || tokens.contains(where: { AttributeReference.isOne($0.name) }) {
            return nil
        }
        let input = FormatInput(ask: ask, tokens: try resolve(ask, tokens: tokens), files: asks)
        if ask.symbolic.isEmpty, !needsMore(format, asks) {
            return File(path: ask.path, mode: mode, tokens: ask.tokens, format: try format.init(input))
        }
        if let judged = withoutSymbolic(input, format) { _ = try format.init(judged) }
        return nil
    }

    /// The input with only those options that are known; `nil` where the rest hangs on what is not.
    private static func withoutSymbolic(_ input: FormatInput, _ format: any FileFormat.Type) -> FormatInput? {
        var ask = input.ask
        if needsMore(format, input.files) || ask.symbolic.contains(.scope) && input.tokens.count > 1 { return nil }
        if !ask.symbolic.isDisjoint(with: [.template, .escape]) { return nil }
        if ask.symbolic.contains(.scope) { ask.scope = nil }
        if ask.symbolic.contains(.mountPath) { ask.mountPath = nil }
        if ask.symbolic.contains(.merge) { ask.merge = nil }
        return FormatInput(ask: ask, tokens: input.tokens, files: input.files)
    }

    /// Whether a format looks for another file that may be among those that are not known yet.
    private static func needsMore(_ format: any FileFormat.Type, _ asks: [FileAsk]) -> Bool {
        guard format == GitConfigFormat.self else { return false }
        return asks.contains { !$0.symbolic.isDisjoint(with: [.path, .format, .tokens]) }
    }

    static func tooLarge(_ path: String) -> Refusal {
        let rule = "with it the files are larger than \(mostBytes) bytes together"
        let fix = "ask for fewer files, tokens or repositories, or shorten merge"
        return Refusal(.fileInvalid, "file \(Refusal.quoted(path)): \(rule)", fix: fix)
    }

    private static func checkPath(_ ask: FileAsk, after earlier: ArraySlice<FileAsk>) throws(Refusal) {
        if ask.symbolic.contains(.path) { return }
        if let problem = VolumePath.problem(with: ask.path) {
            throw ask.invalid(problem.rule, fix: problem.fix)
        }
        for other in earlier where !other.symbolic.contains(.path) {
            if VolumePath.isSame(other.path, ask.path) {
                throw ask.invalid("the path is asked for twice", fix: "name each file once")
            }
            if VolumePath.isFolder(ask.path, of: other.path) || VolumePath.isFolder(other.path, of: ask.path) {
                let rule = "it clashes with \(Refusal.quoted(other.path)): one would be a file and a folder at once"
                throw ask.invalid(rule, fix: "rename one of them")
            }
        }
    }

    private static func checkMode(_ ask: FileAsk, format: any FileFormat.Type) throws(Refusal) -> Int {
        guard let mode = ask.mode else { return format.defaultMode }
        guard (1...0o777).contains(mode) else {
            let shown = mode < 0 ? String(mode) : octal(mode)
            throw ask.invalid("the mode \(shown) is not between 0001 and 0777", fix: "leave it out, or write 0444")
        }
        guard mode & 0o444 != 0 else {
            throw ask.invalid("nobody can read a file of mode \(octal(mode))", fix: "leave it out, or write 0444")
        }
        guard format.defaultMode & 0o111 == 0 || mode & 0o111 != 0 else {
            let rule = "git runs an \(format.name) file, and mode \(octal(mode)) lets nobody run it"
            throw ask.invalid(rule, fix: "leave the mode out, or write 0555")
        }
        return mode
    }

    private static func checkOptions(_ ask: FileAsk, format: any FileFormat.Type) throws(Refusal) {
        for option in FileOption.allCases where option.isSet(in: ask) && !format.options.contains(option) {
            let takers = FileFormats.all.filter { $0.options.contains(option) }.map { $0.name }
            let rule = "the format \(format.name) has no \(option.rawValue)"
            throw ask.invalid(rule, fix: "leave it out (it belongs to \(takers.joined(separator: " and ")))")
        }
    }

    private static func resolve(_ ask: FileAsk, tokens: [PlannedToken]) throws(Refusal) -> [PlannedToken] {
        let names = tokens.map(\.name)
        guard !ask.tokens.isEmpty else {
            let known = names.map { Refusal.quoted($0) }.joined(separator: ", ")
            throw ask.invalid("it names no token", fix: "write tokens: [name]; the request's tokens: \(known)")
        }
        var resolved: [PlannedToken] = []
        for name in ask.tokens {
            guard let token = tokens.first(where: { $0.name == name }) else {
                let known = names.map { Refusal.quoted($0) }.joined(separator: ", ")
                let hint = Suggestion.nearest(to: name, in: names).map { "did you mean \(Refusal.quoted($0))? " } ?? ""
                throw ask.invalid("there is no token \(Refusal.quoted(name))", fix: "\(hint)known tokens: \(known)")
            }
            guard !resolved.contains(where: { $0.name == name }) else {
                throw ask.invalid("it names the token \(Refusal.quoted(name)) twice", fix: "name it once")
            }
            resolved.append(token)
        }
        return resolved
    }
}
