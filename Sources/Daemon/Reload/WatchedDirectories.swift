// The directories in which something happens when one of some files changes.

import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Where to listen for changes of files, symbolic links among them: kubelet puts a new version of a volume in force by
/// moving one link, `..data`, and the paths of the files stay what they were.
enum WatchedDirectories {
    /// More links than this are a circle.
    private static let mostLinks = 40

    /// The directories of the files and of every link on the way to them.
    static func of(_ files: some Sequence<String>) -> Set<String> {
        var directories: Set<String> = []
        for file in files {
            var links = 0
            visit("/", file.split(separator: "/").map(String.init), &links, &directories)
        }
        return directories
    }

    private static func visit(
        _ start: String,
        _ parts: [String],
        _ links: inout Int,
        _ directories: inout Set<String>
    ) {
        var directory = start
        for (index, part) in parts.enumerated() {
            if part == "." { continue }
            if part == ".." {
                let parent = directory.split(separator: "/").dropLast().joined(separator: "/")
                directory = "/" + parent
                continue
            }
            let path = directory == "/" ? "/\(part)" : "\(directory)/\(part)"
            if let target = target(of: path) {
                directories.insert(directory)
                links += 1
                guard links <= mostLinks else { return }
                let rest = target.split(separator: "/").map(String.init) + parts[(index + 1)...]
                return visit(target.hasPrefix("/") ? "/" : directory, rest, &links, &directories)
            }
            // What is not there may come: the last directory that is there tells.
            if index == parts.count - 1 || access(path, F_OK) != 0 {
                directories.insert(directory)
                return
            }
            directory = path
        }
    }

    private static func target(of path: String) -> String? {
        var room = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
        let count = readlink(path, &room, room.count - 1)
        guard count > 0 else { return nil }
        return String(decoding: room[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
