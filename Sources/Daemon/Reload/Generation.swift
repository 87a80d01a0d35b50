// The parts that one version of the configuration and its files is in force with.

import HTTPTransfer
import Identity
import Leases
import Logging
import MountService
import NodeMetrics
import Policy
import Programs
import Refusals
import TokenStore

/// A configuration with what was made of it. What did not change since the one before is shared with that.
struct Generation: Sendable {
    /// A store, and what it was made of.
    struct Store: Sendable {
        var slot: StoreSlot
        /// The files that it read when it was made; all of its files when it could not be made.
        var files: [String: SmallFile.Digest]
        /// The store whose place it takes because nothing but its files or its surroundings changed.
        var follows: StoreSlot?
    }

    /// The transport to the token sources, and what it was made of.
    struct Way: Sendable {
        var transport: HeldTransport
        var settings: HTTPSettings
        var files: [String: SmallFile.Digest]
    }

    /// How the node learns who asks, and what that was made of.
    struct Identification: Sendable {
        var mode: IdentityMode
        var settings: IdentitySettings
        var files: [String: SmallFile.Digest]
    }

    var configuration: NodeConfiguration
    /// What all files of the configuration held.
    var files: [String: SmallFile.Digest]
    var identity: Identification
    var way: Way
    var stores: [String: Store]
    /// The stores that can't be made, and why; they are tried again when they are asked for a token.
    var failures: [String: TokenStoreError] = [:]
    /// The stores that work on with the former content of their files, and why.
    var heldBack: [String: TokenStoreError] = [:]

    /// What is in the files.
    var contents: ReloadBook.Contents { ReloadBook.Contents(configuration: configuration.digest, files: files) }

    /// The stores as mounts and leases see them.
    var room: StoreRoom { StoreRoom(configuration.stores.compactMap { stores[$0.name]?.slot }) }
}

/// Why a configuration can't be put in force.
struct GenerationFailure: Error, Hashable {
    /// One line: what is wrong and how to mend it.
    var message: String
}

/// Makes generations.
struct GenerationMaker: Sendable {
    let environment: [String: String]
    let transports: Transports
    let rateLimits: RateLimits
    let logger: Logger

    /// The first one. Keys are not fetched yet, and a store that can't be made holds up nothing.
    ///
    /// - Throws: `HTTPTransferSetupError` or ``Refusal`` when the daemon can't do its work with this configuration.
    func first(_ configuration: NodeConfiguration) async throws -> Generation {
        let files = configuration.watchedFiles.digests
        let way = Generation.Way(
            transport: try await transports.transport(configuration.http.options(environment)),
            settings: configuration.http,
            files: files.only(configuration.httpFiles)
        )
        let identity = Generation.Identification(
            mode: try await configuration.identity.mode(environment, transports, logger),
            settings: configuration.identity,
            files: files.only(configuration.keyFiles)
        )
        var generation = Generation(
            configuration: configuration,
            files: files,
            identity: identity,
            way: way,
            stores: [:]
        )
        for store in configuration.stores {
            let (slot, files, failure) = made(store, files, configuration, way)
            generation.stores[store.name] = Generation.Store(slot: slot, files: files)
            generation.failures[store.name] = failure
        }
        return generation
    }

    /// The next one. It is complete when this returns: the keys are known, and all stores that worked still do.
    ///
    /// - Parameter files: what the configuration's files hold.
    func next(
        _ configuration: NodeConfiguration,
        _ files: [String: SmallFile.Digest],
        after old: Generation
    ) async throws(GenerationFailure) -> Generation {
        let way = try await way(configuration, files, after: old)
        let identity = try await identity(configuration, files, after: old)
        var generation = Generation(
            configuration: configuration,
            files: files,
            identity: identity,
            way: way,
            stores: [:]
        )
        for store in configuration.stores { try add(store, to: &generation, files, after: old) }
        return generation
    }

    // MARK: Parts

    private func way(
        _ configuration: NodeConfiguration,
        _ files: [String: SmallFile.Digest],
        after old: Generation
    ) async throws(GenerationFailure) -> Generation.Way {
        let own = files.only(configuration.httpFiles)
        if configuration.http == old.way.settings, own == old.way.files { return old.way }
        do {
            return Generation.Way(
                transport: try await transports.transport(configuration.http.options(environment)),
                settings: configuration.http,
                files: own
            )
        } catch { throw GenerationFailure(message: "http: \(error)") }
    }

