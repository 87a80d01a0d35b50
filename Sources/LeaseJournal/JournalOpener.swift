// Opens a journal: what is there is used, or set aside, and then there is one.

import GRDB
import Leases
import TokenStore

/// All that the opening of a journal needs.
struct JournalOpener: Sendable {
    let options: JournalOptions
    let clock: LeaseClock
    let hook: CrashHook

    var paths: JournalPaths { JournalPaths(database: options.path) }
    var place: JournalPlace { JournalPlace(paths: paths, medium: options.medium) }
    private var database: JournalDatabase {
        JournalDatabase(paths: paths, maxBytes: options.maxBytes, hook: hook)
    }

    /// An open journal, and what an operator should know.
    struct Opened: Sendable {
        let file: JournalFile
        let notices: [String]
    }

    /// Opens what is there, or begins anew beside what is set aside.
    ///
    /// - Parameter inherited: the keys of a journal that this daemon had open: they are used in the place of those in
    ///   the key file.
    func open(inherited: KeyRing? = nil) throws -> Opened {
        let found = try KeyFile.read(paths.keys)
        var known = inherited
        if case .ring(let ring) = found, inherited == nil { known = ring }

        let reason: String
        if let unusable = try unusableReason(found, inherited) {
            reason = unusable
        } else {
            do {
                return try open(ring: known, inFile: found)
            } catch let damage as Damage { reason = damage.reason }
        }
        let notice = try setAside(reason: reason)
        do {
            let opened = try open(ring: known, inFile: .nothing)
            return Opened(file: opened.file, notices: notice + opened.notices)
        } catch let damage as Damage {
            throw JournalFailure(
                .unusable,
                "a new journal of leases at \(paths.database) does not work either: \(damage.reason)",
                fix: "look at the file system of \(paths.folder)"
            )
        }
    }

    /// Sets aside what is there. The hook is called when it has its new name.
    ///
    /// - Returns: what an operator should know.
    func setAside(reason: String) throws(FileFailure) -> [String] {
        guard let notice = try SettingAside(paths: paths, now: clock.wall.now).run(reason: reason) else { return [] }
        hook(.afterSettingAside)
        return [notice]
    }

    /// Why what is there can't be opened, as far as it shows from outside; `nil` when it may.
    private func unusableReason(_ keys: KeyFile.Found, _ inherited: KeyRing?) throws(FileFailure) -> String? {
        if let foreign = try database.foreignReason() { return foreign }
        let hasDatabase = Files.size(paths.database) > 0
        if !hasDatabase, Files.size(paths.log) > 0 { return "its write-ahead log is there, and the file itself is not" }
        guard inherited == nil else { return nil }
        switch keys {
        case .ring: return nil
        case .nothing: return hasDatabase ? "its key file \(paths.keys) is missing" : nil
        case .damaged(let why): return "its key file \(paths.keys) is damaged: \(why)"
        }
    }

    /// Opens the file with these keys, or with new ones, and changes the sealing key.
    ///
    /// - Throws: ``Damage`` when what is there can't be used.
    private func open(ring known: KeyRing?, inFile: KeyFile.Found) throws -> Opened {
        let ring = known ?? .random()
        // The keys are durable before anything that they seal.
        if inFile != .ring(ring) { try KeyFile.write(ring, to: paths.keys) }
        do { return try open(ring: ring, isNew: known == nil) } catch let error as DatabaseError where error.meansDamage
        {
            throw Damage("SQLite can't read it (\(error.summary))")
        }
    }

    private func open(ring: KeyRing, isNew: Bool) throws -> Opened {
        let queue = try database.open()
        let resealed =
            isNew
            ? (ring: ring, notices: [])
            : try Resealing(paths: paths, hook: hook, now: clock.wall.now).run(queue, ring: ring)
        var notices = resealed.notices
        do { try Compaction.run(queue, hook: hook) } catch let error as DatabaseError where !error.meansDamage {
            // It only gives back room.
            notices.append("the journal \(paths.database) was not compacted: \(error.summary)")
        }
        return Opened(file: try JournalFile(paths: paths, database: queue, ring: resealed.ring), notices: notices)
    }
}
