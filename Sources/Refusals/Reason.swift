// Every reason code there is, and the class of gRPC status that it leaves with.

/// Why a Mount was refused. The codes are stable: documents, alerts and metrics use them.
package struct Reason: Sendable, Hashable {
    /// What kind of failure it is. Each kind has one gRPC code, and all of those codes are final for kubelet: after a
    /// code that is not final, kubelet keeps the empty directory and the Pod may start on it.
    package enum Kind: Sendable, Hashable, CaseIterable {
        /// What was sent can't be read or makes no sense: INVALID_ARGUMENT.
        case invalid
        /// Who asks is not proved: UNAUTHENTICATED.
        case unauthenticated
        /// Who asks may not have it: PERMISSION_DENIED.
        case denied
        /// What is asked for does not exist: NOT_FOUND.
        case notFound
        /// The node, the cluster or the store must be set up first: FAILED_PRECONDITION.
        case unprepared
        /// It failed now and may work on the next try, which kubelet makes by itself: INTERNAL.
        case transient
        /// A defect of Daypass: INTERNAL.
        case defect
    }

    /// The code as it is printed.
    package let code: String
    /// The kind of failure.
    package let kind: Kind

    private init(_ code: String, _ kind: Kind) {
        self.code = code
        self.kind = kind
    }

    // The request.
    /// The call is no message of this API.
    package static let requestMalformed = Self("RequestMalformed", .invalid)
    /// The call, or a part of it, is larger than allowed.
    package static let requestTooLarge = Self("RequestTooLarge", .invalid)
    /// `attributes` is no JSON object of strings.
    package static let attributesMalformed = Self("AttributesMalformed", .invalid)
    /// `secrets` is neither `null` nor a JSON object of strings.
    package static let secretsMalformed = Self("SecretsMalformed", .invalid)
    /// `permission` is no JSON number that is a file mode.
    package static let permissionMalformed = Self("PermissionMalformed", .invalid)
    /// `target_path` is no path of a Pod's CSI volume.
    package static let targetPathMalformed = Self("TargetPathMalformed", .invalid)
    /// kubelet's own keys are missing: the CSIDriver object has no `podInfoOnMount`.
    package static let podInfoMissing = Self("PodInfoMissing", .unprepared)
    /// The caller is not kubelet's path to an inline volume.
    package static let volumeNotEphemeral = Self("VolumeNotEphemeral", .unprepared)

    // What the tenant wrote.
    /// A parameter that must be there is missing or empty.
    package static let parameterMissing = Self("ParameterMissing", .invalid)
    /// A parameter is malformed; the message names the parameter, the line and the key.
    package static let parameterMalformed = Self("ParameterMalformed", .invalid)
    /// A `${key}` names an attribute that is not there.
    package static let attributeMissing = Self("AttributeMissing", .invalid)
    /// A file's path, mode, format or tokens can't be.
    package static let fileInvalid = Self("FileInvalid", .invalid)
    /// A repository is written in a way that its store does not take.
    package static let repositoryInvalid = Self("RepositoryInvalid", .invalid)

    // Identity.
    /// No service account token of our audience came with the call.
    package static let tokenMissing = Self("TokenMissing", .unprepared)
    /// The service account token is no JSON Web Token that is acceptable.
    package static let tokenMalformed = Self("TokenMalformed", .unauthenticated)
    /// The service account token's signature, issuer, audience or key is wrong.
    package static let tokenRejected = Self("TokenRejected", .unauthenticated)
    /// The service account token is past its time, or before it.
    package static let tokenExpired = Self("TokenExpired", .unauthenticated)
    /// The service account token belongs to another Pod, or to none.
    package static let tokenNotForPod = Self("TokenNotForPod", .unauthenticated)
    /// The cluster's signing keys can't be had.
    package static let keysUnavailable = Self("KeysUnavailable", .transient)

    // Policy.
    /// The node's configuration has no store of that name, or none for this subject.
    package static let storeUnknown = Self("StoreUnknown", .notFound)
    /// No grant gives this subject this scope.
    package static let notGranted = Self("NotGranted", .denied)
    /// The request asks for nothing.
    package static let scopeEmpty = Self("ScopeEmpty", .invalid)

    // Minting.
    /// The source refuses this token.
    package static let storeRefused = Self("StoreRefused", .denied)
    /// The store's settings, key or clock are wrong.
    package static let storeMisconfigured = Self("StoreMisconfigured", .unprepared)
    /// The source asks to wait.
    package static let storeRateLimited = Self("StoreRateLimited", .transient)
    /// The source can't be reached or failed.
    package static let storeUnavailable = Self("StoreUnavailable", .transient)
    /// The source's answer can't be used.
    package static let storeAnswerUnusable = Self("StoreAnswerUnusable", .transient)
    /// The Pod has ended: no token is minted for it any more.
    package static let podEnded = Self("PodEnded", .notFound)
    /// The token was revoked while the call waited for it.
    package static let leaseRevoked = Self("LeaseRevoked", .transient)
    /// The journal of leases can't be written, so that nothing may be minted.
    package static let journalUnavailable = Self("JournalUnavailable", .transient)
    /// The time for this call ended before the token came.
    package static let outOfTime = Self("OutOfTime", .transient)
    /// The caller is gone.
    package static let cancelled = Self("Cancelled", .transient)
    /// The daemon is ending.
    package static let shuttingDown = Self("ShuttingDown", .transient)
    /// Something that must not happen.
    package static let defect = Self("Defect", .defect)

    /// All of them, for documents and tests.
    package static let all: [Reason] = [
        requestMalformed, requestTooLarge, attributesMalformed, secretsMalformed, permissionMalformed,
        targetPathMalformed, podInfoMissing, volumeNotEphemeral, parameterMissing, parameterMalformed, attributeMissing,
        fileInvalid, repositoryInvalid, tokenMissing, tokenMalformed, tokenRejected, tokenExpired, tokenNotForPod,
        keysUnavailable, storeUnknown, notGranted, scopeEmpty, storeRefused, storeMisconfigured, storeRateLimited,
        storeUnavailable, storeAnswerUnusable, podEnded, leaseRevoked, journalUnavailable, outOfTime, cancelled,
        shuttingDown, defect,
    ]
}
