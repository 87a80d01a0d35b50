// The answers of Google's IAM Service Account Credentials API.

import TokenStore

/// A token of an impersonated service account.
struct GoogleImpersonationAnswer {
    let token: Secret
    let expiresAt: UTCInstant

    private struct Body: Decodable {
        let accessToken: String
        let expireTime: String
    }

    /// `nil` when the body is something else.
    init?(_ body: [UInt8]) {
        guard let answer = JSONBody.decode(Body.self, body), let expiresAt = UTCInstant(rfc3339: answer.expireTime)
        else {
            return nil
        }
        token = Secret(utf8: answer.accessToken)
        guard Authorization.isUsable(token) else { return nil }
        self.expiresAt = expiresAt
    }
}

/// What refusals of impersonation mean (<https://cloud.google.com/apis/design/errors>).
struct GoogleIAMErrors: Sendable {
    let source: SourceErrors
    let serviceAccount: String

    var step: SourceErrors.Step {
        SourceErrors.Step(
            "impersonate \(serviceAccount)",
            mints: true,
            onUnauthorised: "check that the pool's tokens are accepted: the federated token was refused",
            onForbidden: "give the Pod's principal roles/iam.workloadIdentityUser on \(serviceAccount), and wait some "
                + "minutes for it to count; check that the IAM Service Account Credentials API is enabled",
            onNotFound: "check serviceAccount \(serviceAccount)"
        )
    }

    private struct Body: Decodable {
        struct Status: Decodable { let status: String? }
        let error: Status
    }

    func error(_ answer: HTTPAnswer, now: UTCInstant) -> TokenStoreError {
        let status = answer.body.count <= 1 << 16 ? JSONBody.decode(Body.self, answer.body)?.error.status : nil
        guard answer.status == 400, status == "INVALID_ARGUMENT" else { return source.error(answer, step, now: now) }
        return TokenStoreError(
            .misconfigured,
            "\(source.source) does not take the call to \(step.words) (HTTP 400, INVALID_ARGUMENT)",
            fix: "a life of more than an hour needs the organisation policy "
                + "iam.allowServiceAccountCredentialLifetimeExtension; check maxLifetimeSeconds"
        )
    }
}
