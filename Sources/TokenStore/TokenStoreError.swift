// The one error type of the token stores.

/// Why a token store could not do what it was asked.
///
/// `message` reaches Pod events and logs: it is written by the store, in one line, and holds neither a secret nor text
/// that came from the source. `cause` is for the daemon's debug log only.
public struct TokenStoreError: Error, Sendable, CustomStringConvertible {
    /// The classes of failure; what a caller does next depends on nothing else.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String { case refused, misconfigured, rateLimited, unavailable, malformedAnswer, cancelled }
        private let value: Value

        /// The source will not give this token; asking again does not help.
        public static var refused: Self { Self(value: .refused) }
        /// The store's settings, key or clock are wrong; an operator must mend them.
        public static var misconfigured: Self { Self(value: .misconfigured) }
        /// The source asks to wait; see ``TokenStoreError/retryAt``.
        public static var rateLimited: Self { Self(value: .rateLimited) }
        /// The source could not be reached or failed; asking again later may help.
        public static var unavailable: Self { Self(value: .unavailable) }
        /// The source answered something that its API does not allow, or more than was asked for.
        public static var malformedAnswer: Self { Self(value: .malformedAnswer) }
        /// The caller gave up.
        public static var cancelled: Self { Self(value: .cancelled) }

        /// The code's name, stable across versions.
        public var description: String { value.rawValue }
    }

    /// The class of failure.
    public var code: Code
    /// What is wrong, in one line.
    public var message: String
    /// What to do about it, in one line; empty when there is nothing to do but wait.
    public var fix: String
    /// With ``Code/rateLimited``: the time before which another try is pointless.
    public var retryAt: UTCInstant?
    /// Whether a token may have been minted although no answer arrived.
    public var tokenMayExist: Bool
    /// The error underneath. Never shown to a tenant.
    public var cause: (any Error)?

    /// Creates an error.
    public init(
        _ code: Code,
        _ message: String,
        fix: String = "",
        retryAt: UTCInstant? = nil,
        tokenMayExist: Bool = false,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.fix = fix
        self.retryAt = retryAt
        self.tokenMayExist = tokenMayExist
        self.cause = cause
    }

    /// The code, what is wrong and how to mend it; without the cause.
    public var description: String { fix.isEmpty ? "\(code): \(message)" : "\(code): \(message); \(fix)" }
}
