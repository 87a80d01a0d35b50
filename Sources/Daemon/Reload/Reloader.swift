// Reads the configuration anew when something changed, and puts it in force, whole or not at all.

import BuildEnds
import Leases
import LogEvents
import Logging
import MountService
import Policy
import TokenStore

/// Follows the files of the configuration.
struct Reloader: Sendable {
    /// What a reload changes.
    struct Parts: Sendable {
        var source: ConfigurationSource
        var requests: ReloadRequests
        var maker: GenerationMaker
        var inForce: ConfigurationInForce
        var stores: StoresInForce
        var leases: LeaseManager
        var gates: StoreGates
        /// The configuration that the daemon was started with.
        var started: NodeConfiguration
        /// Makes what answers Mounts.
        var mounts: @Sendable (Generation) -> MountService
        var clock: LeaseClock
        var logger: Logger
    }

    private let parts: Parts
    private let log: ReloadLog

    init(_ parts: Parts) {
        self.parts = parts
        log = ReloadLog(logger: parts.logger, file: parts.source.path)
    }

    /// Reloads when it is time, until the task is cancelled.
    func run() async {
        var pacer = ReloadPacer()
        let bell = DirectoryBell(for: .changes) { [requests = parts.requests] in requests.ring() }
        if bell == nil { log.withoutWatches(poll: pacer.poll) }
        defer { bell?.close() }
        defer { parts.requests.close() }
        while !Task.isCancelled {
            let wishes = parts.requests.take()
            let now = parts.clock.steady()
            if wishes.hasRung { pacer.rang(at: now) }
            guard wishes.isAsked || pacer.isDue(at: now) else {
                let pause = pacer.next - now
                await parts.requests.bell.wait { [clock = parts.clock] in try? await clock.sleep(pause) }
                continue
            }
            pacer.looked(at: now)
            // Watched before it is looked: what changes after the look rings.
            let watched = WatchedDirectories.of(files)
            bell?.watch(watched)
            let report = await reload(isAsked: wishes.isAsked)
            let named = WatchedDirectories.of(files)
            if named != watched {
                // Nobody watched these while they were looked at: once more, after a moment of calm.
                bell?.watch(named)
                parts.requests.ring()
            }
            for continuation in wishes.waiting { continuation.resume(returning: report) }
        }
    }

    /// The files of the configuration in force, and of the one that was refused last: what it lacks may come.
    private var files: Set<String> {
        parts.inForce.change { $0.generation.configuration.watchedFiles.union($0.triedFiles) }
            .union([parts.source.path])
    }

    // MARK: One reload

    /// Looks at the files, and puts what they hold in force if it is new and can be used.
    func reload(isAsked: Bool) async -> ReloadReport {
        let text: String
        do throws(SmallFile.Failure) { text = try parts.source.text() } catch {
            let contents = ReloadBook.Contents(configuration: nil, files: [:])
            return refuse(contents, ["\(parts.source.path) \(error.message)"])
        }
        let old = parts.inForce.change { $0.generation }
        let configuration: NodeConfiguration
        if NodeConfiguration.digest(of: text) == old.configuration.digest {
            configuration = old.configuration
        } else {
            do throws(ConfigurationProblems) { configuration = try parts.source.configuration(text) } catch {
                let contents = ReloadBook.Contents(configuration: NodeConfiguration.digest(of: text), files: [:])
                let errors = error.problems.filter { $0.severity == .error }
                return refuse(contents, errors.map(\.description))
            }
        }
        let contents = ReloadBook.Contents(
            configuration: configuration.digest,
            files: configuration.watchedFiles.digests
        )
        let step = parts.inForce.change { state in
            state.triedFiles = configuration.watchedFiles
            let step = state.book.step(contents)
            if step != .attempt { state.book.found(isAsked: isAsked) }
            return step
        }
        if step == .recovered { log.recovered(old.configuration.digest) }
        if step != .attempt {
            return parts.inForce.status.isCurrent ? report(.unchanged) : heldBackReport(.refused)
        }
        do throws(GenerationFailure) {
            let new = try await parts.maker.next(configuration, contents.files, after: old)
            return apply(new, contents, after: old)
        } catch {
            // The daemon ends: that says nothing of the configuration.
            return Task.isCancelled ? report(.refused) : refuse(contents, [error.message])
        }
    }

