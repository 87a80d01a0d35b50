// The system calls of the journal's files: each throws with the path and the system's text.

import Glibc

/// Why a file could not be used.
struct FileFailure: Error, Hashable {
    let action: String
    let path: String
    let code: Int32

    init(_ action: String, _ path: String, code: Int32 = errno) {
        self.action = action
        self.path = path
        self.code = code
    }

    /// Whether there is no room for it.
    var isFull: Bool { code == ENOSPC || code == EDQUOT || code == EFBIG }
    var description: String { "can't \(action) \(path): \(String(cString: strerror(code)))" }
}

/// Which file a path names.
struct FileIdentity: Sendable, Hashable {
    let device: UInt64
    let inode: UInt64
}

enum Files {
    /// What is at a path, links not followed; `nil` when nothing is.
    static func status(_ path: String) throws(FileFailure) -> stat? {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw FileFailure("look at", path)
        }
        return status
    }

    /// Which file a path names; `nil` when there is none.
    static func identity(_ path: String) -> FileIdentity? { (try? status(path))?.identity }

    /// The size of a file, 0 when there is none.
    static func size(_ path: String) -> Int { ((try? status(path)) ?? nil).map { Int($0.st_size) } ?? 0 }

    /// A file's first bytes, at most `limit`.
    static func read(_ path: String, atMost limit: Int) throws(FileFailure) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileFailure("open", path) }
        defer { close(descriptor) }
        var contents: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while contents.count < limit {
            let count = Glibc.read(descriptor, &buffer, min(buffer.count, limit - contents.count))
            if count == 0 { break }
            if count > 0 {
                contents += buffer[..<count]
            } else if errno != EINTR {
                throw FileFailure("read", path)
            }
        }
        return contents
    }

    /// Makes an empty file of mode 0600, whatever the umask is, unless there is a file.
    static func createPrivate(_ path: String) throws(FileFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            if errno == EEXIST { return }
            throw FileFailure("create", path)
        }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw FileFailure("set the mode of", path) }
    }

    /// Puts a file of mode 0600 in the place of another in one step: it is durable under `path` when this returns, or
    /// the old one is still there.
    static func replacePrivate(_ path: String, with contents: [UInt8]) throws(FileFailure) {
        let temporary = path + ".new"
        try remove(temporary)
        do throws(FileFailure) {
            try writeNew(temporary, contents)
            guard rename(temporary, path) == 0 else { throw FileFailure("rename over", path) }
        } catch {
            unlink(temporary)
            throw error
        }
        try syncFolder(of: path)
    }

    private static func writeNew(_ path: String, _ contents: [UInt8]) throws(FileFailure) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileFailure("create", path) }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else { throw FileFailure("set the mode of", path) }
        var rest = contents[...]
        while !rest.isEmpty {
            let count = write(descriptor, Array(rest), rest.count)
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw FileFailure("write", path)
            }
        }
        guard fsync(descriptor) == 0 else { throw FileFailure("sync", path) }
    }

    /// Removes a file; one that is gone is removed.
    static func remove(_ path: String) throws(FileFailure) {
        guard unlink(path) == 0 || errno == ENOENT else { throw FileFailure("remove", path) }
    }

    /// Makes the names in a file's folder durable.
    static func syncFolder(of path: String) throws(FileFailure) {
        let folder = JournalPaths(database: path).folder
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw FileFailure("open", folder) }
        defer { close(descriptor) }
        // EINVAL: a file system without it.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw FileFailure("sync", folder) }
    }

    /// The bytes that are free for us on the file system of a path; `nil` when it does not say.
    static func freeBytes(_ path: String) -> UInt64? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        return UInt64(status.f_bavail) * UInt64(status.f_frsize)
    }
}

extension stat {
    var identity: FileIdentity { FileIdentity(device: UInt64(st_dev), inode: UInt64(st_ino)) }
    var isRegular: Bool { st_mode & S_IFMT == S_IFREG }
    var isLink: Bool { st_mode & S_IFMT == S_IFLNK }
    var isFolder: Bool { st_mode & S_IFMT == S_IFDIR }
    /// The permission bits.
    var mode: mode_t { st_mode & 0o7777 }
}
