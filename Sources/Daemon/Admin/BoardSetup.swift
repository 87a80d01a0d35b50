// What a daemon that has its leases shows on the admin endpoints: the checks, and the inside.

import AdminHTTP
import Glibc
import Identity
import Leases
import MountService
import Policy
import Refusals
import TokenStore

extension Daemon {
    /// Puts the checks and the inside on the board. What a reload can change is asked for at each look.
    func showOnBoard(
        _ inForce: ConfigurationInForce,
        _ leases: LeaseManager,
        _ detectors: @escaping @Sendable () -> [DetectorReport]
    ) {
        let (journal, recent) = (configuration.leases.journal, recentRefusals)
        admin.setConfiguration { ConfigurationStatus(inForce.configuration, inForce.status) }
        admin.set(.keys) { await inForce.identity.keyVerdict() }
        admin.set(.journal) {
            if let failure = leases.journalFailure { return .failed("\(failure)") }
            return JournalPlaceProbe(path: journal).failure.map { .failed($0) } ?? .ok()
        }
        admin.set(.stores) { Self.storeVerdict(inForce.stores.makeAll(), of: inForce.configuration.stores.count) }
        admin.setInside {
            let failures = inForce.stores.makeAll()
            return InsideStatus(
                keys: inForce.identity.keysForPeople,
                stores: inForce.configuration.stores.map { store in
                    InsideStatus.Store(
                        name: store.name,
                        kind: store.kind,
                        failure: failures[store.name].map { "\($0)" },
                        gate: leases.gate(store.name)
                    )
                },
                leases: leases.summaries,
                counts: leases.counts,
                refusals: recent.latest.map(InsideStatus.Refused.init),
                detectors: detectors().map { detector in
                    InsideStatus.Detector(name: detector.name, isWatching: detector.isWatching, note: detector.note)
                }
            )
        }
    }

    /// Some stores that can't be made are a warning: the others serve, a new Pod would not mend them, and each mint tries
    /// again. When there is none, this node can mint nothing, and a rollout that brought it about must not go on.
    static func storeVerdict(_ failures: [String: TokenStoreError], of count: Int) -> CheckResult.Verdict {
        guard !failures.isEmpty else { return .ok(count == 1 ? "1 store" : "\(count) stores") }
        let texts = failures.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: "; ")
        return failures.count < count
            ? .warning("\(failures.count) of \(count) stores can't be used: \(texts)")
            : .failed("no store can be used: \(texts)")
    }
}

extension ConfigurationStatus {
    fileprivate init(_ configuration: NodeConfiguration, _ status: ReloadStatus) {
        self.init(
            file: configuration.file,
            digest: status.digest,
            stores: configuration.stores.count,
            grants: configuration.policy.grants.count,
            appliedAt: status.appliedAt
        )
        applied = status.applied
        refused = status.refused
        pendingRestart = status.pendingRestart
        problem = status.isCurrent ? nil : status.lastRefusal.map { Problem(message: $0.message, at: $0.at) }
    }
}

extension IdentityMode {
    /// Whether the keys are known. When there are none yet they are asked for: nobody else does until a Mount comes.
    fileprivate func keyVerdict() async -> CheckResult.Verdict {
        guard case .serviceAccountToken(let verifier) = self else { return .ok("not needed with identity: driver") }
        if verifier.keyStatus.keyCount == 0 { try? await verifier.prepare() }
        let status = verifier.keyStatus
        guard status.keyCount > 0 else {
            return .failed(status.failure.map { "\($0)" } ?? "not known yet, from \(status.location)")
        }
        let keys = status.keyCount == 1 ? "1 key" : "\(status.keyCount) keys"
        return status.failure.map { .warning("\(keys) in force; the last fetch failed: \($0)") } ?? .ok(keys)
    }

    fileprivate var keysForPeople: InsideStatus.Keys {
        guard case .serviceAccountToken(let verifier) = self else {
            return InsideStatus.Keys(
                location: "none: kubelet's word is believed (identity: driver)",
                issuer: nil,
                count: 0,
                fetchedAt: nil,
                failure: nil
            )
        }
        let status = verifier.keyStatus
        return InsideStatus.Keys(
            location: status.location,
            issuer: status.issuer,
            count: status.keyCount,
            fetchedAt: status.fetchedAt?.rfc3339,
            failure: status.failure.map { "\($0)" }
        )
    }
}

extension InsideStatus.Refused {
    fileprivate init(_ entry: RecentRefusals.Entry) {
        self.init(
            at: entry.at.rfc3339,
            firstAt: entry.firstAt.rfc3339,
            count: entry.count,
            reason: entry.refusal.reason.code,
            text: entry.refusal.description,
            namespace: entry.claimed?.namespace,
            pod: entry.claimed?.podName
        )
    }
}

/// Whether the place of the journal can still be written, as far as that shows without writing.
struct JournalPlaceProbe {
    let path: String

    /// What must be left for a few writes, in bytes.
    private static let leastRoom: UInt64 = 64 << 10

    /// Why not, in one line; `nil` when it can.
    var failure: String? {
        var file = stat()
        guard lstat(path, &file) == 0 else {
            return
                "\(path) is gone: it is written anew with the next change of a lease, and until then a crash loses all"
        }
        let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        var system = statvfs()
        guard statvfs(folder.isEmpty ? "/" : folder, &system) == 0 else { return nil }
        if system.f_flag & UInt(ST_RDONLY) != 0 { return "\(folder) is read-only; mount it writable" }
        let room = UInt64(system.f_bavail) * UInt64(system.f_frsize)
        return room < Self.leastRoom ? "\(folder) has \(room) bytes left; free space there" : nil
    }
}
