// A node, its token source and its Pods, played in one thread: what the property tests drive.

import Support
import TokenStore

@testable import Leases

/// Plays the manager's steps, one at a time and in any order, against models of the source, the Pods and the journal.
/// Time is played too: the true one, the boot's, and a time of day that may be wrong.
struct LeaseWorld {
    /// A token at the source.
    struct Token {
        let number: Int
        /// The lease that asked for it.
        let lease: LeaseID
        let key: LeaseKey
        /// When it ends, in true time; `nil` for never.
        let endsAt: Duration?
        let hasHandle: Bool
        var isRevoked = false
        var wasServed = false
        var wasDelivered = false
        /// How wrong the node's time of day was when the token came, or when a boot made its steady time anew: by so
        /// much the node errs about its life.
        var clockError: Duration
        /// Whether a boot has made its times anew.
        var wasRebased = false
        /// When a Mount was first answered with its follower, in true time, or a restart assumed so.
        var followedAt: Duration?
        /// Why the node may forget it although it lives.
        var excuse: String?
    }

    /// How far a mint is.
    enum Stage: Equatable {
        case queued
        case intending(UInt64)
        case intended(isWritten: Bool)
        case calling
        case settling(UInt64)
        case settled(isWritten: Bool)
    }

    struct Job {
        let id: LeaseID
        let key: LeaseKey
        var stage = Stage.queued
    }

    /// How far a revocation or a search is.
    enum WorkStage: Equatable {
        case writing(UInt64)
        case calling(wasWritten: Bool)
    }

    struct Errand {
        let work: LeaseTable.Work
        var stage: WorkStage
    }

    enum Outcome: Equatable {
        case lease(Lease)
        case failed
        case cancelled
    }

    struct Mount {
        let pod: String
        let keys: [LeaseKey]
        var outcomes: [Int: Outcome] = [:]
        var held: [LeaseID] {
            outcomes.values.compactMap { if case .lease(let lease) = $0 { lease.id } else { nil } }
        }
        var isReady: Bool { outcomes.count == keys.count }
    }

    struct Pod {
        let uid: String
        var hasEnded = false
        /// Whether this run of the daemon was told so.
        var isKnown = false
    }

    var random: SeededRandom
    /// Whether disasters are rare, so that leases grow old.
    let isCalm: Bool
    let schedule: LeaseSchedule

    // Time.
    var time = Duration.seconds(500_000)
    var bootedAt = Duration.zero
    var wallError = Duration.zero

    // The source.
    var tokens: [Token] = []
    var byLease: [LeaseID: Int] = [:]
    var isSourceDown = false
    /// Mints that the source will still make, and when.
    var late: [(job: Job, at: Duration)] = []

    // The node.
    var table: LeaseTable
    var queue = JournalQueue()
    var write: (write: JournalQueue.Write, ticket: UInt64)?
    var disk: [LeaseID: LeaseRecord] = [:]
    /// The boot in which each record was written.
    var writtenIn: [LeaseID: Int] = [:]
    var boot = 0
    var isJournalFull = false
    var jobs: [LeaseID: Job] = [:]
    var errands: [LeaseID: Errand] = [:]
    var waiters: [LeaseID: [Int: Int]] = [:]
    var lastID: UInt64 = 0

    // Those who ask.
    var pods: [Pod] = []
    var mounts: [Int: Mount] = [:]
    var nextMount = 0
    /// What Pods hold that must be given to them again while it is fresh.
    var promised: [LeaseKey: Lease] = [:]
    /// The intents that were reported as lost.
    var reportedLost: Set<LeaseID> = []
    /// Those for which the source could not be asked, however often it was tried.
    var unsearched: Set<LeaseID> = []
    /// What may be revoked although its Pod runs.
    var goneVolumes: Set<String> = []
    var askedStores: Set<String> = []

    // What is found.
    var events: [String] = []
    /// How often things happened, so that a generator that reaches nothing is noticed.
    var tally: [String: Int] = [:]
    /// The first broken promise.
    var violation: String?

    init(seed: UInt64) {
        random = SeededRandom(seed: seed)
        var schedule = LeaseSchedule()
        schedule.concurrentRevocations = 2
        self.schedule = schedule
        table = LeaseTable(schedule: schedule)
        isCalm = seed % 2 == 0
        for _ in 0..<(1 + seed / 2 % 3) { addPod() }
    }

