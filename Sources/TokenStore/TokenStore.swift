// The extension point: a source of short-lived tokens.

/// A source of short-lived tokens: a forge, a registry or an identity service.
///
/// One value serves one entry of `stores` in the node's configuration for the life of the daemon, so it may keep
/// caches (a signing key, an installation id). It is called from many tasks at once. It never decides who may have a
/// token: by the time ``issue(_:)`` is called, policy has already cut the scope down to what is granted.
///
/// A store does not retry in a loop, sleep beyond the caller's deadline or log an answer's body; it makes one
/// conversation with its source and classifies what went wrong as a ``TokenStoreError``.
public protocol TokenStore: Sendable {
    /// What an operator writes beside `kind` for this store. Decoded strictly: a key that `Settings` does not ask for
    /// is an error that names its line.
    associatedtype Settings: Decodable & Sendable

    /// The word for this store in the configuration, for example `github-app`.
    static var kind: String { get }

    /// Whether each token lies somewhere for one build, and the tenant names its handle (``TokenRequest/deposit``);
    /// `false` unless the store says otherwise. Requests without a handle are refused before ``issue(_:)``, and so are
    /// handles for other stores.
    static var takesDeposits: Bool { get }

    /// What this kind of store can do.
    static var capabilities: StoreCapabilities { get }

    /// The permission names that the source knows, for early and friendly errors; empty when they are not known ahead.
    static var knownPermissions: Set<String> { get }

    /// The registry actions that its tokens can have; all of them unless the store says otherwise. Empty for a source
    /// whose tokens have permissions only. Grants and requests of others are refused before ``issue(_:)``.
    static var knownActions: Set<RegistryAction> { get }

    /// Where tokens minted with these settings are good. Does no I/O: it also serves offline checks.
    static func service(for settings: Settings) throws(TokenStoreError) -> TokenService

    /// How close tokens come to their scope with these settings; that of ``capabilities`` unless the store says otherwise.
    static func reach(for settings: Settings) -> StoreCapabilities.Reach

    /// What the store can do with these settings, where they decide it (a life that only one way of asking can choose, an
    /// endpoint for revocations that may be missing): ``capabilities`` with ``reach(for:)`` unless the store says otherwise.
    static func capabilities(for settings: Settings) -> StoreCapabilities

    /// Who mints with these settings: the source's address, with the account where tokens belong to one
    /// (`https://git.example bot-a`); `nil` where the place in which tokens are good says it all. When it changes, a token
    /// of before is neither handed out, nor searched, nor shown to the new source: it is left to expire, and reported.
    static func source(for settings: Settings) -> String?

    /// The audience of the service account token that ``TokenRequest/subjectToken`` must be; `nil`, which is the default,
    /// when these settings need none. The operator adds it to `tokenRequests` of the CSIDriver object.
    static func subjectTokenAudience(for settings: Settings) -> String?

    /// Makes a store ready to issue. May read key files; does not use the network.
    init(settings: Settings, context: TokenStoreContext) throws(TokenStoreError)

    /// Mints one token for one build.
    ///
    /// - Throws: ``TokenStoreError``. When the answer was lost after the request left, the error says so in
    ///   ``TokenStoreError/tokenMayExist``.
    func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken

    /// Ends a token before its time. A token that is already gone is a success.
    ///
    /// - Throws: ``TokenStoreError`` when the token may still work.
    func revoke(_ handle: RevocationHandle) async throws(TokenStoreError)

    /// Finds the tokens that were minted under a name (``TokenRequest/tokenName``), so that one whose answer was lost
    /// can be revoked.
    ///
    /// - Parameters:
    ///   - tokenName: the name of the request.
    ///   - scope: the scope of the request: many sources keep their tokens by repository or project.
    /// - Returns: A handle for each token of that name, none when there is none; `nil` when the source neither lists
    ///   tokens nor names them, which is what a store says that does not implement it.
    /// - Throws: ``TokenStoreError`` when the source could not be asked.
    func find(_ tokenName: String, scope: TokenScope) async throws(TokenStoreError) -> [RevocationHandle]?
}

extension TokenStore {
    public func find(
        _ tokenName: String,
        scope: TokenScope
    ) async throws(TokenStoreError) -> [RevocationHandle]? { nil }
    public static func reach(for settings: Settings) -> StoreCapabilities.Reach { capabilities.reach }
    public static func capabilities(for settings: Settings) -> StoreCapabilities {
        var capabilities = capabilities
        capabilities.reach = reach(for: settings)
        return capabilities
    }
    public static func source(for settings: Settings) -> String? { nil }
    public static func subjectTokenAudience(for settings: Settings) -> String? { nil }
    public static var takesDeposits: Bool { false }
    public static var knownPermissions: Set<String> { [] }
    public static var knownActions: Set<RegistryAction> { Set(RegistryAction.allCases) }
}
