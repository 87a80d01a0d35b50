// A bound on the time of a store's call.

import TokenStore

/// Runs a call to a store; cancels it when it takes longer than any store should.
///
/// When the limit passes, or the surrounding task is cancelled, the call is cancelled. What it brings all the same is
/// still good, and when it fails it knows best whether a token may exist.
func withinLimit<Value: Sendable>(
    _ limit: Duration,
    _ call: @escaping @Sendable () async throws(TokenStoreError) -> Value
) async -> Result<Value, TokenStoreError> {
    await withTaskGroup(of: Result<Value, TokenStoreError>?.self) { group in
        group.addTask {
            do throws(TokenStoreError) { return .success(try await call()) } catch { return .failure(error) }
        }
        group.addTask {
            try? await Task.sleep(for: limit, clock: .continuous)
            return nil
        }
        let first = await group.next() ?? nil
        group.cancelAll()
        if let first { return first }
        let last = await group.next() ?? nil
        guard case .failure(let own)? = last, !Task.isCancelled else {
            return last ?? .failure(TokenStoreError(.unavailable, "the store did not finish", tokenMayExist: true))
        }
        return .failure(
            TokenStoreError(
                .unavailable,
                "the store did not finish within \(limit.components.seconds) s",
                tokenMayExist: own.tokenMayExist
            )
        )
    }
}
