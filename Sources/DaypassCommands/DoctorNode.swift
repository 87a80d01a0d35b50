// `daypass doctor` on a node: sockets, journal, the daemon's own word, the node's Pods and the token sources.

import Daemon
import Doctor
import Glibc
import HTTPTransfer
import Identity
import LeaseJournal
import Leases
import Logging
import Policy
import ProviderAPI
import Refusals
import SwiftProtobuf
import TokenStore
import UnaryRPC

/// Gathers what only a node knows.
struct DoctorNode {
    /// Where the driver looks for the socket.
    static let standardSocket = Daemon.standardSocket

    private let options: DoctorCommand
    let environment: [String: String]
    let configuration: NodeConfiguration?
    let logger = Logger(label: "doctor") { _ in SwiftLogNoOpLogHandler() }

    init(_ options: DoctorCommand, _ environment: [String: String], _ configuration: NodeConfiguration?) {
        self.options = options
        self.environment = environment
        self.configuration = configuration
    }

    func gather(into facts: inout Facts) async {
        facts.node = .known(await node())
        await askAPIServer(&facts)
        guard options.askSources else {
            facts.sources = .unknown(Skip("the sources were not asked", fix: "add --ask-sources"))
            return
        }
        await askSources(&facts)
    }

    // MARK: Files and sockets

    private func node() async -> NodeFacts {
        let server = configuration?.server ?? ServerSettings()
        var node = NodeFacts(
            version: DaypassVersion.current,
            socketPath: options.socket ?? server.socket ?? Daemon.standardSocket,
            adminSocketPath: options.adminSocket ?? server.adminSocket,
            journalPath: (configuration?.leases ?? LeaseSettings()).journal
        )
        node.nodeName = environment["NODE_NAME"].flatMap { $0.isEmpty ? nil : $0 }
        if case .at(let source)? = configuration?.builds.pods, let name = source.nodeName { node.nodeName = name }
        node.socketFile = Self.file(node.socketPath)
        if node.socketFile?.kind == .socket { node.socketAnswer = await Self.version(node.socketPath) }
        await lookForOlderSocket(&node)
        node.adminSocketFile = Self.file(node.adminSocketPath)
        node.daemon = await daemon(node.adminSocketPath)
        node.journalFile = Self.file(node.journalPath)
        let folder = NodePath.folder(node.journalPath)
        node.journalFolder = Self.file(folder)
        node.journalFileSystem = fileSystemKind(of: folder)
        return node
    }

    private func lookForOlderSocket(_ node: inout NodeFacts) async {
        let folder = NodePath.folder(node.olderSocketPath)
        guard access(folder, X_OK) == 0 else {
            let isInPod = environment["KUBERNETES_SERVICE_HOST"]?.isEmpty == false
            // On the node itself a folder that is missing holds no socket.
            let why = Skip(
                "\(folder) of the node is not mounted here",
                fix: "look on the node: ls -l \(node.olderSocketPath)"
            )
            node.olderSocketFile = isInPod || errno != ENOENT ? .unknown(why) : .known(nil)
            return
        }
        let file = Self.file(node.olderSocketPath)
        // Two names of one folder are no trap.
        guard let file, !Self.isSame(node.olderSocketPath, node.socketPath) else {
            node.olderSocketFile = .known(nil)
            return
        }
        node.olderSocketFile = .known(file)
        if file.kind == .socket { node.olderSocketAnswer = await Self.version(node.olderSocketPath) }
    }

    private func daemon(_ path: String) async -> Gathered<DaemonFacts> {
        let report: AdminReport
        do { report = try await AdminClient(socketPath: path).leases() } catch let status as RPCStatus {
            let fix = "is the daemon running, and are you root? Name its configuration with --config"
            return .unknown(Skip("no daemon answers: \(Printable.text(status.description, most: 200))", fix: fix))
        } catch {
            let fix = "use the binary of its own version: kubectl -n daypass exec POD -- daypass doctor"
            return .unknown(Skip("the daemon's answer can't be read; is it of another version?", fix: fix))
        }
        var daemon = DaemonFacts(
            version: report.version,
            configuration: report.configuration,
            detectors: report.detectors.map { .init(name: $0.name, isWatching: $0.isWatching, note: $0.note) }
        )
        daemon.revoking = report.counts.revoking
        daemon.givenUp = report.counts.givenUp
        daemon.oldestDebtSeconds = report.counts.oldestDebtSeconds
        daemon.lost = report.counts.lost
        daemon.isJournalCurrent = report.counts.isJournalCurrent
        daemon.failures = report.leases.compactMap(\.failure)
        daemon.volumes = Set(report.leases.map { .init(podUID: $0.podUID, name: $0.volume) })
        return .known(daemon)
    }

