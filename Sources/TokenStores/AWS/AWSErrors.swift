// What the errors of STS and ECR mean, in our own words.

import TokenStore

/// Turns answers into ``TokenStoreError``s. AWS's codes decide the class; its texts are never shown.
struct AWSErrors: Sendable {
    let role: RoleARN
    /// With what the role is assumed, for advice.
    let usesPodToken: Bool
    /// The errors of the one service that is called.
    let source: SourceErrors

    /// What was being done.
    struct Step: Sendable {
        let base: SourceErrors.Step
        /// What an operator gives the role when it is denied.
        let denied: String
    }

    /// The error for an answer that is no success.
    func error(_ answer: HTTPAnswer, _ step: Step, now: UTCInstant) -> TokenStoreError {
        let fault = AWSFault(answer)
        let what = "(\(fault.code), HTTP \(answer.status))"
        switch fault.code {
        case "Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "RequestLimitExceeded",
            "TooManyRequestsException", "LimitExceededException", "SlowDown":
            let wait = RetryAfter.clamp(SourceErrors.unsaidWait, now: now)
            let retryAt = RetryAfter.instant(in: answer, now: now) ?? wait
            return TokenStoreError(
                .rateLimited,
                "\(source.source) limits this account's calls until \(retryAt.rfc3339) \(what)",
                retryAt: retryAt
            )
        case "InternalFailure", "InternalError", "InternalServerError", "ServerException", "ServiceUnavailable",
            "ServiceUnavailableException", "IDPCommunicationError":
            let text =
                fault.code == "IDPCommunicationError"
                ? "STS can't reach the cluster's issuer" : "\(source.source) failed to \(step.base.words)"
            return TokenStoreError(.unavailable, "\(text) \(what)", tokenMayExist: step.base.mints)
        case "InvalidIdentityToken", "IDPRejectedClaim", "ExpiredTokenException", "ExpiredToken":
            return tokenError(fault, what, step)
        case "AccessDenied", "AccessDeniedException", "UnauthorizedOperation":
            return TokenStoreError(
                .refused,
                "\(source.source) does not let us \(step.base.words) \(what)",
                fix: step.denied
            )
        case "MalformedPolicyDocument", "PackedPolicyTooLarge", "ValidationError", "ValidationException",
            "InvalidParameterException":
            return parameterError(fault, what, step)
        case "RegionDisabledException", "RegionDisabled", "OptInRequired":
            return TokenStoreError(
                .misconfigured,
                "STS is not activated in this region for the account \(role.account) \(what)",
                fix: "activate it in IAM's account settings, or use another region"
            )
        case "SignatureDoesNotMatch", "InvalidSignatureException", "IncompleteSignature",
            "IncompleteSignatureException",
            "RequestExpired", "InvalidClientTokenId", "UnrecognizedClientException", "MissingAuthenticationToken",
            "MissingAuthenticationTokenException", "AuthFailure", "InvalidAccessKeyId", "NotAuthorized":
            return signatureError(answer, fault, what, now: now)
        default: return source.error(answer, step.base, now: now)
        }
    }

    private func tokenError(_ fault: AWSFault, _ what: String, _ step: Step) -> TokenStoreError {
        guard usesPodToken || fault.code.hasPrefix("Expired") else {
            return TokenStoreError(.refused, "\(source.source) refuses to \(step.base.words) \(what)")
        }
        // Said also when the key set takes longer than 5 seconds, and when STS limits itself.
        if fault.says("verification key") {
            return TokenStoreError(
                .unavailable,
                "STS could not fetch the cluster's keys \(what)",
                fix: "if it stays so: the issuer's discovery document and key set must be public and fast"
            )
        }
        switch fault.code {
        case "ExpiredTokenException", "ExpiredToken":
            return TokenStoreError(
                .unavailable,
                "\(source.source) says that the credential to \(step.base.words) has expired \(what)",
                fix: usesPodToken
                    ? "kubelet brings a new token by itself; if it stays so, check the node's clock"
                    : "renew the files of accessKey"
            )
        case "IDPRejectedClaim":
            return TokenStoreError(
                .refused,
                "the cluster's issuer rejected the Pod's token \(what)",
                fix: "check that the Pod still exists"
            )
        default:
            return TokenStoreError(
                .misconfigured,
                "STS does not take the Pod's token \(what)",
                fix: "in account \(role.account), register the cluster's issuer as an IAM OIDC provider with the "
                    + "audience that is in this store's settings"
            )
        }
    }

