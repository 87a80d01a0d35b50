// What a loopback token endpoint is set up to accept, and in which of its many dialects it answers.

/// The settings of a ``LoopbackTokenEndpoint``.
package struct TokenEndpointRules: Sendable {
    /// How a client must prove itself.
    package enum Proof: Sendable {
        /// It has no credential.
        case none
        /// A secret, in the Authorization field or in the form.
        case secret(String)
        /// An assertion signed with the key to this public key (PEM).
        case key(publicPEM: String)
        /// A service account token of this subject.
        case podToken(sub: String)
    }

    /// The audience that subject tokens must have.
    package var audience: String
    /// The service accounts whose tokens are exchanged.
    package var subjects: Set<String> = ["system:serviceaccount:binder:builder"]
    /// The clients; without any, none is demanded.
    package var clients: [String: Proof] = [:]
    /// The grant types that are taken.
    package var grantTypes: Set<String> = [
        "urn:ietf:params:oauth:grant-type:token-exchange", "client_credentials",
    ]
    /// The scope words that are granted.
    package var scopes: Set<String> = []
    /// Whether a call that asks for words beyond `scopes` gets the others (200), or `invalid_scope`. Of a registry's word
    /// it gets the actions that are in `scopes` one by one.
    package var narrows = false
    /// Words that every token gets, asked or not.
    package var addedScopes: [String] = []
    /// Whether an answer names its scope.
    package var namesScope = true
    /// How an answer writes the words of registries: as they were granted, their actions in reverse, or a word for each.
    package enum ScopeForm: Sendable { case asGranted, reversed, split }
    package var scopeForm = ScopeForm.asGranted
    /// The values of `audience` and `resource` that are known.
    package var targets: Set<String> = []
    /// Fields that must be there with these values.
    package var requiredFields: [String: String] = [:]
    /// The life of tokens, in seconds.
    package var life: Int64 = 3600
    /// How the life is written into an answer: as a number, as a text, or not at all.
    package enum LifeForm: Sendable { case number, text, none }
    package var lifeForm = LifeForm.number
    /// `token_type` of the answers.
    package var tokenType: String? = "Bearer"
    /// `issued_token_type` of the answers to exchanges, instead of what was asked for.
    package var issuedTokenType: String?
    /// Whether tokens are JSON Web Tokens.
    package var issuesJWTs = false
    /// The path of the token endpoint, and of the revocation endpoint.
    package var path = "/token"
    package var revocationPath = "/revoke"

    package init(audience: String) { self.audience = audience }

    /// What is granted of one word that is asked for; `nil` when it is nothing.
    func narrowed(_ word: String) -> String? {
        guard !scopes.contains(word) else { return word }
        guard let (resource, actions) = Self.registryWord(word) else { return nil }
        let granted = actions.filter { scopes.contains(resource + $0) }
        return granted.isEmpty ? nil : resource + granted.joined(separator: ",")
    }

    /// A word as answers write it.
    func written(_ word: String) -> [String] {
        guard let (resource, actions) = Self.registryWord(word) else { return [word] }
        return switch scopeForm {
        case .asGranted: [word]
        case .reversed: [resource + actions.reversed().joined(separator: ",")]
        case .split: actions.map { resource + $0 }
        }
    }

    /// The two halves of `repository:our/app:pull,push`.
    private static func registryWord(_ word: String) -> (resource: String, actions: [String])? {
        guard word.hasPrefix("repository:"), let colon = word.lastIndex(of: ":") else { return nil }
        let actions = word[word.index(after: colon)...].split(separator: ",").map(String.init)
        return (String(word[...colon]), actions)
    }
}