    private func refuse(_ contents: ReloadBook.Contents, _ problems: [String]) -> ReloadReport {
        let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
        let message = (problems.first ?? "it can't be used") + more
        let time = parts.clock.wall.now.rfc3339
        let isNews = parts.inForce.change { $0.book.refused(contents, message, at: time) }
        var report = report(.refused)
        report.problems = problems
        if isNews { log.refused(report) }
        return report
    }

    private func apply(_ new: Generation, _ contents: ReloadBook.Contents, after old: Generation) -> ReloadReport {
        let difference = ConfigurationDifference(from: old.configuration, to: new.configuration)
        let heldBack = new.heldBack.mapValues(\.description)
        let changes = difference.lines + new.changedFiles(since: old)
        let now = parts.clock.wall.now
        let formerStatus = parts.inForce.status
        if new.configuration.digest == old.configuration.digest, changes.isEmpty {
            // Nothing but files that stores read when they need them, or that their stores can't be made with.
            let isNews = heldBack != parts.inForce.status.heldBack
            parts.inForce.change { state in
                state.generation = new
                state.book.kept(contents, heldBack, at: now.rfc3339)
            }
            guard !heldBack.isEmpty else { return report(.unchanged) }
            let report = heldBackReport(.refused)
            if isNews { log.refused(report) }
            return report
        }
        let others = Set(difference.stores.changed + difference.stores.added)
        parts.gates.setLimits(new.configuration.storeLimits, others: others)
        parts.leases.setGrace(new.configuration.leases.grace)
        let mounts = parts.mounts(new)
        parts.stores.set(new.room)
        for store in new.stores.values { store.follows?.follow(with: store.slot) }
        // Its answers are let go of outside of the lock that each Mount takes.
        let former = parts.inForce.mounts
        defer { withExtendedLifetime(former) {} }
        let pending = ConfigurationDifference.pendingRestart(startedWith: parts.started, now: new.configuration)
        parts.inForce.change { state in
            state.generation = new
            state.mounts = mounts
            state.book.applied(
                contents,
                digest: new.configuration.digest,
                heldBack: heldBack,
                pendingRestart: pending,
                at: now.rfc3339,
                epochSeconds: now.epochSeconds
            )
        }
        var report = heldBackReport(.applied)
        report.changes = changes
        report.warnings = new.configuration.warnings.map(\.description)
        log.applied(report, from: old.configuration.digest)
        if pending != formerStatus.pendingRestart, !pending.isEmpty { log.pendingRestart(pending) }
        if new.configuration.digest != old.configuration.digest {
            for warning in new.configuration.warnings { warning.log(to: parts.logger) }
        }
        for (name, error) in new.failures.sorted(by: { $0.key < $1.key })
        where old.failures[name]?.description != error.description {
            parts.logger.log(
                .storeUnusable,
                "store can't be used",
                metadata: ["store": "\(name)", "error": "\(error)"]
            )
        }
        return report
    }

    private func report(_ outcome: ReloadStatus.Outcome) -> ReloadReport {
        ReloadReport(outcome: outcome, status: parts.inForce.status)
    }

    /// A report whose problems are those of the stores that are held back.
    private func heldBackReport(_ outcome: ReloadStatus.Outcome) -> ReloadReport {
        var report = report(outcome)
        report.problems = report.status.heldBack.sorted { $0.key < $1.key }.map { "store \($0.key): \($0.value)" }
        return report
    }
}

extension Generation {
    /// What was made anew because of files alone, a line each.
    fileprivate func changedFiles(since old: Generation) -> [String] {
        var lines: [String] = []
        if identity.settings == old.identity.settings, identity.files != old.identity.files {
            lines.append("the keys of identity changed")
        }
        if way.settings == old.way.settings, way.files != old.way.files {
            lines.append("the certificates of http changed")
        }
        for (name, store) in stores.sorted(by: { $0.key < $1.key }) {
            guard let former = old.stores[name], store.follows === former.slot, store.files != former.files else {
                continue
            }
            lines.append("the files of store \(name) changed")
        }
        return lines
    }
}
