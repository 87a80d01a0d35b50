// What an opaque token may do, tried at the registry without changing anything there.

import TokenStore

/// Tries a token at its registry: one call for each repository and action and one for the catalog, none of which has an
/// effect.
///
/// A registry looks at the token before it looks at anything else, so 401 and 403 mean "no", and any complaint about
/// the call itself means "yes" (<https://distribution.github.io/distribution/spec/api/>).
struct RegistryProbe: Sendable {
    /// The time for one call.
    static let callTimeout: Duration = .seconds(5)

    let origin: String
    let http: any HTTPTransport
    let errors: SourceErrors

    /// The repositories and actions that the token does not open: `our/app:push`.
    func missing(
        _ token: Secret,
        _ scope: TokenScope,
        name: (String) -> String,
        now: UTCInstant
    ) async throws(TokenStoreError) -> [String] {
        var missing: [String] = []
        for repository in scope.repositories {
            for action in scope.actions.sorted() {
                let call = call(token, action, name(repository))
                let step = SourceErrors.Step("try a token for \(repository)")
                let answer = try await errors.send(call, step, over: http)
                switch answer.status {
                case 401, 403: missing.append("\(repository):\(action.rawValue)")
                case 200..<300, 400, 404, 405, 411, 415, 416, 422: break
                default: throw errors.error(answer, step, now: now)
                }
            }
        }
        return missing
    }

    /// Whether the token opens what was not asked for: writing to or deleting from the scope's repositories, or the
    /// registry's catalog. Reading is not tried, because any token opens a public repository; nor are other repositories,
    /// because their names are not known.
    func reachesFurther(
        _ token: Secret,
        _ scope: TokenScope,
        name: (String) -> String,
        now: UTCInstant
    ) async throws(TokenStoreError) -> Bool {
        let step = SourceErrors.Step("try a token for what was not asked for")
        let actions = Set([RegistryAction.push, .delete]).subtracting(scope.actions).sorted()
        for repository in scope.repositories {
            for action in actions {
                let answer = try await errors.send(call(token, action, name(repository)), step, over: http)
                switch answer.status {
                // 405: this registry knows no such call, so nobody can do it.
                case 401, 403, 405, 501: break
                case 200..<300, 400, 404, 411, 415, 416, 422: return true
                default: throw errors.error(answer, step, now: now)
                }
            }
        }
        let catalog = HTTPCall(
            "GET",
            "\(origin)/v2/_catalog?n=1",
            authorization: Authorization.bearer(token),
            timeout: Self.callTimeout
        )
        let answer = try await errors.send(catalog, step, over: http)
        switch answer.status {
        // Not every registry has a catalog; some send browsers elsewhere.
        case 300..<429, 430..<500, 501: return false
        case 200..<300: return true
        default: throw errors.error(answer, step, now: now)
        }
    }

    private func call(_ token: Secret, _ action: RegistryAction, _ name: String) -> HTTPCall {
        let authorization = Authorization.bearer(token)
        switch action {
        case .pull:
            return HTTPCall(
                "GET",
                "\(origin)/v2/\(name)/tags/list?n=1",
                authorization: authorization,
                timeout: Self.callTimeout
            )
        case .push:
            // A piece of an upload that was never begun.
            return HTTPCall(
                "PATCH",
                "\(origin)/v2/\(name)/blobs/uploads/00000000-0000-0000-0000-000000000000",
                headers: [HTTPField("Content-Type", "application/octet-stream")],
                authorization: authorization,
                body: [],
                timeout: Self.callTimeout
            )
        case .delete:
            // A digest that no content has.
            let digest = "sha256:" + String(repeating: "0", count: 64)
            return HTTPCall(
                "DELETE",
                "\(origin)/v2/\(name)/manifests/\(digest)",
                authorization: authorization,
                timeout: Self.callTimeout
            )
        }
    }
}
