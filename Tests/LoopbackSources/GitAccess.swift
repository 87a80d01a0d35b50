// What a request of git's smart HTTP protocol wants, for counterparts that decide about it.

/// A request to git (<https://git-scm.com/docs/http-protocol>).
package struct GitAccess: Sendable {
    /// The repository's path, without `.git`.
    package let repository: String
    /// Whether it pushes.
    package let pushes: Bool

    /// `nil` when it is none.
    package init?(_ request: SourceRequest) {
        let services = ["/info/refs", "/git-upload-pack", "/git-receive-pack"]
        guard let service = services.first(where: request.path.hasSuffix) else { return nil }
        let path = request.path.dropLast(service.utf8.count)
        guard path.hasSuffix(".git"), !path.contains(".."), !path.contains("%") else { return nil }
        repository = String(path.dropFirst().dropLast(4))
        pushes = service == "/git-receive-pack" || request.query.contains("service=git-receive-pack")
    }

    /// Asks for a user name and a password, as git wants to be asked.
    package static func challenge(_ realm: String) -> SourceAnswer {
        SourceAnswer(
            401,
            headers: ["WWW-Authenticate": "Basic realm=\"\(realm)\"", "Content-Type": "text/plain"],
            body: Array("Access denied\n".utf8)
        )
    }

    /// A refusal, as git shows it.
    package static func denial(_ status: Int, _ text: String) -> SourceAnswer {
        SourceAnswer(status, headers: ["Content-Type": "text/plain"], body: Array((text + "\n").utf8))
    }
}
