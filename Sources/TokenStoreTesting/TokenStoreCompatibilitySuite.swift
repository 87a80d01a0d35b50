// What every token store must do, whatever its source: run it from the tests of your own store.

public import TokenStore

/// Checks a token store against the contract of ``TokenStore`` and against what it says of itself
/// (``TokenStore/capabilities``).
///
/// It needs a source that answers each time: a test server, or a transport that plays one. It depends on no test
/// framework: ``violations()`` returns what is wrong, in sentences. It issues a handful of tokens, and calls the source
/// with faults of all kinds on the way.
///
/// ```swift
/// let suite = TokenStoreCompatibilitySuite(
///     MyStore.self, settings: settings, context: context, request: request
/// )
/// #expect(await suite.violations() == [])
/// ```
public struct TokenStoreCompatibilitySuite<Store: TokenStore>: Sendable {
    /// The settings of the store.
    public var settings: Store.Settings
    /// The surroundings: the transport and the programs reach the source, the clock judges expiry. What is logged and
    /// which secrets are read is watched on the way.
    public var context: TokenStoreContext
    /// A request that the source grants in full, with a subject token where the settings need one.
    public var request: TokenRequest
    /// Permissions that the source adds to each token by itself, and the level that is harmless.
    public var impliedPermissions: [String: AccessLevel] = [:]
    /// How much longer than it was chosen a token may live, because its source rounds up.
    public var lifeRounding: Duration = .seconds(60)

    /// Creates a suite.
    public init(
        _ store: Store.Type,
        settings: Store.Settings,
        context: TokenStoreContext,
        request: TokenRequest
    ) {
        self.settings = settings
        self.context = context
        self.request = request
    }

    /// Runs all checks.
    ///
    /// - Returns: What is wrong, one sentence each; empty when the store keeps the contract.
    public func violations() async -> [String] {
        let watch = SecretWatch(request)
        let kinds = [
            declarationViolations(),
            await grantViolations(watch),
            await emptyScopeViolations(watch),
            await cancellationViolations(watch),
            await faultViolations(watch),
            await endFaultViolations(watch),
            await programFaultViolations(watch),
        ]
        return kinds.flatMap(\.self) + watch.violations
    }

    /// The request under a new name for its token, as the daemon gives to each mint: an earlier one may have left a token
    /// behind, and many sources take a name once only.
    var renamedRequest: TokenRequest {
        var renamed = request
        renamed.tokenName = TokenRequest(subject: request.subject, scope: request.scope).tokenName
        return renamed
    }

    /// A store as the daemon makes it, with a transport of the suite's.
    func makeStore(
        _ watch: SecretWatch,
        over http: (any HTTPTransport)? = nil
    ) throws(TokenStoreError) -> Store {
        var context = watch.watched(context)
        if let http { context.http = http }
        do throws(TokenStoreError) {
            return try Store(settings: settings, context: context)
        } catch {
            watch.saw(error)
            throw error
        }
    }

    /// Issues, and lets the watch see what comes.
    func issue(
        _ store: Store,
        _ request: TokenRequest,
        _ watch: SecretWatch
    ) async throws(TokenStoreError) -> IssuedToken {
        do throws(TokenStoreError) {
            let token = try await store.issue(request)
            watch.saw(token)
            return token
        } catch {
            watch.saw(error)
            throw error
        }
    }

    /// Revokes a token that a check is done with.
    func discard(_ token: IssuedToken, _ store: Store) async {
        if let handle = token.handle { try? await store.revoke(handle) }
    }
}