    private static func version(_ path: String) async -> NodeFacts.Answer {
        do {
            let request = try V1alpha1_VersionRequest.with { $0.version = "v1alpha1" }.serializedBytes() as [UInt8]
            let bytes = try await withUnaryClient(socketPath: path) { client in
                try await client.call("/v1alpha1.CSIDriverProvider/Version", request, timeout: .seconds(5))
            }
            let answer = try V1alpha1_VersionResponse(serializedBytes: bytes)
            return .provider(name: answer.runtimeName, version: answer.runtimeVersion)
        } catch {
            return .failed("\(error)")
        }
    }

    private static func file(_ path: String) -> NodeFacts.File? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        let kind: NodeFacts.File.Kind =
            switch status.st_mode & S_IFMT {
            case S_IFSOCK: .socket
            case S_IFDIR: .folder
            case S_IFREG: .file
            default: .other
            }
        return NodeFacts.File(kind: kind, mode: Int(status.st_mode & 0o7777), owner: Int(status.st_uid))
    }

    private static func isSame(_ one: String, _ other: String) -> Bool {
        var first = stat()
        var second = stat()
        guard stat(one, &first) == 0, stat(other, &second) == 0 else { return false }
        return first.st_dev == second.st_dev && first.st_ino == second.st_ino
    }

    // MARK: The API server

    private func askAPIServer(_ facts: inout Facts) async {
        do throws(Skip) {
            let place = try APIServerPlace(configuration, environment)
            let secrets = FileSecretReader(logger: logger)
            let token: Secret
            do throws(TokenStoreError) {
                let bytes = try secrets.read(SecretReference(file: place.tokenFile)).reveal()
                token = Secret(Array(bytes.prefix { $0 > 0x20 }))
            } catch { throw Skip(error.message, fix: "let the Pod of Daypass mount its token") }
            var gathered = facts
            do {
                let options = HTTPTransferOptions(
                    trust: TrustRoots(includesSystem: place.caFile == nil, files: place.caFile.map { [$0] } ?? []),
                    proxy: .none,
                    userAgent: "daypass/\(DaypassVersion.current)",
                    environment: environment
                )
                gathered = try await withCurlTransport(options, logger: logger) { [gathered] http in
                    var gathered = gathered
                    await NodeObjects(server: place.server, token: token, http: http).gather(
                        node: place.node,
                        into: &gathered
                    )
                    return gathered
                }
            } catch { throw Skip("the API server can't be asked: \(error)") }
            facts = gathered
        } catch {
            facts.objects.pods = .unknown(error)
            facts.objects.classes = .unknown(error)
            facts.clocks = .unknown(error)
            let more = Skip("the cluster is not asked from here", fix: "run daypass doctor where kubectl works, too")
            facts.objects.csiDrivers = .unknown(more)
            facts.objects.csiNodes = .unknown(more)
            facts.objects.daemonSets = .unknown(more)
            facts.objects.syncRoles = .unknown(more)
        }
    }
}

/// The API server that the daemon of this node asks.
private struct APIServerPlace {
    var server: String
    var node: String
    var tokenFile = InCluster.tokenFile
    var caFile: String? = InCluster.caFile

    /// - Throws: `Skip` when there is none, or this node's name is not known.
    init(_ configuration: NodeConfiguration?, _ environment: [String: String]) throws(Skip) {
        var name = environment["NODE_NAME"].flatMap { $0.isEmpty ? nil : $0 }
        var named: String?
        if case .at(let source)? = configuration?.builds.pods {
            name = source.nodeName ?? name
            named = source.server
            tokenFile = source.tokenFile ?? tokenFile
            if let server = source.server { caFile = source.caFile ?? (server.hasPrefix("https") ? caFile : nil) }
        }
        if let named {
            server = named
        } else {
            do throws(Refusal) { server = try InCluster.server(environment: environment) } catch {
                throw Skip("this is no Pod, so the API server is not asked", fix: "run it in Daypass's Pod")
            }
        }
        guard let name else {
            throw Skip("NODE_NAME is not set, so this node's Pods are not known", fix: "set it from spec.nodeName")
        }
        node = name
    }
}
