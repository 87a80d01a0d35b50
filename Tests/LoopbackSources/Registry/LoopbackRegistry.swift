// A registry's face: it names its token server, and looks at tokens. It keeps no images.

import Synchronization

/// A registry and its token server (at `/token`) on one loopback port. It answers as Debian's docker-registry 2.8 does:
/// a missing right is a 401, and so is everything else that is wrong with a token.
package final class LoopbackRegistry: Sendable {
    package let tokenServer: LoopbackTokenServer
    private struct State {
        var challenge: String?
        var calls: [String] = []
    }
    private let state = Mutex(State())
    /// What the list of all repositories is called in scopes, with the type `registry`.
    private static let catalog = "catalog"

    package init(tokenServer: LoopbackTokenServer) { self.tokenServer = tokenServer }

    /// `METHOD PATH` of each call, in order.
    package var calls: [String] { state.withLock { $0.calls } }

    /// Sends this WWW-Authenticate field, whatever it says.
    package func setChallenge(_ challenge: String) { state.withLock { $0.challenge = challenge } }

    /// Answers one request.
    package func answer(_ request: SourceRequest) -> SourceAnswer {
        state.withLock { $0.calls.append("\(request.method) \(request.path)") }
        if request.path == "/token" { return tokenServer.answer(request) }
        guard request.path.hasPrefix("/v2/") else { return SourceAnswer(404) }
        let needed: (name: String, actions: Set<String>)?
        let path = request.path.dropFirst("/v2/".count)
        if path.isEmpty {
            needed = nil
        } else if path == "_catalog", request.method == "GET" {
            needed = (Self.catalog, ["*"])
        } else if path.hasSuffix("/tags/list"), request.method == "GET" {
            needed = (String(path.dropLast("/tags/list".count)), ["pull"])
        } else if let uploads = path.firstRange(of: "/blobs/uploads/") {
            needed = (String(path[..<uploads.lowerBound]), ["pull", "push"])
        } else if let manifests = path.firstRange(of: "/manifests/"), request.method == "DELETE" {
            needed = (String(path[..<manifests.lowerBound]), ["delete"])
        } else {
            return SourceAnswer(404)
        }
        guard let token = request.bearer else { return challenge(request, needed, error: nil) }
        guard let access = tokenServer.access(of: token) else {
            return challenge(request, needed, error: "invalid_token")
        }
        guard let needed else { return .json(200, "{}") }
        let type = needed.name == Self.catalog ? "registry" : "repository"
        let given = access.filter { $0.type == type && $0.name == needed.name }.flatMap(\.actions)
        guard needed.actions.isSubset(of: given) else { return challenge(request, needed, error: "insufficient_scope") }
        if type == "registry" { return .json(200, #"{"repositories":[]}"#) }
        return .json(404, #"{"errors":[{"code":"NAME_UNKNOWN","message":"repository name not known to registry"}]}"#)
    }

    private func challenge(
        _ request: SourceRequest,
        _ needed: (name: String, actions: Set<String>)?,
        error: String?
    ) -> SourceAnswer {
        let whole = state.withLock { $0.challenge }
        let own = "http://\(request.headers["host"] ?? "")/token"
        var text = #"Bearer realm="\#(own)",service="\#(tokenServer.service)""#
        if let needed {
            let type = needed.name == Self.catalog ? "registry" : "repository"
            text += #",scope="\#(type):\#(needed.name):\#(needed.actions.sorted().joined(separator: ","))""#
        }
        if let error { text += #",error="\#(error)""# }
        return .json(
            401,
            #"{"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]}"#,
            headers: ["WWW-Authenticate": whole ?? text]
        )
    }
}
