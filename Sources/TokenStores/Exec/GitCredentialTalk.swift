// The protocol of git's credential helpers (<https://git-scm.com/docs/git-credential#IOFMT>).

import TokenStore

/// Asks `get`, with the lines that git sends. No capability is announced: with `authtype` a helper could answer with
/// something else than a user name and a password, which the files of a build can't hold.
struct GitCredentialTalk: ExecTalk {
    let arguments = ["get"]

    private let scheme: String
    private let host: String
    private let path: ExecRepositoryPath
    private let username: String?
    private let failures: ProgramFailures

    init(
        _ service: TokenService,
        path: ExecRepositoryPath,
        username: String?,
        failures: ProgramFailures
    ) throws(TokenStoreError) {
        // The settings name at least one of the three.
        scheme = service.git?.scheme ?? "https"
        host = service.git?.host ?? service.registryHost ?? service.otherHost ?? ""
        self.path = path
        self.username = username
        self.failures = failures
        guard path == .none || service.git != nil else {
            throw TokenStoreError(
                .misconfigured,
                "repositoryPath is about git, and gitURL is not set",
                fix: "remove it"
            )
        }
    }

    func input(_ request: TokenRequest) throws(TokenStoreError) -> Secret {
        var lines = ["protocol=\(scheme)", "host=\(host)"]
        if path != .none {
            let repository = try AskChecks.onlyRepository(request.scope, source: failures.program)
            lines.append("path=\(repository)" + (path == .repositoryGit ? ".git" : ""))
        }
        if let username { lines.append("username=\(username)") }
        return Secret(utf8: lines.joined(separator: "\n") + "\n\n")
    }

    func credential(
        _ output: ProgramOutput,
        for request: TokenRequest
    ) throws(TokenStoreError) -> ForeignCredential {
        guard output.status == 0 else { throw failures.failed(output) }
        let answer = try GitCredentialAnswer(output.output, failures)
        if let token = answer["password"], !token.isEmpty {
            try checkPlace(answer)
            return ForeignCredential(
                username: answer["username"]?.revealText(),
                token: token,
                expiresAt: try expiry(answer["password_expiry_utc"])
            )
        }
        if answer["credential"] != nil {
            throw failures.unreadable("gives a credential of another type than a password, which it was not asked for")
        }
        if answer.isTrue("quit") {
            throw TokenStoreError(
                .refused,
                "\(failures.program) declines to give a credential for \(host) (quit)",
                fix: "see its own configuration"
            )
        }
        throw failures.nothing(for: host, fix: "let it store one, or check its environment (HOME above all)")
    }

    /// git takes over another host from an answer; here it would put a token for one host beside the name of another.
    private func checkPlace(_ answer: GitCredentialAnswer) throws(TokenStoreError) {
        let theirs = (answer["protocol"]?.revealText() ?? scheme, answer["host"]?.revealText().lowercased() ?? host)
        guard theirs == (scheme, host) else {
            throw failures.unreadable("answers for another host than \(scheme)://\(host)")
        }
    }

    private func expiry(_ value: Secret?) throws(TokenStoreError) -> UTCInstant? {
        guard let text = value?.revealText() else { return nil }
        guard let seconds = Int64(text), (0..<100_000_000_000).contains(seconds) else {
            throw failures.unreadable("gives a password_expiry_utc that is no number of seconds since 1970")
        }
        // git reads 0 as no expiry.
        return seconds == 0 ? nil : UTCInstant(epochSeconds: seconds)
    }
}

/// The attributes of an answer: lines of `key=value` up to an empty line or the end. Unknown keys are kept and ignored.
struct GitCredentialAnswer {
    private var values: [String: Secret] = [:]

    init(_ output: Secret, _ failures: ProgramFailures) throws(TokenStoreError) {
        let bytes = output.reveal()
        guard !bytes.contains(0) else { throw failures.unreadable("writes a NUL, which no value may hold") }
        for line in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            // git reads lines that end with CR LF, too.
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.isEmpty { break }
            guard let equals = line.firstIndex(of: UInt8(ascii: "=")) else {
                throw failures.unreadable("writes a line that is no key=value")
            }
            let key = String(decoding: line[..<equals], as: UTF8.self)
            // Of a key that comes twice the last one counts.
            values[key] = Secret(Array(line[line.index(after: equals)...]))
        }
    }

    subscript(key: String) -> Secret? { values[key] }

    /// A boolean as git's configuration has them.
    func isTrue(_ key: String) -> Bool {
        guard let text = values[key]?.revealText().lowercased() else { return false }
        return ["true", "yes", "on"].contains(text) || (Int(text) ?? 0) != 0
    }
}
