// Clean-up that must run to its end although its caller was cancelled.

/// Runs `body` as if the surrounding task were not cancelled, and returns when it has ended.
///
/// For revoking a token that nobody will receive: a cancelled task could not send that call any more. The caller waits,
/// so nothing outlives its scope; `body` must be bounded by itself, with a call's timeout for example.
func shieldedFromCancellation<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) async -> Result {
    await Task { await body() }.value
}
