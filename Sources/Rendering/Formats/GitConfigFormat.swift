// `gitconfig`: makes git take the token from the credential file beside it, for its own host or repositories only.

import MountRequests
import Refusals
import TokenStore

/// A git configuration that holds no token.
///
/// First it clears the helpers of other configuration files: repo2docker's system-wide helper, for example, answers any
/// host, so that a submodule of a hostile server would get the token. Then each section, for one host or one
/// repository, adds a helper that prints the `git-credential` file of the same volume. The helper answers `get` only:
/// `store --file` would try to lock a file on the read-only volume after each success. The volume's path in the
/// container is not known here, so the helper looks where git found this file; `mountPath` says it outright.
///
/// It sets no `core.askPass` and turns no prompt off. In a build there is no terminal, so git fails at once where it
/// has no credential; where a person works in a shell, prompts for other hosts go on.
struct GitConfigFormat: FileFormat {
    static let name = "gitconfig"
    static let options: Set<FileOption> = [.scope, .mountPath, .rewriteSSH]

    /// The whole file: no token is in it, so it is made ahead.
    private let text: String

    init(_ input: FormatInput) throws(Refusal) {
        let ask = input.ask
        let scope = try Self.scope(of: ask)
        if let mountPath = ask.mountPath { try Self.check(mountPath: mountPath, of: ask) }

        var servers: [GitServer] = []
        for token in input.tokens { servers.append(try input.gitServer(of: token)) }
        try Self.checkKeys(input, servers: servers, scope: scope)

        var lines = ["[credential]", "\thelper ="]
        var size = 0
        for (token, server) in zip(input.tokens, servers) {
            let file = try Self.credentialFile(for: token, input)
            let helper = Self.helper(for: file, ask: ask)
            for url in Self.urls(of: token, server: server, scope: scope) {
                try Self.checkText(url, of: ask)
                size += url.utf8.count + helper.utf8.count
                guard size <= FilePlan.mostBytes else { throw FilePlan.tooLarge(ask.path) }
                lines.append("[credential \"\(url)\"]")
                if scope == .repository { lines.append("\tuseHttpPath = true") }
                lines.append("\thelper = \"\(Self.escaped(helper))\"")
            }
        }
        if ask.rewriteSSH == true { lines += try Self.rewrites(input, servers: servers) }
        text = lines.joined(separator: "\n") + "\n"
    }

    var plannedBytes: Int { text.utf8.count }

    func contents(_ issued: [IssuedToken]) -> [UInt8] { Array(text.utf8) }

    // MARK: - Sections

    private enum Scope: String, CaseIterable { case host, repository }

    private static func scope(of ask: FileAsk) throws(Refusal) -> Scope {
        guard let word = ask.scope else { return .host }
        if let scope = Scope(rawValue: word) { return scope }
        let hint = Suggestion.nearest(to: word, in: Scope.allCases.map(\.rawValue)).map { "did you mean \($0)? " } ?? ""
        throw ask.invalid("there is no scope \(Refusal.quoted(word))", fix: "\(hint)write host or repository")
    }

    /// The URLs that git compares with what it fetches. It compares paths by whole elements, so that `o/r` covers
    /// `o/r/info/lfs` but not `o/r.git` (<https://git-scm.com/docs/git-config>, `http.<url>.*`): both are written.
    private static func urls(of token: PlannedToken, server: GitServer, scope: Scope) -> [String] {
        switch scope {
        case .host: [server.origin]
        case .repository: token.scope.repositories.flatMap { ["\(server.origin)/\($0)", "\(server.origin)/\($0).git"] }
        }
    }

    private static func checkKeys(_ input: FormatInput, servers: [GitServer], scope: Scope) throws(Refusal) {
        switch scope {
        case .host:
            let fix = "write scope: repository, or ask for a gitconfig for each"
            try input.refuseDuplicates(servers.map(\.origin), of: "host", fix: fix)
        case .repository:
            var owners: [String: PlannedToken] = [:]
            for (token, server) in zip(input.tokens, servers) {
                guard !token.scope.repositories.isEmpty else {
                    let rule = "the token \(Refusal.quoted(token.name)) names no repository"
                    throw input.ask.invalid(rule, fix: "name its repositories, or write scope: host")
                }
                for repository in token.scope.repositories {
                    guard let other = owners.updateValue(token, forKey: "\(server.origin)/\(repository)") else {
                        continue
                    }
                    let names = "\(Refusal.quoted(other.name)) and \(Refusal.quoted(token.name))"
                    let rule = "the tokens \(names) share the repository \(Refusal.quoted(repository))"
                    throw input.ask.invalid(rule, fix: "ask for a gitconfig for each")
                }
            }
        }
    }

    // MARK: - The helper

