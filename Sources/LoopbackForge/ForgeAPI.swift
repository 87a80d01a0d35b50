// The part of GitHub's REST API that an App uses to mint and revoke tokens
// (<https://docs.github.com/en/rest/apps/apps>), checked as strictly as there.

import Foundation
import Synchronization

/// Answers API calls.
struct ForgeAPI: Sendable {
    let options: ForgeOptions
    let verifier: AppTokenVerifier

    /// What a call is for, and the parts of its path.
    enum Route: Sendable {
        case findInstallation(repository: String)
        case listInstallations
        case mint(installation: Int)
        case repository(String)
        case revoke
        case unknown

        init(_ method: String, _ path: Substring) {
            let parts = path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
            switch (method, parts.count) {
            case ("GET", 4) where parts[0] == "repos" && parts[3] == "installation":
                self = .findInstallation(repository: "\(parts[1])/\(parts[2])")
            case ("GET", 3) where parts[0] == "repos":
                self = .repository("\(parts[1])/\(parts[2])")
            case ("POST", 4) where parts[0] == "app" && parts[1] == "installations" && parts[3] == "access_tokens":
                self = Int(parts[2]).map { .mint(installation: $0) } ?? .unknown
            case ("GET", 2) where parts[0] == "app" && parts[1] == "installations":
                self = .listInstallations
            case ("DELETE", 2) where parts[0] == "installation" && parts[1] == "token":
                self = .revoke
            default:
                self = .unknown
            }
        }

        var operation: ForgeOperation {
            switch self {
            case .findInstallation: .findInstallation
            case .listInstallations: .listInstallations
            case .mint: .mint
            case .repository: .repository
            case .revoke: .revoke
            case .unknown: .unknown
            }
        }
    }

    /// Answers a call.
    func answer(_ request: ForgeRequest, _ route: Route, wider: Bool, in state: inout ForgeState) -> ForgeAnswer {
        guard request.header("user-agent")?.isEmpty == false else {
            return .error(
                403,
                "Request forbidden by administrative rules. Please make sure your request has a User-Agent"
            )
        }
        switch route {
        case .findInstallation(let repository):
            return asApp(request) { findInstallation(repository, in: state) }
        case .listInstallations:
            return asApp(request) { listInstallations(in: state) }
        case .mint(let installation):
            return asApp(request) { mint(request.body, installation, wider: wider, in: &state) }
        case .repository(let name): return showRepository(name, request, in: &state)
        case .revoke:
            guard let token = Self.bearer(request), state.revoke(token, now: options.now()) else {
                return .error(401, "Bad credentials")
            }
            return ForgeAnswer(status: 204)
        case .unknown: return .error(404, "Not Found")
        }
    }

    private func asApp(_ request: ForgeRequest, _ body: () -> ForgeAnswer) -> ForgeAnswer {
        do throws(AppTokenVerifier.Complaint) {
            try verifier.verify(request.header("authorization"), now: options.now())
            return body()
        } catch {
            return .error(error.status, error.message)
        }
    }

    private func findInstallation(_ name: String, in state: ForgeState) -> ForgeAnswer {
        guard let repository = state.repository(name), let found = state.installation(owner: repository.owner),
            found.repositories.contains(repository.fullName.lowercased())
        else { return .error(404, "Not Found") }
        struct Body: Encodable {
            let id: Int
            let app_slug = "loopback"
            let permissions: [String: String]
            let repository_selection = "selected"
            let suspended_at: String?
        }
        let suspendedAt = found.isSuspended ? ForgeTime.iso8601(options.now()) : nil
        return .json(200, Body(id: found.id, permissions: found.permissions, suspended_at: suspendedAt))
    }

    private func listInstallations(in state: ForgeState) -> ForgeAnswer {
        struct Account: Encodable { let login: String }
        struct Body: Encodable {
            let id: Int
            let account: Account
            let permissions: [String: String]
            let suspended_at: String?
        }
        let bodies = state.installations.values.sorted { $0.id < $1.id }.map { one in
            Body(
                id: one.id,
                account: Account(login: one.owner),
                permissions: one.permissions,
                suspended_at: one.isSuspended ? ForgeTime.iso8601(options.now()) : nil
            )
        }
        return .json(200, bodies)
    }

