// Who may clone from and push to the loopback GitLab.

import Foundation

extension LoopbackGitLab {
    /// Admits requests of git's smart HTTP protocol with a live token of the project, as `lib/gitlab/auth.rb` does.
    func serveGit(_ request: SourceRequest) async -> SourceAnswer {
        let services = ["/info/refs", "/git-upload-pack", "/git-receive-pack"]
        guard let service = services.first(where: request.path.hasSuffix) else { return SourceAnswer(404) }
        let path = request.path.dropLast(service.utf8.count)
        guard path.hasSuffix(".git"), !path.contains("..") else { return SourceAnswer(404) }
        let project = String(path.dropFirst().dropLast(4))
        guard let (username, password) = request.basic, let token = authenticate(username, password) else {
            return SourceAnswer(
                401,
                headers: ["WWW-Authenticate": "Basic realm=\"GitLab\"", "Content-Type": "text/plain"],
                body: Array("HTTP Basic: Access denied. If a password was provided, it must be a token.\n".utf8)
            )
        }
        let reaches =
            token.owner == "projects/\(project)"
            || token.owner.hasPrefix("groups/") && project.hasPrefix(token.owner.dropFirst("groups/".count) + "/")
        let pushes = service == "/git-receive-pack" || request.query.contains("service=git-receive-pack")
        let mayPush = token.scopes.contains("write_repository") && (token.accessLevel ?? 0) >= 30
        let mayPull = token.scopes.contains("read_repository") || token.scopes.contains("write_repository")
        guard reaches, mayPull else {
            return Self.text(404, "The project you were looking for could not be found.\n")
        }
        guard !pushes || mayPush else { return Self.text(403, "You are not allowed to push code to this project.\n") }
        return await git(request, project, username)
    }

    private static func text(_ status: Int, _ text: String) -> SourceAnswer {
        SourceAnswer(status, headers: ["Content-Type": "text/plain"], body: Array(text.utf8))
    }
}
