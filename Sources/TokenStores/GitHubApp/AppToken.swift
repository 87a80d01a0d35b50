// The JSON Web Token by which the App proves itself: signed with its key, kept until shortly before its end.

import JWTKit
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

    private struct Claims: JWTPayload {
        let iat: Int64
        let exp: Int64
        let iss: String

        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    private let appID: String
    private let key: Insecure.RSA.PrivateKey
    private let state = Mutex(State())

    init(appID: String, key: Insecure.RSA.PrivateKey) {
        self.appID = appID
        self.key = key
    }

    /// The token to use now.
    ///
    /// - Throws: ``TokenStoreError`` when the key can't sign.
    func token(now: UTCInstant) async throws(TokenStoreError) -> Signed {
        let offset = state.withLock { $0.offset }
        let kept = state.withLock { $0.current }
        if let kept, now < kept.useUntil, kept.useUntil <= now + Self.life { return kept.signed }
        let theirNow = now + offset
        let claims = Claims(
            iat: (theirNow - Self.backdated).epochSeconds,
            exp: (theirNow + Self.life).epochSeconds,
            iss: appID
        )
        let signed: Signed
        do {
            let keys = await JWTKeyCollection().add(rsa: key, digestAlgorithm: .sha256)
            signed = Signed(token: Secret(utf8: try await keys.sign(claims)), offset: offset)
        } catch {
            throw TokenStoreError(
                .misconfigured,
                "the App's private key can't sign",
                fix: "generate a new key on the App's settings page",
                cause: error
            )
        }
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