    /// The path of the file that holds a token's credential: one in the same folder first.
    private static func credentialFile(for token: PlannedToken, _ input: FormatInput) throws(Refusal) -> String {
        let candidates = input.files.filter { $0.format == GitCredentialFormat.name && $0.tokens == [token.name] }
            .map { (path: $0.path, relative: VolumePath.relative($0.path, toFolderOf: input.ask.path)) }
        if let found = candidates.first(where: { !$0.relative.utf8.contains(UInt8(ascii: "/")) }) ?? candidates.first {
            try checkText(found.path, of: input.ask)
            return found.path
        }
        let folder = VolumePath.elements(of: input.ask.path).dropLast().map { "\($0)/" }.joined()
        let plain = "\(folder)git-credential"
        let path = input.files.contains { $0.path == plain } ? "\(plain)-\(token.name)" : plain
        let line =
            "- { path: \(Refusal.quoted(path)), format: git-credential, tokens: [\(Refusal.quoted(token.name))] }"
        let rule = "no git-credential file holds its token \(Refusal.quoted(token.name))"
        throw input.ask.invalid(rule, fix: "add to files: \(line)")
    }

    /// The helper as git hands it to `sh`: <https://git-scm.com/docs/gitcredentials#_custom_helpers>.
    ///
    /// git found this file as `$GIT_CONFIG_GLOBAL`, else as `~/.gitconfig` or `$XDG_CONFIG_HOME/git/config`; which of
    /// those two, its name tells. There is one candidate only, never a search: the next volume's `git-credential` may
    /// be for another host.
    private static func helper(for file: String, ask: FileAsk) -> String {
        let find: String
        if let mountPath = ask.mountPath {
            let folder = mountPath == "/" ? "" : mountPath
            find = "cat \(ShellWord.quoted("\(folder)/\(file)"))"
        } else {
            let isXDG = VolumePath.elements(of: ask.path).last == "config"
            let usual = isXDG ? "${XDG_CONFIG_HOME:-$HOME/.config}/git/config" : "$HOME/.gitconfig"
            let relative = ShellWord.quoted(VolumePath.relative(file, toFolderOf: ask.path))
            find = "g=${GIT_CONFIG_GLOBAL:-\(usual)}; cat \"${g%/*}\"/\(relative)"
        }
        return "!f() { test \"$1\" = get || return 0; \(find); }; f"
    }

    /// A value between double quotes: <https://git-scm.com/docs/git-config#_syntax>.
    private static func escaped(_ value: String) -> String {
        value.unicodeScalars.reduce(into: "") { escaped, scalar in
            if scalar == "\\" || scalar == "\"" { escaped.unicodeScalars.append("\\") }
            escaped.unicodeScalars.append(scalar)
        }
    }

    // MARK: - SSH URLs

    private static func rewrites(_ input: FormatInput, servers: [GitServer]) throws(Refusal) -> [String] {
        var hosts: [String] = []
        for server in servers { hosts.append(HostName.withoutPort(server.host)) }
        let origins = Set(servers.map(\.origin))
        guard Set(hosts).count == origins.count else {
            let rule = "rewriteSSH can't tell two servers of one host apart, because an SSH URL names no HTTP port"
            throw input.ask.invalid(rule, fix: "ask for a gitconfig for each")
        }
        return zip(hosts, servers).reduce(into: [String]()) { lines, pair in
            let section = "[url \"\(pair.1.origin)/\"]"
            guard !lines.contains(section) else { return }
            lines += [section, "\tinsteadOf = \"git@\(pair.0):\"", "\tinsteadOf = \"ssh://git@\(pair.0)/\""]
        }
    }

    // MARK: - What may be written

    private static func check(mountPath: String, of ask: FileAsk) throws(Refusal) {
        let shown = "mountPath \(Refusal.quoted(mountPath))"
        let isPlain = mountPath == "/" || VolumePath.problem(with: String(Substring(mountPath.utf8.dropFirst()))) == nil
        guard mountPath.utf8.first == UInt8(ascii: "/"), isPlain else {
            throw ask.invalid(
                "\(shown) is no plain absolute path",
                fix: "write the container's mountPath as it is there"
            )
        }
        try checkText(mountPath, of: ask)
    }

    /// Quotes, backslashes and control characters could end a value or a section and begin another.
    private static func checkText(_ text: String, of ask: FileAsk) throws(Refusal) {
        let isBad = { (scalar: Unicode.Scalar) in
            scalar.properties.generalCategory == .control || "\"'\\`".unicodeScalars.contains(scalar)
        }
        guard text.unicodeScalars.contains(where: isBad) else { return }
        let rule = "\(Refusal.quoted(text)) holds a quote, a backslash or a control character, which no gitconfig may"
        throw ask.invalid(rule, fix: "use a name without them")
    }
}
