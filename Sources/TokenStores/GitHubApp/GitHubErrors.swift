// What GitHub's error answers mean, in our own words.

import TokenStore

/// Turns answers and transport errors into ``TokenStoreError``s. GitHub's texts decide the class and are never shown.
struct GitHubErrors: Sendable {
    /// What was being done.
    enum Step: Sendable {
        case findInstallation(repository: String)
        case listInstallations
        case mint(GitHubAsk)
        case revoke
    }

    let appID: String
    /// Where the App's key is, for messages.
    let keyPlace: String
    /// The API's origin, for messages.
    let api: String

    /// How long to stay away when GitHub limits us and does not say for how long
    /// (<https://docs.github.com/en/rest/using-the-rest-api/best-practices-for-using-the-rest-api#handle-rate-limit-errors-appropriately>).
    static let unsaidWait: Duration = .seconds(60)

    /// The error for an answer that is no success.
    func error(_ answer: HTTPAnswer, _ step: Step, now: UTCInstant) -> TokenStoreError {
        if let retryAt = Self.rateLimit(answer, now: now) {
            return TokenStoreError(
                .rateLimited,
                "GitHub limits this App's calls (HTTP \(answer.status)) until \(retryAt.rfc3339)",
                retryAt: retryAt
            )
        }
        switch answer.status {
        case 401: return unauthorised(answer, now: now)
        case 403: return forbidden(answer, step)
        case 404, 410: return notFound(answer, step)
        case 422: return unprocessable(step)
        case 300..<400: return moved(answer, step)
        case 500...:
            return TokenStoreError(
                .unavailable,
                "GitHub failed to \(step.words) (HTTP \(answer.status))",
                tokenMayExist: step.mayLeaveToken
            )
        case 200..<300:
            return TokenStoreError(
                .malformedAnswer,
                "GitHub answered HTTP \(answer.status) to the call to \(step.words)",
                fix: "check that apiURL \(api) is GitHub's REST API",
                tokenMayExist: step.mayLeaveToken
            )
        default:
            return TokenStoreError(
                .misconfigured,
                "GitHub does not take the call to \(step.words) (HTTP \(answer.status))",
                fix: "check that apiURL \(api) is GitHub's REST API"
            )
        }
    }

    /// The error for a call without a whole answer.
    func error(_ error: HTTPTransportError, _ step: Step) -> TokenStoreError {
        let mayExist = step.mayLeaveToken && error.requestMayHaveArrived
        let (code, message, fix): (TokenStoreError.Code, String, String) =
            switch error.code {
            case .cancelled: (.cancelled, "the call to \(step.words) was cancelled", "")
            case .unreachable: (.unavailable, "\(api) can't be reached", "check the node's network and DNS")
            case .proxy: (.unavailable, "the proxy on the way to \(api) refused", "check the proxy settings")
            case .timedOut: (.unavailable, "\(api) did not answer in time", "")
            case .broken: (.unavailable, "the connection to \(api) broke", "")
            case .tls:
                (
                    .misconfigured, "\(api) has no acceptable TLS certificate",
                    "check the trusted CAs and the node's clock"
                )
            case .tooLarge:
                (.malformedAnswer, "the answer of \(api) is too large", "check that apiURL is GitHub's REST API")
            case .invalidCall: (.misconfigured, "the call to \(api) can't be sent", "check apiURL")
            }
        return TokenStoreError(code, message, fix: fix, tokenMayExist: mayExist, cause: error)
    }

    /// Whether a 401 is about the times in the App's token.
    static func isAboutTime(_ answer: HTTPAnswer) -> Bool {
        guard answer.status == 401 else { return false }
        let message = ErrorAnswer.message(answer.body)
        return ["'exp'", "'iat'", "expiration time", "issued at"].contains { message.contains($0) }
    }

    /// The time before which another call is pointless; `nil` when the answer is no rate limit.
    static func rateLimit(_ answer: HTTPAnswer, now: UTCInstant) -> UTCInstant? {
        guard [403, 429, 503].contains(answer.status) else { return nil }
        if let retryAt = RetryAfter.instant(in: answer, now: now) { return retryAt }
        guard answer.status != 503 else { return nil }
        if answer.header("x-ratelimit-remaining") == "0" {
            guard let reset = answer.header("x-ratelimit-reset").flatMap(Int64.init) else {
                return RetryAfter.clamp(unsaidWait, now: now)
            }
            let theirNow = answer.header("Date").flatMap(HTTPDate.instant) ?? now
            return RetryAfter.clamp(theirNow.duration(to: UTCInstant(epochSeconds: reset)), now: now)
        }
        let isLimit = answer.status == 429 || ErrorAnswer.message(answer.body).contains("rate limit")
        return isLimit ? RetryAfter.clamp(unsaidWait, now: now) : nil
    }

