// Ending a token that was minted and will not be handed out.

import TokenStore

/// Ends a token that nobody will receive, even when the caller was cancelled, and returns the error to throw for it.
///
/// - Parameters:
///   - error: why the token is not handed out.
///   - revoke: ends the token; bounded by itself, with a call's timeout.
/// - Returns: The error, which says whether the token may still be there.
func discarding(
    because error: TokenStoreError,
    _ revoke: @escaping @Sendable () async throws(TokenStoreError) -> Void
) async -> TokenStoreError {
    let isGone = await shieldedFromCancellation {
        do throws(TokenStoreError) {
            try await revoke()
            return true
        } catch {
            return false
        }
    }
    var error = error
    error.tokenMayExist = !isGone
    return error
}
