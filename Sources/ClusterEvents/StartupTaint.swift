// Takes the startup taint off this node, once Daypass is ready.

package import KubernetesAPI
package import Leases
import LogEvents
package import Logging
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A taint that a node was made with, so that nothing is scheduled before Daypass is ready. Daypass removes it and never
/// sets it. It needs a role with `get` and `patch` on `nodes`.
package struct StartupTaint: Sendable {
    private static let needs = "get and patch on nodes"
    private static let mostRaces = 8

    private let key: String
    private let node: String
    private let client: KubernetesClient
    private let clock: LeaseClock
    private let random: @Sendable () -> Double
    private let logger: Logger

    /// - Parameters:
    ///   - key: the key of the taint, whatever its value and effect.
    ///   - node: the node's name.
    package init(
        key: String,
        node: String,
        client: KubernetesClient,
        clock: LeaseClock = .system,
        random: @escaping @Sendable () -> Double = { Double.random(in: 0...1) },
        logger: Logger
    ) {
        self.key = key
        self.node = node
        self.client = client
        self.clock = clock
        self.random = random
        self.logger = logger
    }

    /// Removes the taint. It tries until the node does not have it, or the task is cancelled.
    ///
    /// - Returns: Whether the node is without it now.
    @discardableResult
    package func remove() async -> Bool {
        var backoff = Backoff(first: .seconds(1), longest: .seconds(60))
        var told: KubernetesError.Code?
        var races = 0
        while !Task.isCancelled {
            do throws(KubernetesError) {
                let places = try await places()
                if places.isEmpty {
                    logger.log(
                        .startupTaintAbsent,
                        "this node has no startup taint",
                        metadata: ["node": "\(node)", "taint": "\(key)"]
                    )
                    return true
                }
                if try await remove(at: places) {
                    logger.log(
                        .startupTaintRemoved,
                        "startup taint removed",
                        metadata: ["node": "\(node)", "taint": "\(key)"]
                    )
                    return true
                }
                // Another one has changed the list of taints since it was read. That does not happen often.
                races += 1
                if races == Self.mostRaces {
                    logger.log(
                        .startupTaintStuck,
                        "the startup taint can't be removed; it is tried again",
                        metadata: [
                            "node": "\(node)", "taint": "\(key)",
                            "because": "the API server did not apply the patch, \(races) times in a row",
                        ]
                    )
                }
                try? await clock.sleep(backoff.next(random: random()))
            } catch {
                guard error.code != .cancelled else { return false }
                if told != error.code {
                    told = error.code
                    var metadata: Logger.Metadata = [
                        "node": "\(node)", "taint": "\(key)", "because": "\(error.message)",
                    ]
                    if !error.fix.isEmpty { metadata["fix"] = "\(error.fix)" }
                    logger.log(
                        .startupTaintStuck,
                        "the startup taint can't be removed; it is tried again",
                        metadata: metadata
                    )
                }
                try? await clock.sleep(backoff.next(random: random(), retryAfter: error.retryAfter))
            }
        }
        return false
    }

    private var path: String { "/api/v1/nodes/\(node)" }

    /// Where in the node's list of taints ours stands: one key may be there with several effects.
    private func places() async throws(KubernetesError) -> [Int] {
        let what = "get node \(node)"
        guard KubernetesName.isName(node) else {
            throw KubernetesError(.refused, "the name of this node is none that an API server knows")
        }
        let call = try client.call("GET", path, timeout: .seconds(20), bodyLimit: 4 << 20)
        let answer = try await client.send(call, what)
        guard answer.status == 200 else {
            throw .status(answer.status, what, needs: Self.needs, retryAfter: answer.header("retry-after"))
        }
        guard let found = try? JSONDecoder().decode(Node.self, from: Data(answer.body)), found.kind == "Node" else {
            throw KubernetesError(
                .unreadable,
                "the API server's answer is no Node (\(what))",
                fix: KubernetesError.proxyHint
            )
        }
        return (found.spec?.taints ?? []).indices.filter { found.spec?.taints?[$0].key == key }
    }

    /// Removes the taints at these places, if they still are ours: each removal is bound to a test of the key in the same
    /// patch, which the server applies as a whole or not at all (RFC 6902, 5).
    ///
    /// - Returns: Whether the server did it; `false` when the list has changed since.
    private func remove(at places: [Int]) async throws(KubernetesError) -> Bool {
        let what = "patch node \(node)"
        // From the end, so that a removal moves none that is still to come.
        let operations = places.sorted(by: >).flatMap { place in
            [
                Operation(op: "test", path: "/spec/taints/\(place)/key", value: key),
                Operation(op: "remove", path: "/spec/taints/\(place)", value: nil),
            ]
        }
        let encoder = JSONEncoder()
        // A test compares bytes, not texts: with \/ for a slash it never holds (seen with kube-apiserver 1.36).
        encoder.outputFormatting = [.withoutEscapingSlashes]
        guard let body = try? encoder.encode(operations) else { return false }
        let call = try client.call(
            "PATCH",
            path,
            body: KubernetesClient.Body("application/json-patch+json", Array(body)),
            timeout: .seconds(20),
            bodyLimit: 4 << 20
        )
        let answer = try await client.send(call, what)
        switch answer.status {
        case 200: return true
        // 422: a test or a path did not hold. 409: somebody wrote at the same time.
        case 409, 422: return false
        default:
            throw .status(answer.status, what, needs: Self.needs, retryAfter: answer.header("retry-after"))
        }
    }

    private struct Node: Decodable {
        struct Spec: Decodable { var taints: [Taint]? }
        struct Taint: Decodable { var key: String? }
        var kind: String?
        var spec: Spec?
    }

    private struct Operation: Encodable {
        var op: String
        var path: String
        var value: String?
    }
}