    private func unauthorised(_ answer: HTTPAnswer, now: UTCInstant) -> TokenStoreError {
        guard Self.isAboutTime(answer) else {
            return TokenStoreError(
                .misconfigured,
                "GitHub does not accept the signature of App \(appID) (HTTP 401)",
                fix: "check that appID and \(keyPlace) belong to one App and that the key was not deleted there"
            )
        }
        let theirs = answer.header("Date").flatMap(HTTPDate.instant)
        let offset = theirs.map { $0.duration(to: now).components.seconds }
        let message =
            switch offset {
            case let offset? where offset > 0: "this node's clock is \(offset) s ahead of GitHub's"
            case let offset? where offset < 0: "this node's clock is \(-offset) s behind GitHub's"
            default: "GitHub does not accept the times in the App's token"
            }
        return TokenStoreError(.misconfigured, message, fix: "synchronise the node's clock (NTP)")
    }

    private func forbidden(_ answer: HTTPAnswer, _ step: Step) -> TokenStoreError {
        if ErrorAnswer.message(answer.body).contains("suspended") { return Self.suspended(step.owner) }
        return TokenStoreError(
            .refused,
            "GitHub forbids App \(appID) to \(step.words) (HTTP 403)",
            fix: "check the installation's permissions and the organisation's IP allow list"
        )
    }

    /// The error for a suspended installation.
    static func suspended(_ owner: String) -> TokenStoreError {
        TokenStoreError(
            .refused,
            "the App's installation on \(owner) is suspended",
            fix: "unsuspend it in the settings of \(owner)"
        )
    }

    /// The error for a repository that the App does not see.
    func notInstalled(_ repository: String) -> TokenStoreError {
        TokenStoreError(
            .refused,
            "App \(appID) is not installed for \(repository), or there is no such repository",
            fix: "install the App on the owner and give it the repository"
        )
    }

    private func notFound(_ answer: HTTPAnswer, _ step: Step) -> TokenStoreError {
        if ErrorAnswer.message(answer.body).contains("integration not found") {
            return TokenStoreError(
                .misconfigured,
                "GitHub knows no App \(appID)",
                fix: "write the client id or the app id of the App's settings page into appID"
            )
        }
        switch step {
        case .findInstallation(let repository): return notInstalled(repository)
        case .mint(let ask):
            return TokenStoreError(
                .refused,
                "App \(appID) has no installation on \(ask.owner) any more",
                fix: "install the App on \(ask.owner), or correct installationID if it is set"
            )
        case .revoke, .listInstallations:
            return TokenStoreError(
                .misconfigured,
                "\(api) has no call to \(step.words) (HTTP \(answer.status))",
                fix: "check that apiURL is GitHub's REST API"
            )
        }
    }

    private func unprocessable(_ step: Step) -> TokenStoreError {
        guard case .mint(let ask) = step else {
            return TokenStoreError(
                .malformedAnswer,
                "GitHub does not understand the call to \(step.words) (HTTP 422)",
                fix: "check that apiURL \(api) is GitHub's REST API"
            )
        }
        let scope = TokenScope(repositories: Array(ask.repositories.prefix(5)), permissions: ask.permissions)
        return TokenStoreError(
            .refused,
            "the App's installation on \(ask.owner) does not have all of \(scope.summary)",
            fix: "give the installation the repositories and permissions, accept new permissions there, or ask for less"
        )
    }

    private func moved(_ answer: HTTPAnswer, _ step: Step) -> TokenStoreError {
        if case .findInstallation(let repository) = step {
            return TokenStoreError(
                .refused,
                "\(repository) was renamed or moved (HTTP \(answer.status))",
                fix: "write its new name"
            )
        }
        return TokenStoreError(
            .misconfigured,
            "\(api) redirects the call to \(step.words) (HTTP \(answer.status)), and redirects are not followed",
            fix: "set apiURL to the address that it redirects to"
        )
    }
}

extension GitHubErrors.Step {
    /// What was being done, to follow "to".
    var words: String {
        switch self {
        case .findInstallation(let repository): "find the installation for \(repository)"
        case .mint(let ask): "mint a token for \(ask.owner)"
        case .listInstallations: "list the App's installations"
        case .revoke: "revoke a token"
        }
    }

    var owner: String {
        switch self {
        case .findInstallation(let repository): String(repository.prefix { $0 != "/" })
        case .mint(let ask): ask.owner
        case .listInstallations, .revoke: "its owner"
        }
    }

    /// Whether a lost answer to this step may leave a token behind.
    var mayLeaveToken: Bool {
        if case .mint = self { true } else { false }
    }
}
