// The calls to GitHub's REST API that a store makes, with their headers and deadlines.

import TokenStore

/// Sends calls as the App or with one of its tokens. Knows headers, deadlines and the App's token; judges no answer but
/// complaints about the clock.
struct GitHubAPI: Sendable {
    /// The time for one call as the App.
    static let callTimeout: Duration = .seconds(10)
    /// The time for one call that only tries a new token.
    static let probeTimeout: Duration = .seconds(2)
    /// The time for revoking a token that nobody will receive.
    static let discardTimeout: Duration = .seconds(5)

    let base: ServiceURL
    let appTokens: AppTokenSource
    let http: any HTTPTransport
    let clock: any WallClock

    /// <https://docs.github.com/en/rest/about-the-rest-api/api-versions>; the user agent, which is obligatory, is the
    /// transport's.
    private static let headers = [
        HTTPField("Accept", "application/vnd.github+json"),
        HTTPField("X-GitHub-Api-Version", "2022-11-28"),
    ]

    /// A failure before there is an answer.
    enum Failure: Error {
        /// There is no whole answer.
        case transport(HTTPTransportError)
        /// The App's token could not be made.
        case own(TokenStoreError)
    }

    /// `GET /repos/{owner}/{repo}/installation`.
    func findInstallation(repository: String) async throws(Failure) -> HTTPAnswer {
        try await sendAsApp(call("GET", "/repos/\(repository)/installation"))
    }

    /// `GET /app/installations`, a page of 100, from 1.
    func installations(page: Int) async throws(Failure) -> HTTPAnswer {
        try await sendAsApp(call("GET", "/app/installations?per_page=100&page=\(page)"))
    }

    /// `POST /app/installations/{id}/access_tokens`.
    func mint(installation: Int64, body: [UInt8]) async throws(Failure) -> HTTPAnswer {
        var mint = call("POST", "/app/installations/\(installation)/access_tokens")
        mint.headers.append(HTTPField("Content-Type", "application/json"))
        mint.body = body
        return try await sendAsApp(mint)
    }

    /// `GET /repos/{owner}/{repo}` with a token, to see whether the token works yet.
    func probe(_ token: Secret, repository: String) async throws(HTTPTransportError) -> HTTPAnswer {
        var probe = call("GET", "/repos/\(repository)")
        probe.authorization = Self.bearer(token)
        probe.timeout = Self.probeTimeout
        return try await http.send(probe)
    }

    /// `DELETE /installation/token` with the token that ends.
    func revoke(_ token: Secret, timeout: Duration = callTimeout) async throws(HTTPTransportError) -> HTTPAnswer {
        var revoke = call("DELETE", "/installation/token")
        revoke.authorization = Self.bearer(token)
        revoke.timeout = timeout
        return try await http.send(revoke)
    }

    private func call(_ method: String, _ path: String) -> HTTPCall {
        HTTPCall(method, base.text + path, headers: Self.headers, timeout: Self.callTimeout)
    }

    private static func bearer(_ token: Secret) -> Secret { Secret(Array("Bearer ".utf8) + token.reveal()) }

    /// Sends a call with the App's token. When GitHub complains about the token's times and the clocks differ by an
    /// amount that may be worked around, it is signed anew with GitHub's time and sent once more.
    private func sendAsApp(_ call: HTTPCall) async throws(Failure) -> HTTPAnswer {
        let signed = try await appToken()
        let answer = try await send(call, as: signed)
        guard GitHubErrors.isAboutTime(answer), let theirs = answer.header("Date").flatMap(HTTPDate.instant),
            appTokens.adopt(offset: clock.now.duration(to: theirs), rejected: signed)
        else { return answer }
        return try await send(call, as: try await appToken())
    }

    private func appToken() async throws(Failure) -> AppTokenSource.Signed {
        do throws(TokenStoreError) {
            return try await appTokens.token(now: clock.now)
        } catch {
            throw .own(error)
        }
    }

    private func send(_ call: HTTPCall, as signed: AppTokenSource.Signed) async throws(Failure) -> HTTPAnswer {
        var call = call
        call.authorization = Self.bearer(signed.token)
        do throws(HTTPTransportError) {
            return try await http.send(call)
        } catch {
            throw .transport(error)
        }
    }
}
