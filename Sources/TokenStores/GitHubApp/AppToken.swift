// The JSON Web Token by which the App proves itself: signed by its signer, kept until shortly before its end.

import Synchronization
import TokenStore

/// Makes the App's tokens, as
/// <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app>
/// describes them: RS256, whole seconds, at most ten minutes from `iat` to `exp`.
final class AppTokenSource: Sendable {
    /// How far `iat` lies back, against a clock that is a little fast.
    static let backdated: Duration = .seconds(60)
    /// How far `exp` lies ahead: far enough below ten minutes that a clock some minutes fast still works.
    static let life: Duration = .seconds(300)
    /// A token is not used in its last seconds.
    static let margin: Duration = .seconds(60)
    /// The largest clock error that is worked around. With a larger one the expiry of tokens would be misjudged too.
    static let largestOffset: Duration = .seconds(900)

    /// A signed token, and the offset that its times were made with.
    struct Signed: Sendable {
        let token: Secret
        let offset: Duration
    }

    private struct State {
        var current: (signed: Signed, useUntil: UTCInstant)?
        /// What is added to our clock to get GitHub's, when GitHub complained about our times.
        var offset: Duration = .zero
    }

    private let appID: String
    private let signer: any AppSigner
    private let state = Mutex(State())

    init(appID: String, signer: any AppSigner) {
        self.appID = appID
        self.signer = signer
    }

    /// The token to use now.
    ///
    /// - Throws: ``TokenStoreError`` when the signer can't sign.
    func token(now: UTCInstant) async throws(TokenStoreError) -> Signed {
        let offset = state.withLock { $0.offset }
        let kept = state.withLock { $0.current }
        if let kept, now < kept.useUntil, kept.useUntil <= now + Self.life { return kept.signed }
        let theirNow = now + offset
        let claims = AppClaims(
            iat: (theirNow - Self.backdated).epochSeconds,
            exp: (theirNow + Self.life).epochSeconds,
            iss: appID
        )
        let signed = Signed(token: try await signer.token(claims), offset: offset)
        state.withLock { state in
            // Not when the offset was corrected meanwhile: this token has the wrong times.
            if state.offset == offset { state.current = (signed, now + Self.life - Self.margin) }
        }
        return signed
    }

    /// Takes over GitHub's time after it complained about a token's times.
    ///
    /// - Returns: Whether a newly signed token may fare better than the rejected one.
    func adopt(offset: Duration, rejected: Signed) -> Bool {
        // Within some seconds the clocks agree, or the same offset was tried already.
        guard abs(offset) <= Self.largestOffset, abs(offset - rejected.offset) >= .seconds(5) else { return false }
        state.withLock { state in
            // Another call may have measured it meanwhile; its token is as good.
            guard abs(offset - state.offset) >= .seconds(5) else { return }
            state.offset = offset
            state.current = nil
        }
        return true
    }

    private func abs(_ duration: Duration) -> Duration { duration < .zero ? .zero - duration : duration }
}