    private func parameterError(_ fault: AWSFault, _ what: String, _ step: Step) -> TokenStoreError {
        if fault.code == "PackedPolicyTooLarge" || (fault.code == "ValidationError" && fault.says("at 'policy'")) {
            return TokenStoreError(
                .refused,
                "the session policy for this build's repositories is too large for STS \(what)",
                fix: "ask for fewer repositories in one token"
            )
        }
        if fault.says("MaxSessionDuration") || fault.says("DurationSeconds exceeds") {
            return TokenStoreError(
                .misconfigured,
                "the session is longer than the role \(role.name) allows \(what)",
                fix: "raise the role's maximum session duration, or lower sessionSeconds"
            )
        }
        if fault.code == "MalformedPolicyDocument" {
            return TokenStoreError(
                .refused,
                "STS does not take the session policy for this build's repositories \(what)",
                fix: "check that region, registryID and the names of the repositories are right"
            )
        }
        return TokenStoreError(
            .misconfigured,
            "\(source.source) does not take a parameter of the call to \(step.base.words) \(what)",
            fix: "check the store's settings"
        )
    }

    private func signatureError(
        _ answer: HTTPAnswer,
        _ fault: AWSFault,
        _ what: String,
        now: UTCInstant
    ) -> TokenStoreError {
        let theirs = answer.header("Date").flatMap(HTTPDate.instant)
        if let offset = theirs.map({ $0.duration(to: now).components.seconds }), abs(offset) > 240 {
            return TokenStoreError(
                .misconfigured,
                "this node's clock is \(abs(offset)) s \(offset > 0 ? "ahead of" : "behind") AWS's \(what)",
                fix: "synchronise the node's clock (NTP)"
            )
        }
        let isSTS = source.addressKey == "stsURL"
        return TokenStoreError(
            .misconfigured,
            "\(source.source) does not accept our signature \(what)",
            fix: isSTS
                ? "check the files of accessKey, and the node's clock"
                : "check that \(source.addressKey) and region belong together, and the node's clock"
        )
    }
}

/// What an error answer of an AWS service says, in any of the forms that they have.
struct AWSFault {
    /// A code of our own list as it is; `unknown error` for others, because AWS's text is not shown.
    let code: String
    private let message: String

    init(_ answer: HTTPAnswer) {
        struct Body: Decodable {
            let type: String?
            let message: String?
            let capitalMessage: String?

            enum CodingKeys: String, CodingKey {
                case type = "__type"
                case message
                case capitalMessage = "Message"
            }
        }
        var found: (code: String?, message: String?) = (nil, nil)
        if let body = JSONBody.decode(Body.self, answer.body) {
            found = (body.type ?? answer.header("x-amzn-ErrorType"), body.message ?? body.capitalMessage)
        } else if let error = PlainXML.parse(answer.body)?.first("Error") {
            found = (error.text("Code"), error.text("Message"))
        }
        // `com.amazonaws.ecr#ServerException`, `ServerException:http://...`
        let plain = found.code.map { code in
            String((code.split(separator: "#").last ?? "").prefix { $0 != ":" })
        }
        let isWord =
            plain.map { !$0.isEmpty && $0.utf8.count <= 64 && $0.allSatisfy { $0.isASCII && $0.isLetter } } ?? false
        code = isWord ? plain ?? "" : ""
        message = found.message ?? ""
    }

    func says(_ text: String) -> Bool { message.contains(text) }
}
