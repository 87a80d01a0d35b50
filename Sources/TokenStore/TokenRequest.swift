// What is asked of a token store: for whom, and in which scope.

/// The build that a token is for: one Pod and the service account it runs as.
public struct Subject: Sendable, Hashable, Codable {
    /// The Pod's namespace.
    public var namespace: String
    /// The service account that the Pod runs as.
    public var serviceAccount: String
    /// The Pod's name.
    public var podName: String
    /// The Pod's UID: what tells two Pods of one name apart.
    public var podUID: String

    /// Creates a subject.
    public init(namespace: String, serviceAccount: String, podName: String, podUID: String) {
        self.namespace = namespace
        self.serviceAccount = serviceAccount
        self.podName = podName
        self.podUID = podUID
    }
}

/// A request for one token, after policy: the scope is exactly what may be minted.
public struct TokenRequest: Sendable, Equatable {
    /// The build that the token is for.
    public var subject: Subject
    /// What the token may reach. Never empty: policy refuses an empty scope, and a store must refuse it too.
    public var scope: TokenScope
    /// The life that is wished for; a source that can't set one ignores it. Within the limits of
    /// ``StoreCapabilities/Life/chosen(_:)`` where the store has such.
    public var lifetime: Duration?
    /// The Pod's own service account token, in the audience of ``TokenStore/subjectTokenAudience(for:)``; `nil` when that
    /// names none. It was checked to be of ``subject``. Hand it to the store's own source only.
    public var subjectToken: Secret?
    /// The handle of what was deposited for this build, as the tenant named it (`deposit` in `tokens`); `nil` for stores
    /// that do not say ``TokenStore/takesDeposits``. Not a secret, and no proof of anything.
    public var deposit: String?
    /// What the token is to be called where its source gives tokens names: unique, of lower case letters, digits and
    /// dashes, at most 32 characters. ``TokenStore/find(_:)`` finds the token by it when the answer was lost.
    public var tokenName: String

    /// Creates a request; without a name for the token it gets a random one.
    public init(
        subject: Subject,
        scope: TokenScope,
        lifetime: Duration? = nil,
        subjectToken: Secret? = nil,
        deposit: String? = nil,
        tokenName: String? = nil
    ) {
        self.subject = subject
        self.scope = scope
        self.lifetime = lifetime
        self.subjectToken = subjectToken
        self.deposit = deposit
        self.tokenName = tokenName ?? "daypass-" + String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
    }
}
