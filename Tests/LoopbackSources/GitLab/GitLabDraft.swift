// What GitLab checks before it makes a token, and how it says no.

import Foundation
import TokenStore

/// A token as it was asked for, after GitLab's checks.
struct GitLabDraft {
    let name: String
    let scopes: [String]
    let expiresAt: UTCInstant
    let accessLevel: Int?

    struct Denial: Error {
        let answer: SourceAnswer
    }

    /// `AVAILABLE_SCOPES` of `app/models/deploy_token.rb`.
    private static let deployScopes: Set<String> = [
        "read_repository", "read_registry", "write_registry", "read_package_registry", "write_package_registry",
        "read_virtual_registry", "write_virtual_registry",
    ]
    /// The scopes of a project's or group's bot.
    private static let accessScopes: Set<String> = [
        "api", "read_api", "read_repository", "write_repository", "read_registry", "write_registry", "create_runner",
        "manage_runner", "k8s_proxy", "self_rotate", "read_virtual_registry", "write_virtual_registry",
    ]

    private struct Body: Decodable {
        let name: String?
        let scopes: [String]?
        let expires_at: String?
        let access_level: Int?
    }

    static func read(
        _ request: SourceRequest,
        _ place: LoopbackGitLab.Place,
        now: UTCInstant
    ) -> Result<Self, Denial> {
        do { return .success(try draft(request, place, now)) } catch { return .failure(error) }
    }

    private static func draft(
        _ request: SourceRequest,
        _ place: LoopbackGitLab.Place,
        _ now: UTCInstant
    ) throws(Denial) -> Self {
        guard request.headers["content-type"] == "application/json", let body = request.json(Body.self) else {
            throw invalid("name is missing, scopes is missing")
        }
        guard let name = body.name, !name.isEmpty else { throw invalid("name is missing") }
        guard let scopes = body.scopes else { throw invalid("scopes is missing") }
        let known = place.kind == .deploy ? deployScopes : accessScopes
        guard Set(scopes).isSubset(of: known) else { throw invalid("scopes does not have a valid value") }
        guard place.kind == .deploy else { return try access(body, name, scopes, place, now) }
        guard place.mayManage else { throw Denial(answer: LoopbackGitLab.message(403, "403 Forbidden")) }
        guard !scopes.isEmpty else {
            throw Denial(answer: .json(400, #"{"message":{"base":["Scopes can't be blank"]}}"#))
        }
        // None would be a token for ever; no store of ours may ask for that.
        guard let text = body.expires_at, let expiresAt = UTCInstant(rfc3339: text) else {
            throw invalid("expires_at is invalid")
        }
        return Self(name: name, scopes: scopes, expiresAt: expiresAt, accessLevel: nil)
    }

    private static func access(
        _ body: Body,
        _ name: String,
        _ scopes: [String],
        _ place: LoopbackGitLab.Place,
        _ now: UTCInstant
    ) throws(Denial) -> Self {
        guard let text = body.expires_at else { throw invalid("expires_at is missing") }
        guard text.utf8.count == 10, let expiresAt = UTCInstant(rfc3339: text + "T00:00:00Z") else {
            throw invalid("expires_at is invalid")
        }
        let level = body.access_level ?? 40
        guard [10, 15, 20, 25, 30, 40, 50].contains(level) else {
            throw invalid("access_level does not have a valid value")
        }
        guard place.mayManage, !place.caller.isBot else {
            throw badRequest("User does not have permission to create \(place.type) access token")
        }
        guard level <= place.role else {
            throw badRequest("Access level of the token contains permissions not held by the creating user")
        }
        let today = now.epochSeconds / 86400
        let days = expiresAt.epochSeconds / 86400 - today
        guard days > 0 else { throw badRequest("Expires at must not be today or in the past") }
        guard days <= 365 else {
            throw Denial(answer: .json(400, #"{"message":{"expires_at":["must be before the maximum"]}}"#))
        }
        return Self(name: name, scopes: scopes, expiresAt: expiresAt, accessLevel: level)
    }

    private static func invalid(_ text: String) -> Denial { Denial(answer: .json(400, #"{"error":"\#(text)"}"#)) }
    private static func badRequest(_ text: String) -> Denial {
        Denial(answer: LoopbackGitLab.message(400, "400 Bad request - \(text)"))
    }
}
