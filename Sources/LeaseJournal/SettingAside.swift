// A file that can't be used gets another name; nothing is deleted.

import Glibc
import Leases
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Renames what belongs to a journal to `<name>.set-aside-<time>`, with the endings that SQLite looks for, so that
/// `sqlite3` opens it.
struct SettingAside {
    let paths: JournalPaths
    let now: UTCInstant

    /// How many may lie there before the notice says that somebody should look after them.
    static let expectedMost = 5

    /// Sets aside what there is. The key file is linked to its new name and stays: the next ring is written over it.
    ///
    /// - Returns: what an operator should know; `nil` when there was nothing.
    func run(reason: String) throws(FileFailure) -> String? {
        let present = paths.all.filter { Files.identity($0) != nil }
        guard !present.isEmpty else { return nil }
        let name = try freeName()
        let target = JournalPaths(database: "\(paths.folder)/\(name)")
        // The key first, the file before its log: a kill between the steps leaves at worst a log without its file, which
        // the next opening sets aside too. A log that is taken from its file would be worse: older leases would be
        // believed.
        if present.contains(paths.keys), link(paths.keys, target.keys) != 0 {
            throw FileFailure("link \(paths.keys) to", target.keys)
        }
        for (old, new) in zip(paths.all, target.all) where old != paths.keys && present.contains(old) {
            guard rename(old, new) == 0 else { throw FileFailure("rename \(old) to", new) }
        }
        try Files.syncFolder(of: paths.database)
        return notice(reason: reason, target: target)
    }

    private func notice(reason: String, target: JournalPaths) -> String {
        let text =
            "the journal of leases \(paths.database) was set aside as \(target.database): \(reason); "
            + "a new one is used, tokens that only the old one knows end by themselves"
        let count = generations
        guard count > Self.expectedMost else { return text }
        return text + "; \(count) journals are set aside in \(paths.folder) now, and nothing removes them but you"
    }

    /// What an operator should know at a start: journals that lie aside, perhaps since a daemon that died before it could
    /// say so. `nil` when there are none.
    var reminder: String? {
        let count = generations
        guard count > 0 else { return nil }
        return "\(count) set aside \(count == 1 ? "journal lies" : "journals lie") in \(paths.folder) "
            + "(\(prefix)...); remove them when nobody needs them"
    }

    private var prefix: String { "\(paths.name).set-aside-" }

    private func names() throws(FileFailure) -> [String] {
        do { return try FileManager.default.contentsOfDirectory(atPath: paths.folder) } catch {
            throw FileFailure("list", paths.folder, code: EACCES)
        }
    }

    /// The number of journals that lie aside: of names up to their ending.
    private var generations: Int {
        let found = ((try? names()) ?? []).filter { $0.hasPrefix(prefix) }
        let endings = ["-wal", "-shm", "-journal", ".key"]
        return Set(
            found.map { name in
                endings.first { name.hasSuffix($0) }.map { String(name.dropLast($0.count)) } ?? name
            }
        ).count
    }

    private func freeName() throws(FileFailure) -> String {
        let taken = try names()
        let time = now.rfc3339.filter { $0 != "-" && $0 != ":" }
        var name = prefix + time
        var number = 1
        while taken.contains(where: { $0 == name || $0.hasPrefix(name + ".") || $0.hasPrefix(name + "-") }) {
            number += 1
            name = "\(prefix)\(time)-\(number)"
            if number > 10_000 { throw FileFailure("find a free name for", paths.database, code: EEXIST) }
        }
        return name
    }
}
