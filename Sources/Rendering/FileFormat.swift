// What a file format is, and the list of all of them. A new format is one type and one line here.

import MountRequests
import Refusals
import TokenStore

/// A way to write tokens into a file. A value is one file that passed its checks; what it checks needs no token.
protocol FileFormat: Sendable {
    /// The word for it in `files`.
    static var name: String { get }
    /// The mode of a file whose ask has none.
    static var defaultMode: Int { get }
    /// The options of ``FileAsk`` that it takes.
    static var options: Set<FileOption> { get }

    /// Checks what can be checked before a token is minted.
    init(_ input: FormatInput) throws(Refusal)

    /// How many bytes of the file are known before a token is there.
    var plannedBytes: Int { get }

    /// The file's bytes, from the issued tokens in the order of ``FormatInput/tokens``.
    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8]
}

extension FileFormat {
    static var defaultMode: Int { 0o444 }
    static var options: Set<FileOption> { [] }
    var plannedBytes: Int { 0 }
}

/// The options of a file that only some formats take.
enum FileOption: String, CaseIterable {
    case scope, mountPath, rewriteSSH, merge, template, escape

    func isSet(in ask: FileAsk) -> Bool {
        switch self {
        case .scope: ask.scope != nil
        case .mountPath: ask.mountPath != nil
        case .rewriteSSH: ask.rewriteSSH != nil
        case .merge: ask.merge != nil
        case .template: ask.template != nil
        case .escape: ask.escape != nil
        }
    }
}

enum FileFormats {
    /// Every format.
    static let all: [any FileFormat.Type] = [
        GitConfigFormat.self, GitCredentialFormat.self, GitCredentialsFormat.self, NetrcFormat.self, AskpassFormat.self,
        DockerConfigFormat.self, ContainersAuthFormat.self, TokenFormat.self, UsernameFormat.self, PasswordFormat.self,
        EnvFormat.self, JSONFormat.self, ExpiryFormat.self, MustacheFormat.self,
    ]

    static func named(_ name: String) -> (any FileFormat.Type)? { all.first { $0.name == name } }

    static func unknown(_ ask: FileAsk) -> Refusal {
        let names = all.map { $0.name }
        let hint = Suggestion.nearest(to: ask.format, in: names).map { "did you mean \($0)? " } ?? ""
        let fix = "\(hint)formats: \(names.joined(separator: ", "))"
        return ask.invalid("there is no format \(Refusal.quoted(ask.format))", fix: fix)
    }
}

extension FileAsk {
    /// A refusal that names this file.
    func invalid(_ rule: String, fix: String) -> Refusal {
        Refusal(.fileInvalid, "file \(Refusal.quoted(path)): \(rule)", fix: fix)
    }
}
