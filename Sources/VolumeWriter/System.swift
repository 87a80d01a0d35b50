// The system calls of a volume writer: each throws with the path and the system's text.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

enum System {
    enum Entry: Equatable { case none, link(String), folder, other }

    /// What is at a path, without following a link.
    static func entry(_ path: String) throws(VolumeWriterError) -> Entry {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == ENOENT { return .none }
            throw failure("look at", path)
        }
        switch status.st_mode & S_IFMT {
        case S_IFDIR: return .folder
        case S_IFLNK:
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) else {
                throw VolumeWriterError("read the link", path, "it has no readable target")
            }
            return .link(target)
        default: return .other
        }
    }

    /// The names in a folder, in ascending order.
    static func names(in folder: String) throws(VolumeWriterError) -> [String] {
        do {
            return try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        } catch {
            throw VolumeWriterError("list", folder, "it is no readable folder")
        }
    }

    /// A file's bytes; `nil` when there is no readable file.
    static func contents(_ path: String) -> [UInt8]? { FileManager.default.contents(atPath: path).map(Array.init) }

    /// The paths of all files under a folder, relative to it.
    static func files(in folder: String) throws(VolumeWriterError) -> [String] {
        var found: [String] = []
        for name in try names(in: folder) {
            if try entry("\(folder)/\(name)") == .folder {
                for inner in try files(in: "\(folder)/\(name)") { found.append("\(name)/\(inner)") }
            } else {
                found.append(name)
            }
        }
        return found
    }

    /// Makes a folder of mode 0755, whatever the umask is; false when something is there already.
    static func makeFolder(_ path: String, owner: VolumeOwner) throws(VolumeWriterError) -> Bool {
        guard mkdir(path, 0o755) == 0 else {
            if errno == EEXIST { return false }
            throw failure("make the folder", path)
        }
        guard chmod(path, 0o755) == 0 else { throw failure("set the mode of", path) }
        try setOwner(path, owner)
        return true
    }

    /// Writes a new file. Its mode is 0600 until owner and mode are set, whatever the umask is.
    static func create(_ file: VolumeFile, at path: String, owner: VolumeOwner) throws(VolumeWriterError) {
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("create", path) }
        defer { close(descriptor) }
        var rest = file.contents[...]
        while !rest.isEmpty {
            let count = write(descriptor, Array(rest), rest.count)
            if count >= 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw failure("write", path)
            }
        }
        guard fchmod(descriptor, mode_t(file.mode)) == 0 else { throw failure("set the mode of", path) }
        try setOwner(path, owner)
    }

    static func link(_ path: String, to target: String) throws(VolumeWriterError) {
        guard symlink(target, path) == 0 else { throw failure("make the link", path) }
    }

    static func move(_ path: String, over target: String) throws(VolumeWriterError) {
        guard rename(path, target) == 0 else { throw failure("rename over", target) }
    }

    /// Removes a link or file; one that is gone is removed.
    static func remove(_ path: String) throws(VolumeWriterError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw failure("remove", path) }
    }

    /// Removes a folder and all in it; links are not followed.
    static func removeFolder(_ path: String) throws(VolumeWriterError) {
        for name in try names(in: path) {
            let inner = "\(path)/\(name)"
            if try entry(inner) == .folder { try removeFolder(inner) } else { try remove(inner) }
        }
        guard rmdir(path) == 0 else { throw failure("remove the folder", path) }
    }

    private static func setOwner(_ path: String, _ owner: VolumeOwner) throws(VolumeWriterError) {
        guard owner != VolumeOwner() else { return }
        guard lchown(path, uid_t(truncatingIfNeeded: owner.uid), gid_t(truncatingIfNeeded: owner.gid)) == 0 else {
            throw failure("set the owner of", path)
        }
    }

    private static func failure(_ action: String, _ path: String) -> VolumeWriterError {
        VolumeWriterError(action, path, String(cString: strerror(errno)))
    }
}
