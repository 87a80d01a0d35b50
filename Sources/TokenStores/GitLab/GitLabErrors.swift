// What GitLab's error answers mean, in our own words.

import TokenStore

/// Turns answers into ``TokenStoreError``s. GitLab writes `{"message": TEXT}`, `{"message": {KEY: [TEXT]}}` or
/// `{"error": TEXT}`; the texts decide the class and are never shown.
struct GitLabErrors: Sendable {
    let errors: SourceErrors
    let tokenFile: String

    /// How long to stay away when GitLab seems to have banned this node's address.
    static let banPause: Duration = .seconds(300)

    func mint(_ ask: GitLabAsk) -> SourceErrors.Step {
        let role = if case .project = ask.owner { "Maintainer or Owner" } else { "Owner" }
        return SourceErrors.Step(
            "create \(ask.type.words) of \(ask.owner.words)",
            mints: true,
            onUnauthorised:
                "replace the token in \(tokenFile): it has expired, was revoked or is none of this GitLab's",
            onForbidden: "give the token in \(tokenFile) the scope api and the role \(role) there",
            onNotFound: "check the name, and that the owner of the token in \(tokenFile) is a member there"
        )
    }

    func find(_ ask: GitLabAsk) -> SourceErrors.Step {
        SourceErrors.Step(
            "list the tokens of \(ask.owner.words)",
            // GitLab also says 401 to a user who may not list.
            onUnauthorised: "check the token in \(tokenFile), and that its owner is Maintainer or Owner there",
            onForbidden: "give the token in \(tokenFile) the scope api and the role Maintainer or Owner there"
        )
    }

    var revoke: SourceErrors.Step {
        SourceErrors.Step(
            "revoke a token",
            onUnauthorised:
                "replace the token in \(tokenFile): it has expired, was revoked or is none of this GitLab's",
            onForbidden: "give the token in \(tokenFile) the scope api and the role Maintainer or Owner there",
            onNotFound: "if the project still exists, make the owner of the token in \(tokenFile) a member again"
        )
    }

    /// The error for an answer that is no success.
    func error(_ answer: HTTPAnswer, _ step: SourceErrors.Step, now: UTCInstant) -> TokenStoreError {
        var error = errors.error(answer, step, now: now)
        let text = answer.loweredText
        switch answer.status {
        case 429 where answer.header("Retry-After") == nil:
            // https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
            guard let reset = answer.header("RateLimit-Reset").flatMap(Int64.init) else { break }
            let theirNow = answer.header("Date").flatMap(HTTPDate.instant) ?? now
            let retryAt = RetryAfter.clamp(theirNow.duration(to: UTCInstant(epochSeconds: reset)), now: now)
            error.retryAt = retryAt
            error.message = "GitLab limits our calls (HTTP 429) until \(retryAt.rfc3339)"
        case 403 where !text.contains("\"message\"") && !text.contains("\"error\""):
            // GitLab's guard against guessed passwords answers before the API does, and ends by itself within the hour;
            // until then each call of each Pod would be in vain.
            error.code = .rateLimited
            error.retryAt = RetryAfter.clamp(Self.banPause, now: now)
            error.fix =
                "GitLab may have banned this node's address for an hour after failed logins, which a build behind it "
                + "can cause too: see its log auth.log; or a proxy forbids it"
        case 403 where text.contains("insufficient_scope"):
            error.code = .misconfigured
            error.message = "the token in \(tokenFile) lacks a scope to \(step.words) (HTTP 403)"
            error.fix = "use a token with the scope api"
        case 400 where step.mints:
            return badMint(text, step)
        default: break
        }
        return error
    }

    private func badMint(_ text: String, _ step: SourceErrors.Step) -> TokenStoreError {
        let (what, fix): (String, String)
        if text.contains("permission") || text.contains("access level") {
            what = "GitLab does not let the store's token \(step.words)"
            fix =
                "its owner needs the role Maintainer there, and at least the role in accessLevel; a project's or "
                + "group's own token may not make access tokens"
        } else if text.contains("expires_at") || text.contains("expir") {
            what = "GitLab does not allow the life that was asked for to \(step.words)"
            fix = "ask for a shorter lifetime, or raise GitLab's maximum lifetime of tokens"
        } else if text.contains("limit") {
            what = "GitLab has no room to \(step.words): its limit of tokens is reached"
            fix = "delete old tokens there; on GitLab.com access tokens need a paid plan"
        } else {
            what = "GitLab does not take the call to \(step.words)"
            fix = "check that its version knows the scopes, and that the registry is switched on there"
        }
        return TokenStoreError(.refused, "\(what) (HTTP 400)", fix: fix)
    }
}