    private func identity(
        _ configuration: NodeConfiguration,
        _ files: [String: SmallFile.Digest],
        after old: Generation
    ) async throws(GenerationFailure) -> Generation.Identification {
        let own = files.only(configuration.keyFiles)
        if configuration.identity == old.identity.settings, own == old.identity.files { return old.identity }
        do {
            let mode = try await configuration.identity.mode(environment, transports, logger)
            // Without keys nobody could be identified any more.
            if case .serviceAccountToken(let verifier) = mode { try await verifier.prepare() }
            return Generation.Identification(mode: mode, settings: configuration.identity, files: own)
        } catch { throw GenerationFailure(message: "identity: \(error)") }
    }

    private func add(
        _ store: ConfiguredStore,
        to generation: inout Generation,
        _ files: [String: SmallFile.Digest],
        after old: Generation
    ) throws(GenerationFailure) {
        let former = old.stores[store.name]
        let section = "stores.\(store.name)"
        let configuration = generation.configuration
        let isSame = former != nil && configuration.sections[section] == old.configuration.sections[section]
        let hasSameWay =
            generation.way.transport === old.way.transport && configuration.programs == old.configuration.programs
        if isSame, hasSameWay, let former, former.files == files.only(Array(former.files.keys)) {
            var kept = former
            kept.follows = nil
            generation.stores[store.name] = kept
            generation.failures[store.name] = old.failures[store.name]
            generation.heldBack[store.name] = old.heldBack[store.name]
            return
        }
        let (slot, read, failure) = made(store, files, configuration, generation.way)
        var new = Generation.Store(slot: slot, files: read, follows: isSame ? former?.slot : nil)
        if let failure, let former, former.slot.isMade {
            // A store that works is not given up for one that does not.
            guard isSame, hasSameWay else { throw GenerationFailure(message: "store \(store.name): \(failure)") }
            new = Generation.Store(slot: former.slot, files: read)
            generation.heldBack[store.name] = failure
        } else {
            generation.failures[store.name] = failure
        }
        generation.stores[store.name] = new
    }

    /// Makes a store, if it can be made. What it read then is what it was made of.
    private func made(
        _ store: ConfiguredStore,
        _ files: [String: SmallFile.Digest],
        _ configuration: NodeConfiguration,
        _ way: Generation.Way
    ) -> (StoreSlot, [String: SmallFile.Digest], TokenStoreError?) {
        var logger = logger
        logger[metadataKey: "store"] = "\(store.name)"
        let secrets = ReadRecorder(FileSecretReader(logger: logger))
        let programs = configuration.programs.runner
        let slot = StoreSlot(store) { [logger, rateLimits] in
            TokenStoreContext(
                name: store.name,
                clock: SystemClock(),
                http: rateLimits.watching(way.transport, store: store.name),
                secrets: secrets,
                programs: programs,
                logger: logger
            )
        }
        do throws(TokenStoreError) {
            _ = try slot.store()
            return (slot, files.only(Array(secrets.read)), nil)
        } catch { return (slot, files.only(store.files), error) }
    }
}

extension NodeConfiguration {
    /// The files whose content is part of what is in force. What belongs to settings that need a restart looks after its
    /// own files.
    var watchedFiles: Set<String> { Set(httpFiles + keyFiles + stores.flatMap(\.files)) }

    fileprivate var httpFiles: [String] { paths([.authorities, .clientCertificate, .clientKey]) }
    fileprivate var keyFiles: [String] { paths([.keySet]) }

    private func paths(_ purposes: [NamedFile.Purpose]) -> [String] {
        namedFiles.filter { purposes.contains($0.purpose) }.map(\.path)
    }
}

extension ConfiguredStore {
    fileprivate var files: [String] { secretFiles.map(\.file) }
}

extension Set<String> {
    /// What these files hold.
    var digests: [String: SmallFile.Digest] {
        Dictionary(uniqueKeysWithValues: map { ($0, SmallFile.digest(of: $0)) })
    }
}

extension [String: SmallFile.Digest] {
    fileprivate func only(_ paths: [String]) -> Self { filter { paths.contains($0.key) } }
}
