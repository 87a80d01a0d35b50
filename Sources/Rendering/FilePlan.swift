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

    /// Checks paths, modes, formats, options and tokens, and what the files need of each other.
    ///
    /// - Throws: the first of ``problems(_:tokens:)``.
    package init(_ files: [FileAsk], tokens: [PlannedToken]) throws(Refusal) {
        let (planned, problems) = Self.plan(files, tokens: tokens)
        if let first = problems.first { throw first }
        self.files = planned
    }

    /// Everything that is wrong with the files, in the order of the files; empty when ``init(_:tokens:)`` succeeds.
    package static func problems(_ files: [FileAsk], tokens: [PlannedToken]) -> [Refusal] {
        plan(files, tokens: tokens).problems
    }

    /// Makes the files, in the order in which they were asked for.
    ///
    /// - Parameter issued: every planned token that a file uses, by its name.
    /// - Throws: ``Refusal`` with `StoreAnswerUnusable` when a user name or token can't be written in a format.
    package func render(_ issued: [String: IssuedToken]) throws(Refusal) -> [RenderedFile] {
        var rendered: [RenderedFile] = []
        for file in files {
            var tokens: [IssuedToken] = []
            for name in file.tokens {
                guard let token = issued[name] else {
                    throw Refusal(.defect, "the token \(Refusal.quoted(name)) was planned but never issued")
                }
                tokens.append(token)
            }
            let contents = try file.format.contents(tokens)
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
        for (index, ask) in asks.enumerated() {
            do throws(Refusal) {
                try checkPath(ask, after: asks[..<index])
                files.append(try plan(ask, among: asks, tokens: tokens))
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
    ) throws(Refusal) -> File {
        guard let format = FileFormats.named(ask.format) else { throw FileFormats.unknown(ask) }
        let mode = try checkMode(ask, format: format)
        try checkOptions(ask, format: format)
        let input = FormatInput(ask: ask, tokens: try resolve(ask, tokens: tokens), files: asks)
        return File(path: ask.path, mode: mode, tokens: ask.tokens, format: try format.init(input))
    }

    private static func checkPath(_ ask: FileAsk, after earlier: ArraySlice<FileAsk>) throws(Refusal) {
        if let problem = VolumePath.problem(with: ask.path) {
            throw ask.invalid(problem.rule, fix: problem.fix)
        }
        for other in earlier {
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
