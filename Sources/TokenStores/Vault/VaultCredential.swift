// Which of an answer's keys hold the token, its user name and its end.

import TokenStore

/// Where the parts of a credential stand in an answer's `data`, checked.
struct VaultCredentialKeys: Sendable {
    private enum Name: Sendable {
        case fixed(String)
        case key(String)
    }

    private let username: Name
    private let passwordKey: String
    private let expiryKey: String?

    init(
        username: String?,
        usernameKey: String?,
        passwordKey: String,
        expiryKey: String?
    ) throws(TokenStoreError) {
        switch (username, usernameKey) {
        case (let name?, nil) where Self.isUsername(name): self.username = .fixed(name)
        case (nil, let key?) where !key.isEmpty: self.username = .key(key)
        default:
            throw TokenStoreError(
                .misconfigured,
                "secret must have one of username and usernameKey",
                fix: "write the user name that goes with the token (git servers take any: x-access-token), without a "
                    + "colon, or the key that holds it"
            )
        }
        guard !passwordKey.isEmpty else {
            throw TokenStoreError(.misconfigured, "secret.passwordKey is empty", fix: "write the key of the token")
        }
        self.passwordKey = passwordKey
        self.expiryKey = expiryKey
    }

    /// What was read.
    struct Credential: Sendable {
        let username: String
        let secret: Secret
        let expiresAt: UTCInstant?
    }

    /// Takes the credential out of an answer.
    func credential(in data: [String: VaultValue], path: String) throws(TokenStoreError) -> Credential {
        guard let secret = data[passwordKey]?.text.map(Secret.init(utf8:)) else {
            throw Self.missing("passwordKey \(passwordKey)", path)
        }
        guard Authorization.isUsable(secret) else {
            throw TokenStoreError(
                .malformedAnswer,
                "the value of passwordKey \(passwordKey) at \(path) is empty, or no token: it holds blanks or worse",
                fix: "check what the path holds"
            )
        }
        let username: String
        switch self.username {
        case .fixed(let name): username = name
        case .key(let key):
            guard let name = data[key]?.text else { throw Self.missing("usernameKey \(key)", path) }
            guard Self.isUsername(name) else {
                throw TokenStoreError(
                    .malformedAnswer,
                    "the value of usernameKey \(key) at \(path) is no user name",
                    fix: "check what the path holds"
                )
            }
            username = name
        }
        guard let expiryKey else { return Credential(username: username, secret: secret, expiresAt: nil) }
        guard let expiresAt = data[expiryKey]?.instant else {
            throw TokenStoreError(
                .malformedAnswer,
                "the value of expiryKey \(expiryKey) at \(path) is no time",
                fix: "write an RFC 3339 time or seconds since 1970 there, or remove expiryKey"
            )
        }
        return Credential(username: username, secret: secret, expiresAt: expiresAt)
    }

    private static func missing(_ key: String, _ path: String) -> TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "what Vault has at \(path) has no text for \(key)",
            fix: "correct the key, or what the path holds"
        )
    }

    private static func isUsername(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 255 && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }
    }
}
