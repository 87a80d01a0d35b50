// The settings that stores for any token endpoint share, checked.

import TokenStore

extension OAuthClient {
    /// A client with a secret or without one, or none.
    ///
    /// - Parameter authentication: `basic` or `post`; `basic` unless given.
    init(id: String?, secret: SecretReference?, authentication: String?) throws(TokenStoreError) {
        guard let id else {
            guard secret == nil, authentication == nil else {
                throw TokenStoreError(.misconfigured, "clientID is missing", fix: "set it beside clientSecret")
            }
            self = .none
            return
        }
        try SettingChecks.text("clientID", id)
        guard let secret else {
            guard authentication == nil else {
                throw TokenStoreError(
                    .misconfigured,
                    "clientAuthentication says how a secret is sent, and there is no clientSecret",
                    fix: "set clientSecret, or remove clientAuthentication"
                )
            }
            self = .named(id)
            return
        }
        switch authentication ?? "basic" {
        case "basic": self = .basic(id: id, secret: secret)
        case "post": self = .form(id: id, secret: secret)
        default:
            throw TokenStoreError(.misconfigured, "clientAuthentication is neither basic nor post", fix: "write one")
        }
    }
}

extension RequestTemplate {
    /// A template that may be left out.
    static func optional(_ key: String, _ text: String?) throws(TokenStoreError) -> RequestTemplate? {
        guard let text else { return nil }
        return try RequestTemplate(key, text)
    }

    /// The user name of tokens.
    static func username(_ text: String) throws(TokenStoreError) -> RequestTemplate {
        try SettingChecks.username("username", text)
        return try RequestTemplate("username", text)
    }

    /// Fields of the operator's own. Those that the store sends itself are refused.
    static func parameters(
        _ parameters: [String: String]?,
        reserved: Set<String>
    ) throws(TokenStoreError) -> [String: RequestTemplate] {
        var templates: [String: RequestTemplate] = [:]
        for (name, value) in parameters ?? [:] {
            try SettingChecks.text("parameters", name, most: 100)
            guard !reserved.contains(name) else {
                throw TokenStoreError(
                    .misconfigured,
                    "parameters holds \(name), which the store sends itself",
                    fix: "use the store's own key for it"
                )
            }
            templates[name] = try RequestTemplate("parameters.\(name)", value)
        }
        return templates
    }
}