    private struct MintBody: Decodable {
        let repositories: [String]?
        let permissions: [String: String]?
    }

    private struct RepositoryBody: Encodable {
        let id: Int
        let name: String
        let full_name: String
        let isPrivate: Bool

        private enum CodingKeys: String, CodingKey {
            case id, name, full_name
            case isPrivate = "private"
        }

        init(_ repository: ForgeState.Repository) {
            id = repository.id
            name = repository.name
            full_name = repository.fullName
            isPrivate = repository.isPrivate
        }
    }

    private struct TokenBody: Encodable {
        let token: String
        let expires_at: String
        let permissions: [String: String]
        let repository_selection: String
        let repositories: [RepositoryBody]
    }

    private func mint(_ body: [UInt8], _ id: Int, wider: Bool, in state: inout ForgeState) -> ForgeAnswer {
        guard let installation = state.installations[id] else { return .error(404, "Not Found") }
        guard !installation.isSuspended else { return .error(403, "This installation has been suspended") }
        guard let wish = try? JSONDecoder().decode(MintBody.self, from: Data(body.isEmpty ? Array("{}".utf8) : body))
        else {
            return .error(400, "Problems parsing JSON")
        }
        // As on GitHub, what is left out or empty means everything.
        let names = wish.repositories ?? []
        let isSelected = !names.isEmpty && !wider
        let wanted =
            isSelected ? names.map { "\(installation.owner)/\($0)".lowercased() } : Array(installation.repositories)
        guard wanted.allSatisfy(installation.repositories.contains) else {
            return .error(
                422,
                "There is at least one repository that does not exist or is not accessible to the parent installation."
            )
        }
        let permissions = wish.permissions ?? [:]
        let isWithin = permissions.allSatisfy { Self.rank($0.value) <= Self.rank(installation.permissions[$0.key]) }
        guard isWithin, permissions.values.allSatisfy({ Self.rank($0) > 0 }) else {
            return .error(422, "The permissions requested are not granted to this installation.")
        }
        var granted = permissions.isEmpty || wider ? installation.permissions : permissions
        granted["metadata"] = granted["metadata"] ?? "read"
        let repositories = Set(wanted).compactMap { state.repositories[$0] }.sorted { $0.fullName < $1.fullName }
        let token = ForgeToken(
            value: newTokenValue(),
            installation: id,
            permissions: granted,
            repositories: repositories.map(\.fullName),
            expiresAt: options.now() + 3600
        )
        state.tokens.append(token)
        state.mintCount += 1
        return .json(
            201,
            TokenBody(
                token: token.value,
                expires_at: ForgeTime.iso8601(token.expiresAt),
                permissions: granted,
                repository_selection: isSelected ? "selected" : "all",
                repositories: repositories.map(RepositoryBody.init)
            )
        )
    }

    private func showRepository(_ name: String, _ request: ForgeRequest, in state: inout ForgeState) -> ForgeAnswer {
        let repository = state.repository(name)
        if request.header("authorization") != nil {
            guard let value = Self.bearer(request), let token = state.use(value, now: options.now()) else {
                return .error(401, "Bad credentials")
            }
            guard token.uses > options.replicationLag else {
                return .error(options.replicationLagStatus, "Not Found")
            }
            guard let repository, !repository.isPrivate || token.repositories.contains(repository.fullName) else {
                return .error(404, "Not Found")
            }
            return .json(200, RepositoryBody(repository))
        }
        guard let repository, !repository.isPrivate else { return .error(404, "Not Found") }
        return .json(200, RepositoryBody(repository))
    }

    static func rank(_ level: String?) -> Int {
        ["read": 1, "write": 2, "admin": 3][level ?? ""] ?? 0
    }

    private static func bearer(_ request: ForgeRequest) -> String? {
        guard let value = request.header("authorization") else { return nil }
        for scheme in ["Bearer ", "token "] where value.hasPrefix(scheme) {
            return String(value.dropFirst(scheme.count))
        }
        return nil
    }

    private func newTokenValue() -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        func letters(_ count: Int) -> String { String((0..<count).map { _ in alphabet[Int.random(in: 0..<62)] }) }
        return options.longTokens
            ? "ghs_12345_\(letters(36)).\(letters(120)).\(letters(342))" : "ghs_\(letters(36))"
    }
}
