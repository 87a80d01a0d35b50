// A configuration in real files, and what follows it, without a socket.

import Crypto
import Foundation
import Identity
import Leases
import Logging
import LoopbackCluster
import MountService
import NodeMetrics
import Policy
import Rendering
import Support
import Testing
import TokenStore

@testable import Daemon

/// A folder with a configuration, and a reloader that follows it.
struct ReloadBench: Sendable {
    let folder: String
    let requests: ReloadRequests
    let inForce: ConfigurationInForce
    let transports: Transports
    let leases: LeaseManager
    let gates: StoreGates
    let log: CollectedLog

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    /// Writes a file beside its place and moves it there, as careful programs do.
    func write(_ text: String, to name: String) throws { try Self.write(text, to: path(name)) }

    /// Writes a file where it is, as careless programs do.
    func overwrite(_ text: String, in name: String) throws {
        let file = try #require(FileHandle(forWritingAtPath: path(name)))
        try file.truncate(atOffset: 0)
        try file.write(contentsOf: Data(text.utf8))
        try file.close()
    }

    static func write(_ text: String, to path: String) throws {
        try Data(text.utf8).write(to: URL(filePath: path), options: .atomic)
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: path)
    }

    /// Has it reloaded at once.
    func reload() async throws -> ReloadReport { try #require(await requests.reload()) }

    /// How many log lines have these texts.
    func lines(_ texts: String...) -> Int { log.lines.filter { line in texts.allSatisfy(line.contains) }.count }

    /// The entry of a store.
    func store(_ name: String, host: String = "a.example", key: String = "key", note: String = "-") -> String {
        "  \(name): { kind: keyed, url: \"https://\(host)\", note: \"\(note)\", key: { file: \(path(key)) } }\n"
    }

    /// A configuration of these stores, with a grant for each that carries its name.
    func yaml(_ stores: [String], more: String = "", grants: [String]? = nil) -> String {
        Self.yaml(stores, more: more, grants: grants)
    }

    static func yaml(_ stores: [String], more: String = "", grants: [String]? = nil) -> String {
        let names = stores.map { $0.split(separator: ":")[0].trimmingCharacters(in: .whitespaces) }
        let grants = (grants ?? names).map { name in
            """
              - name: to-\(name)
                to: { namespace: binder, serviceAccount: builder }
                store: \(names.contains(name) ? name : names[0])
                allow: { repositories: ["o/*"], permissions: { contents: read } }

            """
        }
        let identity = more.contains("identity:") ? "" : "identity: driver\n"
        return identity + more + "stores:\n" + stores.joined() + "grants:\n" + grants.joined()
    }

    /// A lease of a store, as the Mount of a build leads to one.
    func mount(_ store: String, pod: Int = 1) async throws -> Lease {
        let slot = inForce.stores.slots[store]
        let key = LeaseKey(
            podUID: "uid-\(pod)",
            volume: "credentials",
            token: store,
            store: store,
            origin: slot?.origin(of: store) ?? "",
            scope: TokenScope(repositories: ["o/r"], permissions: ["contents": .read])
        )
        let ask = LeaseAsk(subject: .build(pod), targetPath: "", source: slot)
        let answer = try await leases.lease(key, ask, within: .seconds(20))
        leases.delivered([answer.lease.id])
        return answer.lease
    }

    /// Runs `body` while a reloader follows a configuration with one store, `github`.
    ///
    /// - Parameter more: further keys of the first configuration, given the folder.
    static func with(
        more: (String) throws -> String = { _ in "" },
        _ body: @escaping @Sendable (ReloadBench) async throws -> Void
    ) async throws {
        let name = "daypass-reload-\(UUID().uuidString.prefix(8))"
        let folder = FileManager.default.temporaryDirectory.appending(path: name).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try write("key 1", to: "\(folder)/key")
        let github =
            "  github: { kind: keyed, url: \"https://a.example\", note: \"-\", key: { file: \(folder)/key } }\n"
        try write(yaml([github], more: try more(folder)), to: "\(folder)/node.yaml")
        try await run(folder, body)
    }

    private static func start(
        _ maker: GenerationMaker,
        _ configuration: NodeConfiguration
    ) async throws -> (HandOver<Generation>, StoresInForce) {
        let generation = try await maker.first(configuration)
        return (HandOver(generation), StoresInForce(generation.room))
    }

    private static func run(
        _ folder: String,
        _ body: @escaping @Sendable (ReloadBench) async throws -> Void
    ) async throws {
        let log = CollectedLog()
        let source = try #require(ConfigurationSource("\(folder)/node.yaml", kinds: [KeyedStore.self]))
        let configuration = try source.configuration(try source.text())
        try await withTransports(log.logger) { transports in
            let maker = GenerationMaker(
                environment: [:],
                transports: transports,
                rateLimits: RateLimits(clock: SystemClock()),
                logger: log.logger
            )
            let (first, stores) = try await start(maker, configuration)
            let gates = StoreGates(limits: configuration.storeLimits, clock: .system)
            let parts = LeaseManager.Parts(
                clock: .system,
                journal: MemoryJournal(),
                sources: stores,
                gates: gates,
                logger: log.logger
            )
            try await withLeaseManager(parts) { leases in
                let mounts: @Sendable (Generation) -> MountService = { generation in
                    MountService(
                        MountService.Parts(
                            identity: generation.identity.mode,
                            audience: "daypass",
                            policy: generation.configuration.policy,
                            leases: leases,
                            stores: generation.room,
                            clock: SystemClock(),
                            versioner: ObjectVersioner(key: SymmetricKey(size: .bits256)),
                            deadline: .seconds(25),
                            logger: log.logger
                        )
                    )
                }
                let status = ReloadStatus(digest: configuration.digest, appliedAt: "", appliedAtEpochSeconds: 0)
                let inForce = try #require(
                    first.take().map { ConfigurationInForce($0, mounts($0), ReloadBook($0.contents, status)) }
                )
                let requests = ReloadRequests()
                let reloader = Reloader(
                    Reloader.Parts(
                        source: source,
                        requests: requests,
                        maker: maker,
                        inForce: inForce,
                        stores: stores,
                        leases: leases,
                        gates: gates,
                        started: configuration,
                        mounts: mounts,
                        clock: .system,
                        logger: log.logger
                    )
                )
                let bench = ReloadBench(
                    folder: folder,
                    requests: requests,
                    inForce: inForce,
                    transports: transports,
                    leases: leases,
                    gates: gates,
                    log: log
                )
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { await reloader.run() }
                    defer { group.cancelAll() }
                    // It looks once when it begins: what the test writes is for the looks after that.
                    await until { inForce.change { !$0.triedFiles.isEmpty } }
                    try await body(bench)
                }
            }
        }
    }
}
