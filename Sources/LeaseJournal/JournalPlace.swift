// The folder of the journal and what is in it: nobody else may write there, and nothing may be a trap.

import Glibc
import Leases

/// Checks the place of a journal before anything of it is opened.
struct JournalPlace: Sendable {
    let paths: JournalPaths
    let medium: JournalOptions.Medium

    /// Makes the folder when it is missing (0700), checks it, and sets files that others could read to 0600.
    ///
    /// - Returns: what an operator should know, one line each.
    func prepare() throws(JournalFailure) -> [String] {
        do throws(FileFailure) {
            if mkdir(paths.folder, 0o700) == 0 {
                guard chmod(paths.folder, 0o700) == 0 else { throw FileFailure("set the mode of", paths.folder) }
            } else if errno != EEXIST {
                throw FileFailure("make the folder", paths.folder)
            }
        } catch { throw unusable(error) }
        try checkFolder()
        var notices: [String] = []
        for path in paths.all + [paths.lock] {
            if let notice = try checkFile(path) { notices.append(notice) }
        }
        return notices
    }

    private func checkFolder() throws(JournalFailure) {
        var status = stat()
        // Links are followed here: /var/run is one on many systems.
        guard stat(paths.folder, &status) == 0 else { throw unusable(FileFailure("look at", paths.folder)) }
        guard status.isFolder else {
            throw JournalFailure(.unusable, "\(paths.folder) is no folder", fix: "remove it or set another path")
        }
        guard status.mode & 0o022 == 0, status.st_uid == geteuid() || status.st_uid == 0 else {
            throw JournalFailure(
                .unusable,
                "others may write to the journal's folder \(paths.folder) (mode 0\(String(status.mode, radix: 8)), "
                    + "user \(status.st_uid))",
                fix: "use a folder of its own with mode 0700"
            )
        }
        let kind: String?
        do { kind = try FileSystemKind.find(device: status.identity.device) } catch { throw unusable(error) }
        guard medium == .disk || kind.map(FileSystemKind.inMemory.contains) == true else {
            throw JournalFailure(
                .unusable,
                "the journal's folder \(paths.folder) is not on tmpfs but on \(kind ?? "an unknown file system"), so its "
                    + "tokens would outlive a reboot",
                fix: "use a path on tmpfs, for example /run/daypass/leases.db, or set the medium to disk"
            )
        }
    }

    private func checkFile(_ path: String) throws(JournalFailure) -> String? {
        let found: stat?
        do { found = try Files.status(path) } catch { throw unusable(error) }
        guard let found else { return nil }
        guard found.isRegular else {
            throw JournalFailure(
                .unusable,
                "\(path) is \(found.isLink ? "a symbolic link" : "no file"), and the journal uses none",
                fix: "look who put it there, and remove it"
            )
        }
        guard found.mode & 0o077 != 0 else { return nil }
        guard chmod(path, 0o600) == 0 else { throw unusable(FileFailure("set the mode of", path)) }
        return "\(path) had the mode 0\(String(found.mode, radix: 8)); it is 0600 now"
    }

    private func unusable(_ failure: FileFailure) -> JournalFailure {
        JournalFailure(
            failure.isFull ? .full : .unusable,
            "the journal of leases: \(failure.description)",
            fix: "the daemon needs a folder that it may write to"
        )
    }
}
