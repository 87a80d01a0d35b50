// CodeCommit's git server of the loopback AWS: enough of git's protocol for a listing, and the verification of passwords.

import Foundation
import TokenStore

extension LoopbackAWS {
    /// The commit that every repository's `main` is at.
    package static let commit = "1234567890abcdef1234567890abcdef12345678"

    /// Answers `info/refs` of git's HTTP protocol.
    func git(_ request: SourceRequest) -> SourceAnswer {
        let suffix = "/info/refs"
        guard request.path.hasSuffix(suffix),
            let service = request.queryItems.first(where: { $0.name == "service" })?.value
        else { return SourceAnswer(404) }
        let path = String(request.path.dropLast(suffix.count))
        guard let credential = request.basic else {
            return SourceAnswer(401, headers: ["WWW-Authenticate": #"Basic realm="CodeCommit""#])
        }
        let action = service == "git-receive-pack" ? "codecommit:GitPush" : "codecommit:GitPull"
        guard allowsGit(credential, host: request.headers["host"] ?? "", path: path, action: action) else {
            return SourceAnswer(403)
        }
        func line(_ text: String) -> String { String(format: "%04x", text.utf8.count + 4) + text }
        let body =
            line("# service=\(service)\n") + "0000" + line("\(Self.commit) refs/heads/main\0agent=loopback\n") + "0000"
        let headers = ["Content-Type": "application/x-\(service)-advertisement", "Cache-Control": "no-cache"]
        return SourceAnswer(200, headers: headers, body: Array(body.utf8))
    }

    /// Whether a user name and a password are a session's for this repository, not older than a quarter of an hour.
    private func allowsGit(
        _ credential: (username: String, password: String),
        host: String,
        path: String,
        action: String
    ) -> Bool {
        let names = credential.username.split(separator: "%", maxSplits: 1).map(String.init)
        guard names.count == 2, let session = session(names[0]), session.token == names[1],
            session.expiresAt > options.now()
        else { return false }
        let time = String(credential.password.prefix(16))
        guard let signedAt = AWSSignature.instant(time), credential.password.utf8.count == 16 + 64 else { return false }
        guard abs(signedAt.duration(to: options.now()).components.seconds) <= 900 else { return false }
        let own = AWSSignature.signature(
            "GIT\n\(path)\n\nhost:\(host)\n\nhost\n",
            secret: session.secretKey,
            time: String(time.dropLast()),
            scope: [String(time.prefix(8)), options.region, "codecommit"]
        )
        guard credential.password.dropFirst(16) == own else { return false }
        let name = path.dropFirst("/v1/repos/".count)
        let resource = "arn:\(options.partition):codecommit:\(options.region):\(options.account):\(name)"
        return allows(session, action, on: resource)
    }
}
