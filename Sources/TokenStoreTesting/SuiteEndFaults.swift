// The suite's checks of revocations and searches that fail: a failure that looks like a success leaves a token alive.

import TokenStore

extension TokenStoreCompatibilitySuite {
    /// Faults that no source means as "the token is gone".
    private static var endFaults: [(name: String, fault: FaultyTransport.Fault, codes: Set<TokenStoreError.Code>)] {
        faults.filter { one in
            switch one.fault {
            case .none: true
            case .status(let status, _): ![200, 401, 403].contains(status)
            }
        }
    }

    /// Each fault at the first call of a revocation, and of a search.
    func endFaultViolations(_ watch: SecretWatch) async -> [String] {
        guard case .supported = capabilities.revocation else { return [] }
        var found: [String] = []
        for (name, fault, codes) in Self.endFaults {
            let request = renamedRequest
            do throws(TokenStoreError) {
                let store = try makeStore(watch)
                let token = try await issue(store, request, watch)
                guard let handle = token.handle else { continue }
                found += await ending("a revocation", name, fault, codes, watch) { store throws(TokenStoreError) in
                    try await store.revoke(handle)
                }
                if capabilities.findsTokens {
                    let scope = request.scope
                    found += await ending("find", name, fault, codes, watch) { store throws(TokenStoreError) in
                        _ = try await store.find(request.tokenName, scope: scope)
                    }
                }
                await discard(token, store)
            } catch {
                found.append("a request that the source grants failed: \(error)")
            }
        }
        return found
    }

    private func ending(
        _ what: String,
        _ name: String,
        _ fault: FaultyTransport.Fault,
        _ codes: Set<TokenStoreError.Code>,
        _ watch: SecretWatch,
        _ body: (Store) async throws(TokenStoreError) -> Void
    ) async -> [String] {
        let http = FaultyTransport(base: watch.watched(context).http, fault: fault, position: 0)
        do throws(TokenStoreError) {
            try await body(try makeStore(watch, over: http))
            return http.wasFaulty ? ["\(what) took \(name) for a success"] : []
        } catch {
            watch.saw(error)
            return classViolations(error, codes, "\(name) at \(what)")
        }
    }
}
