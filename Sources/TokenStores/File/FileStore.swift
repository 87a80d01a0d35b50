// A token that something else on the node keeps fresh in a file.

package import TokenStore

/// Hands out what a file holds. It is read at each issue, so what is in it then is what the build gets; a file that
/// changes is handed out at the next refresh.
///
/// A file that is missing, empty or expired is `unavailable`: whatever writes it may be about to.
package final class FileStore: TokenStore {
    package typealias Settings = FileSettings

    package static let kind = "file"

    package static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .wider("whatever the token in the file opens"),
        life: .fixed("as the file's writer sets it"),
        revocation: .unsupported,
        sharesTokens: true
    )

    private let plan: FilePlan
    private let context: TokenStoreContext

    package static func service(for settings: FileSettings) throws(TokenStoreError) -> TokenService {
        try FilePlan(settings).service
    }

    package init(settings: FileSettings, context: TokenStoreContext) throws(TokenStoreError) {
        plan = try FilePlan(settings)
        self.context = context
    }

    package func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        try AskChecks.notEmpty(request.scope)
        guard !Task.isCancelled else { throw TokenStoreError(.cancelled, "the caller gave up") }
        let token = try snapshot().issued(
            request.scope,
            username: plan.username,
            source: plan.token.file,
            now: context.clock.now
        )
        var issued = token
        issued.refreshAfter = plan.refreshAfter ?? (token.expiresAt == nil ? FilePlan.usualRefresh : nil)
        return issued
    }

    package func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        throw TokenStoreError(.refused, "the token of a file can't be revoked")
    }

    /// Reads the files. Where they are several, a rotation may come between: then they are read again.
    private func snapshot() throws(TokenStoreError) -> ForeignCredential {
        var content = try read(plan.token)
        for _ in 0..<3 {
            guard plan.usernameFile != nil || plan.expiryFile != nil else { return try credential(content) }
            let result = Result { () throws(TokenStoreError) in try credential(content) }
            // Also after an error: what was wrong may be half of what is being written.
            let now = try read(plan.token)
            if now == content { return try result.get() }
            content = now
        }
        throw TokenStoreError(
            .unavailable,
            "\(plan.token.file) changes faster than it can be read",
            fix: "let its writer write it only when there is a new token"
        )
    }

    private func credential(_ content: Secret) throws(TokenStoreError) -> ForeignCredential {
        var credential =
            if let keys = plan.keys {
                try members(content, keys)
            } else {
                ForeignCredential(token: content)
            }
        if let file = plan.usernameFile { credential.username = try read(file).revealText() }
        if let file = plan.expiryFile {
            // Half a time is none either, so it may be there in a moment.
            guard let instant = FileTime.instant(try read(file).revealText()) else {
                throw noTime(file.file, .unavailable)
            }
            credential.expiresAt = instant
        }
        return credential
    }

    private func members(_ content: Secret, _ keys: FileTokenKeys) throws(TokenStoreError) -> ForeignCredential {
        let file = plan.token.file
        guard let json = JSONBody.decode(TokenJSON.self, content.reveal()), case .object = json else {
            // Half a file is none either.
            throw TokenStoreError(
                .unavailable,
                "\(file) holds no JSON object",
                fix: "write it whole, and rename it into its place; or set format: plain"
            )
        }
        guard let token = json.text(at: keys.token) else { throw missing("tokenKey", keys.token) }
        var credential = ForeignCredential(username: json.text(at: keys.username.path), token: Secret(utf8: token))
        if keys.username.isNeeded, credential.username == nil { throw missing("usernameKey", keys.username.path) }
        if let value = json.at(keys.expiry.path) {
            guard let instant = FileTime.instant(value) else { throw noTime(file) }
            credential.expiresAt = instant
        } else if keys.expiry.isNeeded {
            throw missing("expiryKey", keys.expiry.path)
        }
        return credential
    }

    private func missing(_ key: String, _ path: [String]) -> TokenStoreError {
        TokenStoreError(
            .misconfigured,
            "\(plan.token.file) holds no text at \(path.joined(separator: "."))",
            fix: "set \(key) to the place that holds it, with dots between the keys of objects in objects"
        )
    }

    private func noTime(_ file: String, _ code: TokenStoreError.Code = .misconfigured) -> TokenStoreError {
        TokenStoreError(
            code,
            "\(file) holds an expiry that is neither seconds since 1970 nor a time as 2026-01-02T03:04:05Z",
            fix: "let its writer use one of these forms"
        )
    }

    private func read(_ reference: SecretReference) throws(TokenStoreError) -> Secret {
        let content: Secret
        do throws(TokenStoreError) { content = try context.secrets.read(reference) } catch {
            throw TokenStoreError(
                .unavailable,
                error.message,
                fix: "see whether what writes the file has started and may write there",
                cause: error
            )
        }
        let trimmed = Authorization.trimmed(content)
        guard !trimmed.isEmpty else {
            throw TokenStoreError(
                .unavailable,
                "\(reference.file) is empty",
                fix: "see whether what writes the file has started"
            )
        }
        return trimmed
    }
}
