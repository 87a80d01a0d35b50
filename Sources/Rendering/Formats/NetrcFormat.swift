// `netrc`: for curl, pip, Go and other tools that know no credential helper.

import Refusals
import TokenStore

/// A line `machine host login user password token` for each token
/// (<https://everything.curl.dev/usingcurl/netrc.html>).
///
/// The file has no notion of ports, schemes and paths: a token is sent to every port of its host. There is no escaping
/// that all readers share, so a user name or token with a space, quote or backslash is refused.
struct NetrcFormat: FileFormat {
    static let name = "netrc"

    private let entries: [(token: PlannedToken, machine: String)]

    init(_ input: FormatInput) throws(Refusal) {
        var entries: [(token: PlannedToken, machine: String)] = []
        for token in input.tokens {
            let host = HostName.withoutPort(try input.host(of: token))
            guard token.hostCredential == .basic else {
                let rule = "the token \(Refusal.quoted(token.name)) is no password, and a netrc holds passwords only"
                throw input.ask.invalid(rule, fix: "use docker-config, or the format token")
            }
            entries.append((token, host.replacing("[", with: "").replacing("]", with: "")))
        }
        let fix = "a netrc can't tell them apart (it has no ports); ask for a file for each"
        try input.refuseDuplicates(entries.map(\.machine), of: "host", fix: fix)
        self.entries = entries
    }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] {
        var text = ""
        for (entry, issued) in zip(entries, issued) {
            let credential = try Credential(issued, of: entry.token, in: Self.name)
            guard credential.username != RegistryEntry.identityUsername else {
                throw Credential.unusable(entry.token, Self.name, "token is an identity token, and no password")
            }
            guard Self.isPlain(credential.username), Self.isPlain(credential.password) else {
                let what = "user name or token holds a space, a quote, a backslash, a leading # or non-ASCII text"
                throw Credential.unusable(entry.token, Self.name, what)
            }
            text += "machine \(entry.machine) login \(credential.username) password \(credential.password)\n"
        }
        return Array(text.utf8)
    }

    private static func isPlain(_ text: String) -> Bool {
        text.utf8.first != UInt8(ascii: "#")
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\"'\\".utf8.contains($0) }
    }
}
