// What every token store must do, whatever its source: run it from the tests of your own store.

public import TokenStore

/// Checks a token store against the contract of ``TokenStore``.
///
/// It needs a source that answers: a test server, or a scripted transport with enough steps. It depends on no test
/// framework: ``violations()`` returns what is wrong, in sentences.
///
/// ```swift
/// let suite = TokenStoreCompatibilitySuite(request: request) { try MyStore(settings: settings, context: context) }
/// #expect(await suite.violations().isEmpty)
/// ```
public struct TokenStoreCompatibilitySuite<Store: TokenStore>: Sendable {
    /// A request that the source grants in full.
    public var request: TokenRequest
    /// Permissions that the source adds to each token by itself, and the level that is harmless.
    public var impliedPermissions: [String: AccessLevel] = [:]
    /// Whether tokens can be ended before their time.
    public var canRevoke = true
    /// The time by which expiry is judged.
    public var clock: any WallClock
    /// Makes a store. It is called several times: a handle must still work with another instance, as after a restart.
    public var makeStore: @Sendable () throws -> Store

    /// Creates a suite.
    public init(
        request: TokenRequest,
        clock: any WallClock = SystemClock(),
        makeStore: @escaping @Sendable () throws -> Store
    ) {
        self.request = request
        self.clock = clock
        self.makeStore = makeStore
    }

    /// Runs all checks.
    ///
    /// - Returns: What is wrong, one sentence each; empty when the store keeps the contract.
    public func violations() async -> [String] {
        var found = Self.kindViolations()
        do {
            let store = try makeStore()
            found += await emptyScopeViolations(store)
            found += await cancellationViolations(store)
            let first = try await store.issue(request)
            let second = try await store.issue(request)
            found += tokenViolations(first)
            if first.secret == second.secret { found.append("two requests were answered with one token") }
            found += await revocationViolations(first)
            found += await revocationViolations(second)
        } catch {
            found.append("a request that the source grants failed: \(error)")
        }
        return found
    }

    private static func kindViolations() -> [String] {
        let isWord = Store.kind.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
        }
        return Store.kind.isEmpty || !isWord ? ["kind is not of lower case letters, digits and dashes"] : []
    }

    private func tokenViolations(_ token: IssuedToken) -> [String] {
        var found: [String] = []
        let secret = token.secret.revealText()
        if token.secret.isEmpty { found.append("the token is empty") }
        if !secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            found.append("the token holds characters that can't stand in a header field or a file")
        }
        if token.username.isEmpty || token.username.contains(where: { $0 == ":" || $0.isNewline }) {
            found.append("the user name can't stand in HTTP Basic credentials")
        }
        if let expiresAt = token.expiresAt, expiresAt <= clock.now { found.append("the token has already expired") }
        if !secret.isEmpty, "\(token)".contains(secret) || String(reflecting: token).contains(secret) {
            found.append("the token prints")
        }
        if let handle = token.handle, !secret.isEmpty, handle.identifier.contains(secret) {
            found.append("the handle's identifier holds the token")
        }
        if canRevoke, token.handle == nil { found.append("there is no handle to revoke the token by") }
        return found + scopeViolations(token.grantedScope)
    }

    private func scopeViolations(_ granted: TokenScope) -> [String] {
        var found: [String] = []
        let asked = request.scope
        if !Set(granted.repositories).isSubset(of: asked.repositories) {
            found.append("the granted scope has repositories that were not asked for")
        }
        if !granted.actions.isSubset(of: asked.actions) {
            found.append("the granted scope has actions that were not asked for")
        }
        for (name, level) in granted.permissions.sorted(by: { $0.key < $1.key }) {
            let limit = [asked.permissions[name], impliedPermissions[name]].compactMap(\.self).max()
            if limit.map({ level > $0 }) ?? true { found.append("the granted scope has \(name):\(level.rawValue)") }
        }
        return found
    }

    /// Many sources read an empty list as "everything".
    private func emptyScopeViolations(_ store: Store) async -> [String] {
        let scope = request.scope
        let empty = [
            TokenScope(),
            TokenScope(repositories: scope.repositories),
            TokenScope(permissions: scope.permissions, actions: scope.actions),
        ]
        var found: [String] = []
        for scope in empty {
            var request = request
            request.scope = scope
            do throws(TokenStoreError) {
                let token = try await store.issue(request)
                found.append("an empty scope (\"\(scope.summary)\") was granted")
                if let handle = token.handle { try? await store.revoke(handle) }
            } catch {
                if error.code != .refused { found.append("an empty scope ended in \(error.code), not in refused") }
                found += textViolations(error)
            }
        }
        return found
    }

    private func cancellationViolations(_ store: Store) async -> [String] {
        await withTaskGroup(of: [String].self) { group in
            group.cancelAll()
            group.addTask {
                do throws(TokenStoreError) {
                    let token = try await store.issue(request)
                    if let handle = token.handle { try? await store.revoke(handle) }
                    return tokenViolations(token)
                } catch {
                    let code = error.code == .cancelled ? [] : ["a cancelled caller got \(error.code), not cancelled"]
                    return code + textViolations(error)
                }
            }
            return await group.next() ?? []
        }
    }

    private func revocationViolations(_ token: IssuedToken) async -> [String] {
        guard canRevoke, let handle = token.handle else { return [] }
        var found: [String] = []
        // The first by an instance that never saw the token; the second finds it gone.
        for attempt in ["a revocation after a restart", "a second revocation"] {
            do {
                try await makeStore().revoke(handle)
            } catch {
                found.append("\(attempt) failed: \(error)")
            }
        }
        return found
    }

    private func textViolations(_ error: TokenStoreError) -> [String] {
        var found: [String] = []
        if error.message.isEmpty { found.append("an error has no message") }
        if "\(error)".contains(where: \.isNewline) { found.append("an error's text has several lines") }
        return found
    }
}
