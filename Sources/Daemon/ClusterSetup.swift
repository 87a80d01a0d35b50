// What Daypass does in the cluster beside answering Mounts: events of Pods, and the startup taint.

import BuildEnds
package import ClusterEvents
package import Identity
import KubernetesAPI
import Leases
import LogEvents
package import Logging
import MountService
package import Policy
import Refusals
import Synchronization

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The API server, and the node of which it is spoken with it.
struct ClusterPlace: Sendable {
    var client: KubernetesClient
    var node: String
}

extension PodReporter: MountNotices {}

/// What Daypass does in the cluster. It is made once for a daemon, before it serves, and knows who was answered since.
package final class ClusterDuties: Sendable {
    /// Hears of Mounts, and counts.
    package let reporter: PodReporter
    private let startupTaint: String?
    private let logger: Logger
    /// How the daemon learns who asks, once its socket is served.
    private let identity = Mutex<IdentityMode?>(nil)
    private let bell = Bell()

    /// - Parameter socket: where the daemon serves: its name is the provider's.
    package init(_ settings: ClusterSettings, socket: String, _ logger: Logger) {
        let name = URL(filePath: socket).lastPathComponent
        reporter = PodReporter(
            provider: name.hasSuffix(".sock") ? String(name.dropLast(5)) : name,
            writesEvents: settings.events == .auto,
            logger: logger
        )
        startupTaint = settings.startupTaint
        self.logger = logger
    }

    /// The socket is served.
    package func serving(_ identity: IdentityMode) {
        self.identity.withLock { $0 = identity }
        bell.ring()
    }

    /// Does it all until the task is cancelled.
    func run(_ place: ClusterPlace?, _ pods: PodWatch?, _ leases: LeaseManager) async {
        guard let place, let pods else {
            if let startupTaint {
                logger.log(
                    .startupTaintStuck,
                    "the startup taint can't be removed: Daypass has no access to the API server",
                    metadata: ["taint": "\(startupTaint)", "fix": "set builds.pods"]
                )
            }
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { [reporter] in
                await reporter.run(place.client, pods: pods, leases: leases, node: place.node)
            }
            group.addTask { await self.removeTaint(place) }
        }
    }

    // MARK: Startup taint

    private func removeTaint(_ place: ClusterPlace) async {
        guard let startupTaint, let identity = await served() else { return }
        await knowKeys(identity)
        guard !Task.isCancelled else { return }
        let taint = StartupTaint(key: startupTaint, node: place.node, client: place.client, logger: logger)
        await taint.remove()
    }

    private func served() async -> IdentityMode? {
        while !Task.isCancelled {
            if let identity = identity.withLock({ $0 }) { return identity }
            await bell.wait()
        }
        return nil
    }

    /// Returns when the cluster's keys are known. While the taint keeps Pods away no Mount would fetch them.
    private func knowKeys(_ identity: IdentityMode) async {
        guard case .serviceAccountToken(let verifier) = identity else { return }
        var backoff = Backoff(first: .seconds(1), longest: .seconds(30))
        while !Task.isCancelled {
            do throws(Refusal) { return try await verifier.prepare() } catch {
                // The daemon's own first try has said why.
                logger.log(
                    .startupTaintWaiting,
                    "no signing keys yet: the startup taint stays",
                    metadata: ["error": "\(error)"]
                )
            }
            try? await Task.sleep(for: backoff.next(random: .random(in: 0...1)), clock: .continuous)
        }
    }
}
