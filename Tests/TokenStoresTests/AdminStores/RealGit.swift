// Real git against a counterpart, with nothing but one credential.

import Foundation
import LoopbackForge
import LoopbackSources
import Support
import TokenStore

/// git with one credential for all hosts, as a credential file that git reads.
struct RealGit {
    let directory: URL

    /// Runs `body` with a new directory.
    static func with<Result>(_ body: (RealGit) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("git-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(RealGit(directory: directory))
    }

    func run(_ token: IssuedToken, _ arguments: [String]) async throws -> ProgramOutcome {
        let helper = "!f() { echo 'username=\(token.username)'; echo 'password=\(token.secret.revealText())'; }; f"
        let options = [
            "-i", "PATH=/usr/local/bin:/usr/bin:/bin", "HOME=/nonexistent", "GIT_CONFIG_GLOBAL=/dev/null",
            "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "GIT_AUTHOR_NAME=T", "GIT_AUTHOR_EMAIL=t@localhost",
            "GIT_COMMITTER_NAME=T", "GIT_COMMITTER_EMAIL=t@localhost",
            "git", "-c", "credential.helper=", "-c", "credential.helper=\(helper)",
        ]
        return try await runProgram("env", options + arguments)
    }

    /// Answers admitted requests to git from repositories in a directory of their own.
    static func server(_ repositories: GitRepositories) -> @Sendable (SourceRequest, String) async -> SourceAnswer {
        { request, user in
            do {
                let answer = try await repositories.serve(
                    request.method,
                    path: request.path,
                    query: request.query,
                    headers: request.headers,
                    body: request.body,
                    user: user
                )
                return SourceAnswer(answer.status, headers: answer.headers, body: answer.body)
            } catch {
                return SourceAnswer(500)
            }
        }
    }
}
