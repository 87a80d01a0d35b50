// Who may clone from and push to the loopback GitLab.

extension LoopbackGitLab {
    /// Admits requests to git with a live token of the project, as `lib/gitlab/auth.rb` does.
    func serveGit(_ request: SourceRequest) async -> SourceAnswer {
        guard let access = GitAccess(request) else { return SourceAnswer(404) }
        guard let (username, password) = request.basic, let token = authenticate(username, password) else {
            return GitAccess.challenge("GitLab")
        }
        let group = token.owner.hasPrefix("groups/") ? token.owner.dropFirst("groups/".count) + "/" : nil
        let reaches = token.owner == "projects/\(access.repository)" || group.map(access.repository.hasPrefix) ?? false
        let mayPush = token.scopes.contains("write_repository") && (token.accessLevel ?? 0) >= 30
        let mayPull = token.scopes.contains("read_repository") || token.scopes.contains("write_repository")
        guard reaches, mayPull else {
            return GitAccess.denial(404, "The project you were looking for could not be found.")
        }
        guard !access.pushes || mayPush else {
            return GitAccess.denial(403, "You are not allowed to push code to this project.")
        }
        return await git(request, access.repository, username)
    }
}
