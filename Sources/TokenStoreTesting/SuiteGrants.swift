// The suite's checks of what a store grants, and of how it ends it.

import TokenStore

extension TokenStoreCompatibilitySuite {
    /// What the store says it can do with the suite's settings.
    var capabilities: StoreCapabilities { Store.capabilities(for: settings) }

    /// What can be said without a source.
    func declarationViolations() -> [String] {
        let isWord = Store.kind.utf8.allSatisfy { byte in
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || byte == UInt8(ascii: "-")
        }
        var found = Store.kind.isEmpty || !isWord ? ["kind is not of lower case letters, digits and dashes"] : []
        if !capabilities.credentials.isSubset(of: Store.capabilities.credentials) {
            found.append("the settings bring a credential that the store's capabilities do not name")
        }
        if capabilities.credentials.isEmpty { found.append("capabilities name no credential") }
        if capabilities.sharesTokens, capabilities.revocation != .unsupported {
            found.append("a store that shares tokens must not revoke them")
        }
        if Store.subjectTokenAudience(for: settings) != nil {
            if !capabilities.credentials.contains(.podToken) {
                found.append("it wants a subject token, and its capabilities do not name the Pod's token")
            }
            if request.subjectToken == nil { found.append("it wants a subject token, and the suite was given none") }
        }
        do throws(TokenStoreError) { _ = try Store.service(for: settings) } catch {
            found.append("there is no service for the settings: \(error)")
        }
        return found
    }

    /// Two tokens for two builds, and their ends.
    func grantViolations(_ watch: SecretWatch) async -> [String] {
        var found: [String] = []
        do throws(TokenStoreError) {
            let store = try makeStore(watch)
            let other = renamedRequest
            let first = try await issue(store, request, watch)
            let second = try await issue(store, other, watch)
            found += tokenViolations(first)
            if first.secret == second.secret, !capabilities.sharesTokens {
                found.append("two requests were answered with one token")
            }
            found += await findViolations(request.tokenName, first, isLive: true, watch)
            found += await revocationViolations(first, watch)
            found += await findViolations(request.tokenName, first, isLive: false, watch)
            found += await revocationViolations(second, watch)
            found += try await lifetimeViolations(store, watch)
        } catch {
            found.append("a request that the source grants failed: \(error)")
        }
        return found
    }

    func tokenViolations(_ token: IssuedToken) -> [String] {
        var found: [String] = []
        let secret = token.secret.revealText()
        if token.secret.isEmpty { found.append("the token is empty") }
        if !secret.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) {
            found.append("the token holds characters that can't stand in a header field or a file")
        }
        if token.username.isEmpty || token.username.contains(where: { $0 == ":" || $0.isNewline }) {
            found.append("the user name can't stand in HTTP Basic credentials")
        }
        if let expiresAt = token.expiresAt, expiresAt <= context.clock.now {
            found.append("the token has already expired")
        }
        if !secret.isEmpty, "\(token)".contains(secret) || String(reflecting: token).contains(secret) {
            found.append("the token prints")
        }
        if let handle = token.handle, !secret.isEmpty, handle.identifier.contains(secret) {
            found.append("the handle's identifier holds the token")
        }
        switch (capabilities.revocation, token.handle) {
        case (.supported, nil): found.append("there is no handle to revoke the token by")
        case (.unsupported, .some): found.append("there is a handle, and capabilities say that nothing can be revoked")
        default: break
        }
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

    /// By an instance that never saw the token, as after a restart; the second revocation finds it gone.
    private func revocationViolations(_ token: IssuedToken, _ watch: SecretWatch) async -> [String] {
        guard let handle = token.handle else { return [] }
        var found: [String] = []
        for attempt in ["a revocation after a restart", "a second revocation"] {
            do throws(TokenStoreError) {
                try await makeStore(watch).revoke(handle)
            } catch {
                watch.saw(error)
                found.append("\(attempt) failed: \(error)")
            }
        }
        return found
    }

    /// A token whose answer was lost is found by its name, and not any more once it is revoked.
    private func findViolations(
        _ name: String,
        _ token: IssuedToken,
        isLive: Bool,
        _ watch: SecretWatch
    ) async -> [String] {
        do throws(TokenStoreError) {
            let handles = try await makeStore(watch).find(name, scope: request.scope)
            guard let handles else {
                return capabilities.findsTokens
                    ? ["capabilities say that tokens can be found, and find says no"] : []
            }
            guard capabilities.findsTokens else { return ["find answers, and capabilities say that it can't"] }
            let identifiers = handles.map(\.identifier)
            let own = token.handle?.identifier ?? ""
            if isLive, !identifiers.contains(own) {
                return ["find does not know the token \(name) that was just issued"]
            }
            if !isLive, !identifiers.isEmpty { return ["find still knows the token \(name) after its revocation"] }
            return []
        } catch {
            watch.saw(error)
            return ["find failed: \(error)"]
        }
    }

    /// The shortest life that can be chosen is not exceeded.
    private func lifetimeViolations(
        _ store: Store,
        _ watch: SecretWatch
    ) async throws(TokenStoreError) -> [String] {
        guard case .chosen(let limits) = capabilities.life else { return [] }
        var request = renamedRequest
        request.lifetime = limits.lowerBound
        let token = try await issue(store, request, watch)
        await discard(token, store)
        guard let expiresAt = token.expiresAt else { return ["a life was chosen, and the token names no expiry"] }
        // Sources round, and their clocks differ a little.
        let life = context.clock.now.duration(to: expiresAt)
        return life > limits.lowerBound + lifeRounding
            ? ["a life of \(limits.lowerBound) was chosen, and it is \(life)"] : []
    }
}