    /// What the node's clocks say.
    var now: Moment {
        Moment(wall: UTCInstant(epochSeconds: 1_700_000_000).advanced(by: time + wallError), steady: time - bootedAt)
    }

    mutating func broken(_ promise: String, _ what: String) {
        if violation == nil { violation = "\(promise): \(what)" }
    }

    mutating func count(_ what: String) { tally[what, default: 0] += 1 }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    mutating func addPod() { pods.append(Pod(uid: "pod-\(pods.count)")) }

    mutating func newID() -> LeaseID {
        lastID += 1
        return LeaseID(lastID)
    }

    // MARK: The source

    /// The kinds of stores there are.
    enum Kind: String, CaseIterable {
        /// Tokens that end and can be revoked.
        case plain
        /// The same, found by their names.
        case named
        /// Tokens that end, and can't be revoked.
        case mute
        /// Tokens that do not end; they can be revoked and found.
        case endless
        /// Tokens that neither end nor can be revoked.
        case bare
    }

    func kind(_ store: String) -> Kind { Kind(rawValue: store) ?? .plain }

    func lives(_ token: Token) -> Bool { !token.isRevoked && token.endsAt.map { time < $0 } ?? true }

    /// Mints a token, whoever hears of it.
    mutating func mintToken(_ job: Job) -> Token {
        let kind = kind(job.key.store)
        let endless = kind == .endless || kind == .bare
        let life = Duration.seconds([900, 3600, 3600, 3600, 7200].randomElement(using: &random) ?? 3600)
        let token = Token(
            number: tokens.count,
            lease: job.id,
            key: job.key,
            endsAt: endless ? nil : time + life,
            hasHandle: kind != .mute && kind != .bare,
            clockError: wallError
        )
        byLease[job.id] = token.number
        tokens.append(token)
        return token
    }

    func issued(_ token: Token) -> IssuedToken {
        let text = "t\(token.number)"
        return IssuedToken(
            username: "u",
            secret: Secret(utf8: text),
            expiresAt: token.endsAt.map { UTCInstant(epochSeconds: 1_700_000_000).advanced(by: $0) },
            grantedScope: token.key.scope,
            handle: token.hasHandle ? RevocationHandle(identifier: text) : nil
        )
    }

    /// The token of an identifier or of a secret's text.
    func number(_ text: String) -> Int? { Int(text.dropFirst()) }

    /// The token of a record: a lost one that was found has another lease than the one that asked for it.
    func token(of record: LeaseRecord) -> Int? {
        record.token?.handle.flatMap { number($0.identifier) } ?? byLease[record.id]
    }

    // MARK: The journal

    /// Hands what was changed to the queue.
    mutating func pump() -> UInt64 { queue.add(table.takeChanges()) }

    mutating func startWrite() {
        _ = pump()
        guard write == nil else { return }
        let isRetry = chance(50) || isSomebodyWriting
        write = queue.next(table.journalled, isRetry: isRetry)
    }

    private var isSomebodyWriting: Bool {
        jobs.values.contains {
            switch $0.stage {
            case .intending, .settling: true
            default: false
            }
        } || errands.values.contains { if case .writing = $0.stage { true } else { false } }
    }

    mutating func finishWrite() {
        guard let (write, ticket) = write else { return }
        self.write = nil
        var failure: JournalFailure?
        if isJournalFull {
            failure = JournalFailure(.full, "no space")
        } else if case .changes = write, chance(3) {
            // The file is gone: it is made anew from what the table holds by now.
            commit(.all(table.journalled))
        } else {
            commit(write)
        }
        _ = queue.finish(ticket, failure)
        let isWritten = failure == nil
        for (id, job) in jobs {
            switch job.stage {
            case .intending(let own) where own <= ticket: jobs[id]?.stage = .intended(isWritten: isWritten)
            case .settling(let own) where own <= ticket: jobs[id]?.stage = .settled(isWritten: isWritten)
            default: break
            }
        }
        for (id, errand) in errands {
            if case .writing(let own) = errand.stage, own <= ticket {
                errands[id]?.stage = .calling(wasWritten: isWritten)
            }
        }
    }

    mutating func commit(_ write: JournalQueue.Write) {
        switch write {
        case .changes(let changes):
            for change in changes {
                switch change {
                case .put(let record):
                    disk[record.id] = record
                    writtenIn[record.id] = boot
                case .remove(let id): disk[id] = nil
                }
            }
        case .all(let records):
            disk = [:]
            commit(.changes(records.map { .put($0) }))
        }
    }
}
