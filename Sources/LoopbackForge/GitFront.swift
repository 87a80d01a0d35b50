// Who may clone and push: the decision in front of git's own HTTP server.

import Foundation

/// Decides about requests of git's smart HTTP protocol (<https://git-scm.com/docs/http-protocol>).
struct GitFront: Sendable {
    let options: ForgeOptions

    /// A request that git's own server may answer.
    struct Admission: Sendable {
        /// The path below the project root: `/owner/name.git/info/refs`.
        let path: String
        /// The user that git is told; `nil` for a public repository without a credential.
        let user: String?
    }

    /// The repository and the rest of the path of a request to git; `nil` when it is none.
    static func split(_ path: String) -> (repository: String, rest: String)? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
        guard parts.count >= 3, !parts.contains(".."), !path.contains("%") else { return nil }
        let rest = parts.dropFirst(2).joined(separator: "/")
        guard ["info/refs", "git-upload-pack", "git-receive-pack"].contains(rest) else { return nil }
        let name = parts[1].hasSuffix(".git") ? String(parts[1].dropLast(4)) : parts[1]
        return ("\(parts[0])/\(name)", rest)
    }

    /// Admits a request or answers it.
    func decide(_ request: ForgeRequest, in state: inout ForgeState) -> Result<Admission, Denial> {
        guard let (name, rest) = Self.split(request.path) else { return .failure(Denial(404, "Not Found")) }
        let pushes = rest == "git-receive-pack" || request.query.contains("service=git-receive-pack")
        let smart = rest != "info/refs" || request.query.hasPrefix("service=git-")
        let repository = state.repository(name)
        let challenge = Denial(401, "Authentication required.", ["WWW-Authenticate": "Basic realm=\"GitHub\""])
        var user: String?
        if let authorization = request.header("authorization") {
            guard let (name, password) = Self.basic(authorization) else { return .failure(challenge) }
            guard let token = state.use(password, now: options.now()) else { return .failure(challenge) }
            guard token.uses > options.replicationLag else {
                return .failure(options.replicationLagStatus == 401 ? challenge : Denial(404, "Repository not found."))
            }
            let reaches = repository.map { token.repositories.contains($0.fullName) } ?? false
            let level = reaches ? ForgeAPI.rank(token.permissions["contents"]) : 0
            guard level >= 1 || repository?.isPrivate == false else {
                return .failure(Denial(404, "Repository not found."))
            }
            guard !pushes || level >= 2 else {
                return .failure(Denial(403, "Write access to repository not granted."))
            }
            user = name
        } else if pushes || repository?.isPrivate != false {
            // A repository that does not exist looks like a private one.
            return .failure(challenge)
        }
        guard let repository, smart else { return .failure(Denial(404, "Repository not found.")) }
        return .success(Admission(path: "/\(repository.fullName).git/\(rest)", user: user))
    }

    /// A refusal, as git shows it.
    struct Denial: Error {
        let answer: ForgeAnswer

        init(_ status: Int, _ text: String, _ headers: [String: String] = [:]) {
            let headers = headers.merging(["Content-Type": "text/plain"]) { own, _ in own }
            answer = ForgeAnswer(status: status, headers: headers, body: Array((text + "\n").utf8))
        }
    }

    private static func basic(_ authorization: String) -> (String, String)? {
        guard authorization.lowercased().hasPrefix("basic "),
            let data = Data(base64Encoded: String(authorization.dropFirst("basic ".count)))
        else { return nil }
        let text = String(decoding: data, as: UTF8.self)
        guard let colon = text.firstIndex(of: ":"), colon != text.startIndex else { return nil }
        return (String(text[..<colon]), String(text[text.index(after: colon)...]))
    }
}
