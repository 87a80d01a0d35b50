// Tokens and files that the tests share.

import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

enum Sample {
    static let expiry = UTCInstant(epochSeconds: 1_795_000_000)

    /// A token of a git server.
    static func git(
        _ name: String = "source",
        at url: String = "https://github.com",
        repositories: [String] = ["our-org/x"]
    ) throws -> PlannedToken {
        PlannedToken(
            name: name,
            service: TokenService(git: try GitServer(webURL: url)),
            scope: TokenScope(repositories: repositories, permissions: ["contents": .read])
        )
    }

    /// A token of a registry.
    static func registry(
        _ name: String = "image",
        at host: String = "ghcr.io",
        repositories: [String] = ["binder/x"]
    ) -> PlannedToken {
        PlannedToken(
            name: name,
            service: TokenService(registryHost: host),
            scope: TokenScope(repositories: repositories, actions: [.push])
        )
    }

    static func issued(
        _ secret: String = "ghs_Token123",
        user: String = "x-access-token",
        expiresAt: UTCInstant? = expiry
    ) -> IssuedToken {
        IssuedToken(
            username: user,
            secret: Secret(utf8: secret),
            expiresAt: expiresAt,
            grantedScope: TokenScope(repositories: ["our-org/x"], permissions: ["contents": .read])
        )
    }

    /// A gitconfig and its credential file.
    static func gitFiles(
        _ path: String = ".gitconfig",
        credential: String = "git-credential",
        scope: String? = nil,
        mountPath: String? = nil,
        rewriteSSH: Bool? = nil
    ) -> [FileAsk] {
        [
            FileAsk(
                path: path,
                format: "gitconfig",
                tokens: ["source"],
                scope: scope,
                mountPath: mountPath,
                rewriteSSH: rewriteSSH
            ), FileAsk(path: credential, format: "git-credential", tokens: ["source"]),
        ]
    }
}

/// The text of the only file of a format, made of tokens that are issued under their own names.
func rendered(_ ask: FileAsk, _ tokens: [PlannedToken], _ issued: [String: IssuedToken]) throws -> String {
    let files = try FilePlan([ask], tokens: tokens).render(issued)
    let file = try #require(files.first)
    return try #require(String(validating: file.contents, as: UTF8.self))
}
