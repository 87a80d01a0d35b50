// Entra and one container registry, as far as a registry's client meets them.

import Foundation
import LoopbackCluster
import Synchronization
package import TokenStore

/// A tenant of Entra with one application and one registry.
package final class LoopbackAzure: Sendable {
    /// What is set up there.
    package struct Setup: Sendable {
        package var tenant = "11111111-1111-1111-1111-111111111111"
        package var client = "22222222-2222-2222-2222-222222222222"
        /// The audience and the subject of the application's federated credential.
        package var audience = "api://AzureADTokenExchange"
        package var subject = "system:serviceaccount:binder:builder"
        package var scope = "https://containerregistry.azure.net/.default"
        /// The registry's login server.
        package var registry = "ours.azurecr.io"
        /// What the application's roles allow, by repository.
        package var rights: [String: Set<String>] = [:]
        /// What is granted although nobody asked, by repository.
        package var added: [String: Set<String>] = [:]
        /// Whether the registry's network rules let the caller in.
        package var letsIn = true

        package init() {}
    }

    package let subjects: SubjectTokens
    private let setupBox: Mutex<Setup>
    private let entraTokens = Mutex<Set<String>>([])
    private let refreshTokens = Mutex<Set<String>>([])
    private let accessTokens = Mutex<[String]>([])
    private let now: @Sendable () -> UTCInstant

    package init(
        _ setup: Setup,
        subjects: SubjectTokens,
        now: @escaping @Sendable () -> UTCInstant = { SystemClock().now }
    ) {
        setupBox = Mutex(setup)
        self.subjects = subjects
        self.now = now
    }

    package var setup: Setup {
        get { setupBox.withLock { $0 } }
        set { setupBox.withLock { $0 = newValue } }
    }

    /// The access tokens that were issued.
    package var minted: [String] { accessTokens.withLock { $0 } }

    package func handle(_ request: SourceRequest) async -> SourceAnswer {
        guard request.method == "POST" else { return SourceAnswer(405) }
        switch request.path {
        case "/oauth2/exchange", "/oauth2/token":
            guard setup.letsIn else { return Self.refusal(403, "DENIED", "client with IP is not allowed access") }
            return request.path == "/oauth2/token" ? access(request) : exchange(request)
        default: return entra(request)
        }
    }

    private func entra(_ request: SourceRequest) -> SourceAnswer {
        let setup = setup
        guard request.path == "/\(setup.tenant)/oauth2/v2.0/token" else {
            return Self.failure(400, "invalid_request", 90002, "Tenant not found.")
        }
        guard request.form("grant_type") == "client_credentials" else {
            return Self.failure(400, "unsupported_grant_type", 70003, "grant_type")
        }
        guard request.form("client_id") == setup.client else {
            return Self.failure(400, "unauthorized_client", 700_016, "Application was not found in the directory.")
        }
        guard
            request.form("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            let assertion = request.form("client_assertion")
        else { return Self.failure(401, "invalid_client", 7_000_218, "no client_assertion") }
        do throws(SubjectTokens.Rejection) {
            let claims = try subjects.verify(assertion, audience: setup.audience, now: now(), leeway: .seconds(300))
            guard claims.sub == setup.subject else {
                return Self.failure(
                    401,
                    "invalid_client",
                    700_213,
                    "No matching federated identity record: \(assertion)"
                )
            }
        } catch {
            let number =
                switch error {
                case .wrongIssuer: 700_211
                case .wrongAudience: 700_212
                case .expired, .notYetValid: 700_024
                case .malformed, .badSignature: 50027
                }
            return Self.failure(401, "invalid_client", number, "\(error) \(assertion)")
        }
        guard request.form("scope") == setup.scope else {
            return Self.failure(400, "invalid_resource", 500_011, "The resource principal was not found.")
        }
        let token = "entra-" + Self.random()
        entraTokens.withLock { _ = $0.insert(token) }
        return .json(
            200,
            #"{"token_type":"Bearer","expires_in":3599,"ext_expires_in":3599,"access_token":"\#(token)"}"#
        )
    }

    private func exchange(_ request: SourceRequest) -> SourceAnswer {
        guard request.form("grant_type") == "access_token", request.form("service") == setup.registry else {
            return Self.refusal(400, "UNSUPPORTED", "grant_type or service")
        }
        guard let token = request.form("access_token"), entraTokens.withLock({ $0.contains(token) }) else {
            return Self.refusal(401, "UNAUTHORIZED", "authentication required")
        }
        let refresh = "refresh-" + Self.random()
        refreshTokens.withLock { _ = $0.insert(refresh) }
        return .json(200, #"{"refresh_token":"\#(refresh)"}"#)
    }

    /// Grants what the rights allow; a scope of which nothing is left is refused.
    private func access(_ request: SourceRequest) -> SourceAnswer {
        let setup = setup
        guard request.form("grant_type") == "refresh_token", request.form("service") == setup.registry else {
            return Self.refusal(400, "UNSUPPORTED", "grant_type or service")
        }
        guard let refresh = request.form("refresh_token"), refreshTokens.withLock({ $0.contains(refresh) }) else {
            return Self.refusal(401, "UNAUTHORIZED", "authentication required")
        }
        var granted = setup.added
        for scope in request.form where scope.name == "scope" {
            let parts = scope.value.split(separator: ":").map(String.init)
            guard parts.count == 3, parts[0] == "repository" else { return Self.refusal(400, "UNSUPPORTED", "scope") }
            let actions = Set(parts[2].split(separator: ",").map(String.init))
            granted[parts[1], default: []].formUnion(actions.intersection(setup.rights[parts[1]] ?? []))
        }
        granted = granted.filter { !$0.value.isEmpty }
        guard !granted.isEmpty else { return Self.refusal(401, "UNAUTHORIZED", "authentication required") }
        let access = granted.sorted { $0.key < $1.key }.map { name, actions in
            let actions = actions.sorted().map { #""\#($0)""# }.joined(separator: ",")
            return #"{"type":"repository","name":"\#(name)","actions":[\#(actions)]}"#
        }
        let issued = now().epochSeconds
        let claims = [
            #""jti":"\#(Self.random())""#, #""nbf":\#(issued - 900)"#, #""exp":\#(issued + 3600)"#,
            #""iss":"Azure Container Registry""#, #""aud":"\#(setup.registry)""#, #""version":"1.0""#,
            #""access":[\#(access.joined(separator: ","))]"#, #""roles":[]"#, #""grant_type":"access_token""#,
        ]
        let json = "{\(claims.joined(separator: ","))}"
        guard let token = try? subjects.issuer.sign(claims: Array(json.utf8)) else { return SourceAnswer(500) }
        accessTokens.withLock { $0.append(token) }
        return .json(200, #"{"access_token":"\#(token)"}"#)
    }

    private static func random() -> String {
        (0..<3).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
    }

    /// Entra's form of errors.
    private static func failure(_ status: Int, _ code: String, _ number: Int, _ text: String) -> SourceAnswer {
        .json(
            status,
            #"{"error":"\#(code)","error_description":"AADSTS\#(number): \#(text)","error_codes":[\#(number)],"#
                + #""timestamp":"2026-01-01 00:00:00Z","trace_id":"t","correlation_id":"c"}"#
        )
    }

    /// The registry's form of errors.
    private static func refusal(_ status: Int, _ code: String, _ text: String) -> SourceAnswer {
        .json(status, #"{"errors":[{"code":"\#(code)","message":"\#(text)"}]}"#)
    }
}
