// The suite's checks of what a store refuses and how it fails.

import Synchronization
import TokenStore

extension TokenStoreCompatibilitySuite {
    /// Many sources read an empty list as "everything".
    func emptyScopeViolations(_ watch: SecretWatch) async -> [String] {
        let scope = request.scope
        let empty = [
            TokenScope(),
            TokenScope(repositories: scope.repositories),
            TokenScope(permissions: scope.permissions, actions: scope.actions),
        ]
        var found: [String] = []
        for scope in empty {
            var request = request
            request.scope = scope
            do throws(TokenStoreError) {
                let store = try makeStore(watch)
                let token = try await issue(store, request, watch)
                found.append("an empty scope (\"\(scope.summary)\") was granted")
                await discard(token, store)
            } catch {
                if error.code != .refused { found.append("an empty scope ended in \(error.code), not in refused") }
                found += textViolations(error)
            }
        }
        return found
    }

    /// A cancelled caller gets `cancelled`, or a token that was there at once.
    func cancellationViolations(_ watch: SecretWatch) async -> [String] {
        await withTaskGroup(of: [String].self) { group in
            group.cancelAll()
            group.addTask {
                do throws(TokenStoreError) {
                    let store = try makeStore(watch)
                    let token = try await issue(store, renamedRequest, watch)
                    await discard(token, store)
                    return tokenViolations(token)
                } catch {
                    let code = error.code == .cancelled ? [] : ["a cancelled caller got \(error.code), not cancelled"]
                    return code + textViolations(error)
                }
            }
            return await group.next() ?? []
        }
    }

    /// What a source may do wrong. The marked text stands for a secret that it repeats in its answer.
    static var faults: [(name: String, fault: FaultyTransport.Fault, codes: Set<TokenStoreError.Code>)] {
        let wait = HTTPField("Retry-After", "30")
        return [
            ("an unreachable source", .none(.unreachable), [.unavailable]),
            ("a connection that broke", .none(.broken), [.unavailable]),
            ("a source that does not answer", .none(.timedOut), [.unavailable]),
            ("an untrusted certificate", .none(.tls), [.misconfigured]),
            ("HTTP 500", .status(500, []), [.unavailable]),
            ("HTTP 502", .status(502, []), [.unavailable]),
            ("HTTP 503 with Retry-After", .status(503, [wait]), [.rateLimited, .unavailable]),
            ("HTTP 429 with Retry-After", .status(429, [wait]), [.rateLimited]),
            ("HTTP 401", .status(401, []), [.misconfigured, .refused]),
            ("HTTP 403", .status(403, []), [.misconfigured, .refused]),
            (
                "HTTP 302", .status(302, [HTTPField("Location", "https://elsewhere.example")]),
                [.misconfigured, .refused]
            ),
            ("HTTP 200 with no known body", .status(200, []), [.malformedAnswer, .misconfigured]),
        ]
    }

    /// Each fault at the first call and, where a store makes several, at each later one.
    func faultViolations(_ watch: SecretWatch) async -> [String] {
        var found: [String] = []
        for (name, fault, codes) in Self.faults {
            var reports: [Bool] = []
            for position in 0..<6 {
                let http = FaultyTransport(base: watch.watched(context).http, fault: fault, position: position)
                do throws(TokenStoreError) {
                    let store = try makeStore(watch, over: http)
                    let token = try await issue(store, renamedRequest, watch)
                    await discard(token, store)
                    // A store that made fewer calls has met all its faults; one may also live without an answer.
                    if http.count <= position { break }
                } catch {
                    if !http.wasFaulty { found.append("an answer of the source failed without a fault: \(error)") }
                    found += classViolations(error, codes, "\(name) at call \(position + 1)")
                    reports.append(error.tokenMayExist)
                }
            }
            found += existenceViolations(reports, name, fault)
        }
        return found
    }

    /// An answer to a mint that was lost may stand for a token, and nobody else can know it.
    private func existenceViolations(_ reports: [Bool], _ name: String, _ fault: FaultyTransport.Fault) -> [String] {
        guard case .supported = capabilities.revocation, !reports.isEmpty else { return [] }
        switch fault {
        case .none(.timedOut), .none(.broken), .status(500, _):
            return reports.contains(true)
                ? [] : ["\(name) never says that a token may exist, although its answer is lost"]
        case .none(.unreachable):
            return reports[0] ? ["\(name) at call 1 says that a token may exist, although nothing was sent"] : []
        default: return []
        }
    }

    func classViolations(
        _ error: TokenStoreError,
        _ codes: Set<TokenStoreError.Code>,
        _ place: String
    ) -> [String] {
        var found: [String] = []
        if !codes.contains(error.code) {
            let wanted = codes.map(\.description).sorted().joined(separator: " or ")
            found.append("\(place) ended in \(error.code), not in \(wanted)")
        }
        if error.code == .rateLimited, error.retryAt == nil {
            found.append("\(place) is a rate limit without a time")
        }
        if error.description.contains(FaultyTransport.mark) {
            found.append("\(place): the error repeats what the source wrote")
        }
        return found + textViolations(error)
    }

    func textViolations(_ error: TokenStoreError) -> [String] {
        var found: [String] = []
        if error.message.isEmpty { found.append("an error has no message") }
        if "\(error)".contains(where: \.isNewline) { found.append("an error's text has several lines") }
        return found
    }
}

/// A transport whose nth call goes wrong.
final class FaultyTransport: HTTPTransport {
    enum Fault: Sendable {
        case none(HTTPTransportError.Code)
        case status(Int, [HTTPField])
    }

    /// What the faulty answers hold, as if the source repeated a secret.
    static let mark = "marked-by-the-source"

    private let base: any HTTPTransport
    private let fault: Fault
    private let position: Int
    private let calls = Mutex(0)

    init(base: any HTTPTransport, fault: Fault, position: Int) {
        self.base = base
        self.fault = fault
        self.position = position
    }

    var count: Int { calls.withLock { $0 } }
    var wasFaulty: Bool { count > position }

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        let index = calls.withLock { calls in
            calls += 1
            return calls - 1
        }
        guard index == position else { return try await base.send(call) }
        switch fault {
        case .none(let code):
            let mayHaveArrived = code != .unreachable && code != .tls
            throw HTTPTransportError(code, "the suite's fault", requestMayHaveArrived: mayHaveArrived)
        case .status(let status, let headers):
            let body =
                #"{"error":"\#(Self.mark)","error_description":"\#(Self.mark)","message":"\#(Self.mark)","#
                + #""errors":["\#(Self.mark)"],"detail":"\#(Self.mark)"}"#
            return HTTPAnswer(status: status, headers: headers, body: Array(body.utf8))
        }
    }
}
