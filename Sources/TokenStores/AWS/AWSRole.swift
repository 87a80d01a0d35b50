// The role that a store assumes, and who assumes it: the keys of the settings that all stores of AWS have.

package import TokenStore

/// A node's own access key, for places where AWS can't verify the Pods' tokens.
package struct AWSAccessKeyFiles: Decodable, Sendable {
    /// The file that holds the access key's id.
    package var id: SecretReference
    /// The file that holds the secret access key.
    package var secret: SecretReference
    /// The file that holds the session token, when the keys are a session's own.
    package var sessionToken: SecretReference?

    package init(id: SecretReference, secret: SecretReference, sessionToken: SecretReference? = nil) {
        self.id = id
        self.secret = secret
        self.sessionToken = sessionToken
    }
}

/// What the settings of all stores of AWS have in common.
protocol AWSRoleSettings {
    var roleARN: String { get }
    var audience: String? { get }
    var accessKey: AWSAccessKeyFiles? { get }
    var externalID: String? { get }
    var sessionSeconds: Int? { get }
    var stsURL: String? { get }
}

extension AWSRoleSettings {
    /// The audience of the Pod's token; `nil` when the node's own key is used.
    var subjectTokenAudience: String? { accessKey == nil ? audience ?? AWSRole.defaultAudience : nil }
}

/// The role, checked.
struct AWSRole: Sendable {
    /// What IAM's documentation, and everybody, registers for Kubernetes.
    static let defaultAudience = "sts.amazonaws.com"
    /// The longest audience, in bytes.
    static let longestAudience = 256
    /// What STS takes for a session's length, in seconds.
    static let sessionLimits = 900...43_200
    /// A session that was made by another session's keys has an hour at most.
    static let longestChained = 3600

    /// With whose credential the role is assumed.
    enum Identity: Sendable {
        case podToken(audience: String)
        case accessKey(AWSAccessKeyFiles, externalID: String?)
    }

    let arn: RoleARN
    let identity: Identity
    let sts: ServiceURL
    /// The length of sessions that nobody chose, in seconds.
    let sessionSeconds: Int

    init(_ settings: some AWSRoleSettings, endpoints: AWSEndpoints) throws(TokenStoreError) {
        arn = try RoleARN(settings.roleARN)
        guard arn.partition == endpoints.partition.name else {
            throw TokenStoreError(
                .misconfigured,
                "roleARN is of the partition \(arn.partition), and \(endpoints.region) is in "
                    + endpoints.partition.name,
                fix: "write a role and a region of one partition"
            )
        }
        if let keys = settings.accessKey {
            guard settings.audience == nil else {
                throw TokenStoreError(
                    .misconfigured,
                    "audience and accessKey exclude each other",
                    fix: "leave accessKey out to use the Pods' own tokens"
                )
            }
            try Self.check(externalID: settings.externalID)
            identity = .accessKey(keys, externalID: settings.externalID)
        } else {
            guard settings.externalID == nil else {
                throw TokenStoreError(
                    .misconfigured,
                    "externalID goes with accessKey only",
                    fix: "leave it out: the Pod's token is bound to its audience"
                )
            }
            let audience = settings.audience ?? Self.defaultAudience
            guard (1...Self.longestAudience).contains(audience.utf8.count) else {
                throw TokenStoreError(
                    .misconfigured,
                    "audience is empty or longer than \(Self.longestAudience) bytes",
                    fix: "leave it out for \(Self.defaultAudience), or write one that the IAM OIDC provider has"
                )
            }
            identity = .podToken(audience: audience)
        }
        sts = try AskChecks.url("stsURL", settings.stsURL ?? endpoints.sts)
        let longest =
            settings.accessKey?.sessionToken == nil ? Self.sessionLimits.upperBound : Self.longestChained
        let seconds = settings.sessionSeconds ?? 3600
        guard (Self.sessionLimits.lowerBound...longest).contains(seconds) else {
            throw TokenStoreError(
                .misconfigured,
                "sessionSeconds is \(seconds), and STS takes \(Self.sessionLimits.lowerBound) to \(longest)",
                fix: "leave it out for an hour"
            )
        }
        sessionSeconds = seconds
    }

    /// Whether the role is assumed with the Pods' tokens, and not with the node's own key.
    var usesPodToken: Bool { if case .podToken = identity { true } else { false } }

    /// The length of a session, in seconds.
    func seconds(_ lifetime: Duration?) -> Int {
        guard let lifetime else { return sessionSeconds }
        let limits = Self.sessionLimits
        var longest = limits.upperBound
        if case .accessKey(let keys, _) = identity, keys.sessionToken != nil { longest = Self.longestChained }
        return Int(min(max(lifetime.components.seconds, Int64(limits.lowerBound)), Int64(longest)))
    }

    private static func check(externalID: String?) throws(TokenStoreError) {
        guard let externalID else { return }
        let isRight = externalID.utf8.allSatisfy { SessionName.isAllowed($0) || ":/".utf8.contains($0) }
        guard isRight, (2...1224).contains(externalID.utf8.count) else {
            throw TokenStoreError(
                .misconfigured,
                "externalID is not of 2 to 1224 letters, digits and _+=,.@:/-",
                fix: "write what the role's trust policy asks for"
            )
        }
    }
}
