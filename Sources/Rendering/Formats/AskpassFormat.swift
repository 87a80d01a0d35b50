// `askpass`: a program for GIT_ASKPASS, for builders whose git configuration can't be set.

import Refusals
import TokenStore

/// A shell script that answers git's two questions for its own hosts and no other.
///
/// The token is in the script: git runs it once for the name and once for the password, and a script that read another
/// file would have to find it and could break in between. It runs no program and reads nothing. Prompts are compared
/// whole, with no pattern: without the fix of CVE-2024-50349 (<https://nvd.nist.gov/vuln/detail/CVE-2024-50349>) git
/// shows the user name of the URL unescaped, so that a hostile submodule's URL can put our host in front of its own.
/// A prompt with a path (`credential.useHttpPath`) is therefore not answered; nor is one for another user's password.
struct AskpassFormat: FileFormat {
    static let name = "askpass"
    static let defaultMode = 0o555

    private let entries: [(token: PlannedToken, server: GitServer)]

    init(_ input: FormatInput) throws(Refusal) {
        var entries: [(token: PlannedToken, server: GitServer)] = []
        for token in input.tokens { entries.append((token, try input.gitServer(of: token))) }
        try input.refuseDuplicates(entries.map(\.server.origin), of: "host", fix: "ask for a file for each")
        self.entries = entries
    }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] {
        var lines = ["#!/bin/sh", "# Answers git's questions for its own hosts only.", "case $1 in"]
        for (entry, issued) in zip(entries, issued) {
            let credential = try Credential(issued, of: entry.token, in: Self.name, isASCII: true)
            let (scheme, host) = (entry.server.scheme, entry.server.host)
            // Without that fix git shows the user name as it is, with it percent-encoded, each byte in capitals.
            let users = Set([credential.username, PercentEncoding.encode(credential.username, uppercase: true)])
            let asksName = ["Username for '\(scheme)://\(host)': "]
            let asksPassword = users.sorted().map { "Password for '\(scheme)://\($0)@\(host)': " }
            lines.append(Self.branch(asksName, answer: credential.username))
            lines.append(Self.branch(asksPassword, answer: credential.password))
        }
        let hosts = entries.map(\.server.origin).joined(separator: " ")
        lines.append("*) echo \(ShellWord.quoted("askpass: no answer, this file is for \(hosts) only")) >&2; exit 1 ;;")
        lines.append("esac")
        return Array((lines.joined(separator: "\n") + "\n").utf8)
    }

    private static func branch(_ prompts: [String], answer: String) -> String {
        let patterns = prompts.map(ShellWord.quoted).joined(separator: "|")
        return "\(patterns)) printf '%s\\n' \(ShellWord.quoted(answer)) ;;"
    }
}
