// The detectors of a build's end, as the configuration wants them.

import BuildEnds
import Glibc
import HTTPTransfer
import Identity
import KubernetesAPI
import Leases
import LogEvents
import Logging
import Policy
import Refusals
import TokenStore

/// Watches for ends of builds while `body` runs, and hands them to the leases. `body` gets a way to ask how the watches
/// are.
func withBuildEnds<Result: Sendable>(
    _ settings: BuildSettings,
    _ environment: [String: String],
    _ leases: LeaseManager,
    _ cluster: ClusterDuties,
    _ logger: Logger,
    _ body: (@escaping @Sendable () -> [DetectorReport]) async throws -> Result
) async throws -> Result {
    var options = TargetPathWatch.Options()
    options.confirmAfter = settings.pathDelay
    let paths = settings.paths ? TargetPathWatch(options: options, logger: logger) : nil
    return try await withPodWatch(settings, environment, logger) { pods, place in
        if paths == nil, pods == nil {
            logger.log(.buildEndsUnnoticed, "nothing notices the end of a build: its tokens live to their own end")
        }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            if let paths { group.addTask { await paths.run(leases.builds, ended: leases.ended) } }
            if let pods { group.addTask { await pods.run(leases.builds, ended: leases.ended) } }
            group.addTask { await cluster.run(place, pods, leases) }
            defer { group.cancelAll() }
            return try await body { [pods.map(\.report), paths.map(\.report)].compactMap(\.self) }
        }
    }
}

/// Runs `body` with a watch of this node's Pods, if the configuration and the surroundings give one.
private func withPodWatch<Result: Sendable>(
    _ settings: BuildSettings,
    _ environment: [String: String],
    _ logger: Logger,
    _ body: (PodWatch?, ClusterPlace?) async throws -> Result
) async throws -> Result {
    guard let place = try settings.pods.place(environment, logger) else { return try await body(nil, nil) }
    let http = HTTPTransferOptions(
        // Without a CA there is no TLS: the server is on loopback.
        trust: TrustRoots(includesSystem: place.caFile == nil, files: place.caFile.map { [$0] } ?? []),
        proxy: .none,
        userAgent: "daypass/\(DaypassVersion.current)",
        environment: environment
    )
    return try await withCurlTransport(http, logger: logger) { http in
        let client = KubernetesClient(server: place.server, tokenFile: place.tokenFile, http: http)
        let watch = PodWatch(
            api: KubernetesPods(client),
            nodeName: place.nodeName,
            options: PodWatchOptions(relistEvery: settings.relist),
            logger: logger
        )
        return try await body(watch, ClusterPlace(client: client, node: place.nodeName))
    }
}

/// An API server, and what is needed to ask it.
private struct PodPlace {
    var server: String
    var nodeName: String
    var tokenFile: String
    var caFile: String?
}

extension BuildSettings.Pods {
    /// Where to watch; `nil` when Pods are not watched, which is said in the log.
    ///
    /// - Throws: ``Refusal`` when the configuration names no API server and there is none around us.
    fileprivate func place(_ environment: [String: String], _ logger: Logger) throws(Refusal) -> PodPlace? {
        let node = environment["NODE_NAME"].flatMap { $0.isEmpty ? nil : $0 }
        switch self {
        case .off: return nil
        case .auto:
            guard environment["KUBERNETES_SERVICE_HOST"]?.isEmpty == false else { return nil }
            guard let node else {
                logger.log(
                    .podsNotWatched,
                    "Pods are not watched: the name of this node is not known",
                    metadata: ["fix": "set NODE_NAME from spec.nodeName, or builds.pods.nodeName"]
                )
                return nil
            }
            for file in [InCluster.tokenFile, InCluster.caFile] where access(file, R_OK) != 0 {
                logger.log(
                    .podsNotWatched,
                    "Pods are not watched: the Pod of Daypass has no service account token",
                    metadata: ["file": "\(file)", "fix": "set automountServiceAccountToken, or builds.pods: off"]
                )
                return nil
            }
            return PodPlace(
                server: try InCluster.server(environment: environment),
                nodeName: node,
                tokenFile: InCluster.tokenFile,
                caFile: InCluster.caFile
            )
        case .at(let source):
            guard let node = source.nodeName ?? node else {
                throw Refusal(
                    .keysUnavailable,
                    "builds.pods names no node, and NODE_NAME is not set",
                    fix: "set builds.pods.nodeName, or NODE_NAME from spec.nodeName"
                )
            }
            let server = if let named = source.server { named } else { try InCluster.server(environment: environment) }
            return PodPlace(
                server: server,
                nodeName: node,
                tokenFile: source.tokenFile ?? InCluster.tokenFile,
                caFile: source.caFile ?? (server.hasPrefix("https") ? InCluster.caFile : nil)
            )
        }
    }
}

extension PodWatch {
    /// How it is, for an operator.
    fileprivate var report: DetectorReport {
        let status = status
        let sync = status.lastSync.map { "last list at \($0.rfc3339)" } ?? "no list yet"
        return DetectorReport(
            name: status.name,
            isWatching: status.isWatching,
            note: status.isWatching ? sync : status.lastError.map { "\($0)" } ?? sync
        )
    }
}

extension TargetPathWatch {
    /// How it is, for an operator.
    fileprivate var report: DetectorReport {
        switch isWatching {
        case true?: DetectorReport(name: name, isWatching: true, note: "the kubelet's directory is visible")
        case false?: DetectorReport(name: name, isWatching: false, note: "the kubelet's directory is not visible")
        case nil: DetectorReport(name: name, isWatching: true, note: "nothing to look at yet")
        }
    }
}
