// An OAuth token endpoint: token exchange (RFC 8693), client credentials (RFC 6749) and revocation (RFC 7009).

import Foundation
import LoopbackCluster
import Synchronization
package import TokenStore

/// A token endpoint that checks what the specifications tell it to check, and answers their errors.
package final class LoopbackTokenEndpoint: Sendable {
    /// One token that was issued.
    package struct Minted: Sendable {
        package let token: String
        package let scope: [String]
        package let client: String?
        package let subject: String?
        package let expiresAt: UTCInstant
        package var isRevoked = false
    }

    package let subjects: SubjectTokens
    private let rulesBox: Mutex<TokenEndpointRules>
    private let books = Mutex<[Minted]>([])
    /// `jti`s of client assertions that were shown.
    let shownAssertions = Mutex<Set<String>>([])
    let now: @Sendable () -> UTCInstant

    package init(
        _ rules: TokenEndpointRules,
        subjects: SubjectTokens,
        now: @escaping @Sendable () -> UTCInstant = { SystemClock().now }
    ) {
        rulesBox = Mutex(rules)
        self.subjects = subjects
        self.now = now
    }

    package var rules: TokenEndpointRules {
        get { rulesBox.withLock { $0 } }
        set { rulesBox.withLock { $0 = newValue } }
    }

    /// Every token that was issued, in order.
    package var minted: [Minted] { books.withLock { $0 } }
    /// The tokens that still work.
    package var live: [Minted] { minted.filter { !$0.isRevoked && $0.expiresAt > now() } }
    /// Whether a service that trusts this endpoint would take a token.
    package func accepts(_ token: String) -> Bool { live.contains { $0.token == token } }

    /// Answers one request.
    package func handle(_ request: SourceRequest) async -> SourceAnswer {
        let rules = rules
        guard request.path == rules.path || request.path == rules.revocationPath else { return SourceAnswer(404) }
        guard request.method == "POST" else { return SourceAnswer(405, headers: ["Allow": "POST"]) }
        guard request.headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") == true else {
            return Self.error("invalid_request", "the content type is not that of a form")
        }
        // Parameters must not be repeated (RFC 6749, section 3.2), but for the targets of an exchange.
        let names = request.form.map(\.name).filter { $0 != "audience" && $0 != "resource" }
        guard Set(names).count == names.count else { return Self.error("invalid_request", "a parameter is repeated") }
        let client: String?
        do throws(ClientRefusal) { client = try await authenticate(request, rules) } catch { return error.answer }
        return request.path == rules.path ? token(request, client, rules) : revoke(request, client)
    }

    private func token(_ request: SourceRequest, _ client: String?, _ rules: TokenEndpointRules) -> SourceAnswer {
        guard let grant = request.form("grant_type") else { return Self.error("invalid_request", "no grant_type") }
        guard rules.grantTypes.contains(grant) else { return Self.error("unsupported_grant_type", grant) }
        for (name, value) in rules.requiredFields where request.form(name) != value {
            return Self.error("invalid_request", "\(name) is missing or wrong")
        }
        var subject: String?
        var type: String?
        if grant != "client_credentials" {
            switch exchange(request, rules) {
            case .success(let claims): subject = claims.sub
            case .failure(let refusal): return refusal.answer
            }
            type =
                rules.issuedTokenType ?? request.form("requested_token_type")
                ?? "urn:ietf:params:oauth:token-type:access_token"
        } else if client == nil {
            return Self.error("invalid_client", "client credentials need a client", status: 401)
        }
        for target in request.form where target.name == "audience" || target.name == "resource" {
            guard rules.targets.contains(target.value) else { return Self.error("invalid_target", target.value) }
        }
        let asked = request.form("scope").map { $0.split(separator: " ").map(String.init) } ?? []
        let granted = rules.narrows ? asked.compactMap(rules.narrowed) : asked.filter(rules.scopes.contains)
        guard granted == asked || (rules.narrows && !granted.isEmpty) else {
            return Self.error("invalid_scope", "not all of the scope can be granted")
        }
        return mint(granted + rules.addedScopes, client: client, subject: subject, type: type, rules)
    }

    struct Refusal: Error { let answer: SourceAnswer }

    /// The checks of RFC 8693, section 2.1; a subject token that is not accepted is `invalid_request` (section 2.2.2).
    private func exchange(
        _ request: SourceRequest,
        _ rules: TokenEndpointRules
    ) -> Result<SubjectTokens.Claims, Refusal> {
        func refuse(_ code: String, _ text: String) -> Result<SubjectTokens.Claims, Refusal> {
            .failure(Refusal(answer: Self.error(code, text)))
        }
        guard let token = request.form("subject_token"), !token.isEmpty else {
            return refuse("invalid_request", "no subject_token")
        }
        let types = ["jwt", "id_token", "access_token"].map { "urn:ietf:params:oauth:token-type:\($0)" }
        guard let type = request.form("subject_token_type"), types.contains(type) else {
            return refuse("invalid_request", "no subject_token_type that is known")
        }
        do throws(SubjectTokens.Rejection) {
            let claims = try subjects.verify(token, audience: rules.audience, now: now())
            guard rules.subjects.contains(claims.sub) else {
                return refuse("invalid_request", "subject \(claims.sub) is not trusted: \(token)")
            }
            return .success(claims)
        } catch {
            // Real endpoints have been seen to repeat what they were sent.
            return refuse("invalid_request", "subject token \(error): \(token)")
        }
    }

    private func mint(
        _ scope: [String],
        client: String?,
        subject: String?,
        type: String?,
        _ rules: TokenEndpointRules
    ) -> SourceAnswer {
        let expiresAt = now().advanced(by: .seconds(rules.life))
        let random = (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
        let token: String
        if rules.issuesJWTs {
            let claims = #"{"exp":\#(expiresAt.epochSeconds),"jti":"\#(random)","sub":"\#(subject ?? client ?? "")"}"#
            guard let signed = try? subjects.issuer.sign(claims: Array(claims.utf8)) else { return SourceAnswer(500) }
            token = signed
        } else {
            token = "opaque-" + random
        }
        books.withLock {
            $0.append(Minted(token: token, scope: scope, client: client, subject: subject, expiresAt: expiresAt))
        }
        var fields = [#""access_token":"\#(token)""#]
        if let type { fields.append(#""issued_token_type":"\#(type)""#) }
        if let tokenType = rules.tokenType { fields.append(#""token_type":"\#(tokenType)""#) }
        switch rules.lifeForm {
        case .number: fields.append(#""expires_in":\#(rules.life)"#)
        case .text: fields.append(#""expires_in":"\#(rules.life)""#)
        case .none: break
        }
        if rules.namesScope { fields.append(#""scope":"\#(scope.flatMap(rules.written).joined(separator: " "))""#) }
        return .json(200, "{\(fields.joined(separator: ","))}", headers: ["Cache-Control": "no-store"])
    }

    /// RFC 7009: 200 whether the token was known or not; a token of another client is refused.
    private func revoke(_ request: SourceRequest, _ client: String?) -> SourceAnswer {
        guard let token = request.form("token") else { return Self.error("invalid_request", "no token") }
        return books.withLock { books in
            guard let index = books.firstIndex(where: { $0.token == token }) else { return SourceAnswer(200) }
            guard books[index].client == client else {
                return Self.error("unauthorized_client", "the token is another client's")
            }
            books[index].isRevoked = true
            return SourceAnswer(200)
        }
    }

    /// An error answer of RFC 6749, section 5.2.
    static func error(_ code: String, _ text: String, status: Int = 400) -> SourceAnswer {
        let description = text.replacingOccurrences(of: "\"", with: "'")
        return .json(
            status,
            #"{"error":"\#(code)","error_description":"\#(description)"}"#,
            headers: status == 401 ? ["WWW-Authenticate": "Basic realm=\"tokens\""] : [:]
        )
    }
}
