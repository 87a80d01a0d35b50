// The token endpoint of Bitbucket Cloud for tests, with OAuth consumers.

import Foundation
import Synchronization
package import TokenStore

/// A counterpart of `https://bitbucket.org/site/oauth2/access_token`
/// (<https://developer.atlassian.com/cloud/bitbucket/oauth-2/>), and of git there.
package final class LoopbackBitbucketCloud: Sendable {
    package struct Consumer: Sendable {
        package var secret: String
        package var workspace: String
        package var scopes: String
        /// Only private consumers may use the client credentials grant.
        package var isPrivate = true

        package init(secret: String, workspace: String, scopes: String, isPrivate: Bool = true) {
            self.secret = secret
            self.workspace = workspace
            self.scopes = scopes
            self.isPrivate = isPrivate
        }
    }

    private struct Token: Sendable {
        let secret: String
        let workspace: String
        let scopes: [String]
        let expiresAt: UTCInstant
    }

    private struct State {
        var consumers: [String: Consumer] = [:]
        var tokens: [Token] = []
    }

    private let state = Mutex(State())
    private let clock: any WallClock
    private let git: @Sendable (_ request: SourceRequest, _ user: String) async -> SourceAnswer

    package init(
        clock: any WallClock = SystemClock(),
        git: @escaping @Sendable (SourceRequest, String) async -> SourceAnswer = { _, _ in SourceAnswer(404) }
    ) {
        self.clock = clock
        self.git = git
    }

    package func add(_ key: String, _ consumer: Consumer) { state.withLock { $0.consumers[key] = consumer } }
    package var count: Int { state.withLock { $0.tokens.count } }

    package func handle(_ request: SourceRequest) async -> SourceAnswer {
        guard request.path == "/site/oauth2/access_token" else { return await serveGit(request) }
        guard request.method == "POST" else { return SourceAnswer(405) }
        guard let (key, secret) = request.basic, let consumer = state.withLock({ $0.consumers[key] }),
            consumer.secret == secret
        else { return Self.error(401, "invalid_client") }
        guard request.headers["content-type"] == "application/x-www-form-urlencoded" else {
            return Self.error(400, "invalid_request")
        }
        guard request.form("grant_type") == "client_credentials" else {
            return Self.error(400, "unsupported_grant_type")
        }
        guard consumer.isPrivate else { return Self.error(400, "unauthorized_client") }
        let token = Token(
            secret: "at-\(UUID().uuidString)==",
            workspace: consumer.workspace,
            scopes: consumer.scopes.split(separator: " ").map(String.init),
            expiresAt: clock.now.advanced(by: .seconds(7200))
        )
        state.withLock { $0.tokens.append(token) }
        return .json(
            200,
            #"{"access_token":"\#(token.secret)","scopes":"\#(consumer.scopes)","token_type":"bearer","#
                + #""expires_in":7200,"state":"client_credentials","refresh_token":"never-to-be-used"}"#
        )
    }

    /// Admits a live token with its one user name, for the repositories of its workspace.
    private func serveGit(_ request: SourceRequest) async -> SourceAnswer {
        guard let access = GitAccess(request) else { return SourceAnswer(404) }
        guard let (username, password) = request.basic, username == "x-token-auth",
            let token = state.withLock({ $0.tokens.first { $0.secret == password } }), token.expiresAt > clock.now
        else { return GitAccess.challenge("Bitbucket.org HTTP") }
        guard access.repository.hasPrefix(token.workspace + "/") else {
            return GitAccess.denial(404, "Repository not found")
        }
        let mayWrite = token.scopes.contains("repository:write")
        guard mayWrite || token.scopes.contains("repository") && !access.pushes else {
            return GitAccess.denial(403, "Your credentials lack one or more required privilege scopes.")
        }
        return await git(request, username)
    }

    private static func error(_ status: Int, _ code: String) -> SourceAnswer {
        .json(status, #"{"error":"\#(code)","error_description":"marked by the source"}"#)
    }
}
