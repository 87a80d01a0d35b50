// What the refusals of Entra and of a registry mean.

import TokenStore

/// Turns the answers of Entra and of one registry into ``TokenStoreError``s. Nothing that they wrote is shown but Entra's
/// own error numbers.
struct AzureErrors: Sendable {
    let source: SourceErrors
    let entraSource: SourceErrors
    private let oauth: OAuthErrors
    private let settings: AzureContainerRegistrySettings
    private let host: String

    init(plan: AzurePlan, settings: AzureContainerRegistrySettings) {
        host = plan.host
        self.settings = settings
        source = SourceErrors(source: "the registry", address: plan.registry.text, addressKey: "registry")
        entraSource = SourceErrors(source: "Entra", address: plan.authority.text, addressKey: "authorityURL")
        oauth = OAuthErrors(
            source: entraSource,
            fixes: [
                .invalidClient: "check clientID and its federated credential",
                .unauthorizedClient: "check tenantID and clientID", .invalidRequest: "check tenantID and clientID",
                .invalidScope: "check entraScope", .invalidTarget: "check entraScope",
            ]
        )
    }

    static let entraStep = SourceErrors.Step(
        "take the Pod's token",
        onUnauthorised: "check clientID and its federated credential",
        onNotFound: "check tenantID"
    )

    var exchange: SourceErrors.Step {
        SourceErrors.Step(
            "exchange Entra's token",
            onUnauthorised: "check that \(host) belongs to the tenant \(settings.tenantID)",
            onForbidden: "allow this node's address in the registry's network rules"
        )
    }

    func mint(_ scope: TokenScope) -> SourceErrors.Step {
        SourceErrors.Step(
            "issue a token for \(scope.repositories.prefix(3).joined(separator: ", "))",
            mints: true,
            onUnauthorised: "give the identity \(settings.clientID) a role there: AcrPull or AcrPush, or with ABAC "
                + "Container Registry Repository Reader or Writer",
            onForbidden: "allow this node's address in the registry's network rules"
        )
    }

    /// A registry's refusal. Its 401 to the right call is one of rights, not of a wrong credential of the node's.
    func registry(_ answer: HTTPAnswer, _ step: SourceErrors.Step, now: UTCInstant) -> TokenStoreError {
        var error = source.error(answer, step, now: now)
        if answer.status == 401 {
            error = TokenStoreError(
                .refused,
                "\(host) does not let the identity \(step.words) (HTTP 401)",
                fix: step.onUnauthorised
            )
        }
        return error
    }

    private struct Body: Decodable { let error_codes: [Int]? }

    /// Entra's refusal, by its number where that is one of those that people meet
    /// (<https://learn.microsoft.com/en-us/entra/identity-platform/reference-error-codes>).
    func entra(_ answer: HTTPAnswer, _ subject: Subject, now: UTCInstant) -> TokenStoreError {
        let numbers = answer.body.count <= 1 << 16 ? JSONBody.decode(Body.self, answer.body)?.error_codes : nil
        guard (400..<500).contains(answer.status), answer.status != 429, let number = numbers?.first else {
            return oauth.error(answer, Self.entraStep, now: now)
        }
        let what = "(HTTP \(answer.status), AADSTS\(number))"
        switch number {
        case 70021, 700_211, 700_212, 700_213, 700_214:
            let account = "system:serviceaccount:\(subject.namespace):\(subject.serviceAccount)"
            return TokenStoreError(
                .refused,
                "Entra has no federated credential that fits the Pod's token \(what)",
                fix:
                    "give \(settings.clientID) one with this cluster's issuer (exactly, with or without a slash at its "
                    + "end), the subject \(account) and the audience \(settings.subjectAudience)"
            )
        case 700_024:
            return TokenStoreError(
                .misconfigured,
                "Entra finds the times of the Pod's token not acceptable \(what)",
                fix: "set the clocks of the node and of the API server"
            )
        case 700_016, 90002, 900_023:
            return TokenStoreError(
                .misconfigured,
                "Entra knows no such application or tenant \(what)",
                fix: "check tenantID and clientID"
            )
        case 50027, 500_133, 700_027:
            return TokenStoreError(
                .refused,
                "Entra can't verify the Pod's token \(what)",
                fix: "check that Entra can read the keys of the cluster's issuer"
            )
        case 70011, 500_011, 1_002_012:
            return TokenStoreError(.misconfigured, "Entra does not know the scope \(what)", fix: "check entraScope")
        default: return oauth.error(answer, Self.entraStep, now: now)
        }
    }
}
