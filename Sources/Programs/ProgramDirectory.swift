// Which programs may be run: those of one directory that nobody but root and the daemon's user can change.

import Glibc
import SystemPackage
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The one directory that programs come from.
struct ProgramDirectory: Sendable {
    /// The path as the operator wrote it.
    let path: String

    init(_ path: String) { self.path = path }

    /// The file to execute for a program's path, all links followed.
    ///
    /// Each folder on the way is looked at: whoever can write into one could put another program there.
    ///
    /// - Throws: ``ProgramError`` with code `notRunnable`.
    func executable(_ program: String) throws(ProgramError) -> FilePath {
        let directory = FilePath(path)
        let written = FilePath(program)
        guard Self.isPlain(path, directory) else {
            throw ProgramError(.notRunnable, "the directory of programs \(path) is no absolute path without dots")
        }
        guard Self.isPlain(program, written), written != directory, written.starts(with: directory) else {
            throw ProgramError(.notRunnable, "\(program) is not in \(path), the directory of programs")
        }
        var walk = TrustedWalk(program: program)
        let base = try walk.follow(directory)
        try walk.folder(base, mayBeSticky: false)
        walk.base = base
        let file = try walk.follow(written)
        guard file != base, file.starts(with: base) else {
            throw ProgramError(.notRunnable, "\(program) is a link that leads out of \(path)")
        }
        try walk.executable(file)
        return file
    }

    /// Absolute, without `.`, `..` and NUL.
    private static func isPlain(_ text: String, _ path: FilePath) -> Bool {
        path.isAbsolute && !text.utf8.contains(0)
            && path.components.allSatisfy { $0.kind == .regular }
    }
}

/// Follows a path from the root on, and trusts no folder or link that others can change.
private struct TrustedWalk {
    /// The program's path, for messages.
    let program: String
    /// The real directory of programs, once it is known: at it and below it no folder may be open to others.
    var base: FilePath?

    private var links = 0
    private let user = geteuid()

    init(program: String) { self.program = program }

    /// Links on one path; the system's own limit.
    private static let mostLinks = 40

    /// The path with all links followed.
    mutating func follow(_ path: FilePath) throws(ProgramError) -> FilePath {
        var real = FilePath("/")
        var rest = Array(path.components.map(\.string).reversed())
        while let name = rest.popLast() {
            if name == "." { continue }
            if name == ".." {
                real.removeLastComponent()
                continue
            }
            try folder(real, mayBeSticky: true)
            let next = real.appending(name)
            let status = try status(next)
            guard status.type == .symbolicLink else {
                real = next
                continue
            }
            links += 1
            guard links <= Self.mostLinks else { throw refusal("has too many links on its way") }
            guard isTrusted(status) else { throw refusal("goes through the link \(next), which another user owns") }
            guard let target = try? FileManager.default.destinationOfSymbolicLink(atPath: next.string) else {
                throw refusal("goes through the link \(next), which can't be read")
            }
            if target.hasPrefix("/") { real = FilePath("/") }
            rest += FilePath(target).components.map(\.string).reversed()
        }
        return real
    }

    /// Checks a folder. A sticky one (`/tmp`) is open to all and still lets nobody replace another's files; it will do on
    /// the way to the directory of programs.
    func folder(_ path: FilePath, mayBeSticky: Bool) throws(ProgramError) {
        let status = try status(path)
        guard status.type == .directory else { throw refusal("is below \(path), which is no folder") }
        guard isTrusted(status) else { throw refusal("is below the folder \(path), which another user owns") }
        guard status.permissions.intersection([.groupWrite, .otherWrite]).isEmpty else {
            let isInside = base.map { path.starts(with: $0) } ?? false
            guard mayBeSticky, !isInside, status.permissions.contains(.saveText) else {
                throw refusal("is below the folder \(path), which others can write to: chmod go-w \(path)")
            }
            return
        }
    }

    /// Checks the file itself.
    func executable(_ path: FilePath) throws(ProgramError) {
        let status = try status(path)
        guard status.type == .regular else { throw refusal("is no regular file") }
        guard isTrusted(status) else { throw refusal("belongs to another user than root and the daemon's") }
        guard status.permissions.intersection([.groupWrite, .otherWrite]).isEmpty else {
            throw refusal("can be written by others: chmod go-w \(path)")
        }
        guard access(path.string, X_OK) == 0 else { throw refusal("is not executable: chmod +x \(path)") }
    }

    private func isTrusted(_ status: Stat) -> Bool { status.userID.rawValue == 0 || status.userID.rawValue == user }

    private func status(_ path: FilePath) throws(ProgramError) -> Stat {
        do throws(Errno) { return try Stat(path, followTargetSymlink: false) } catch {
            if error == .noSuchFileOrDirectory { throw refusal("does not exist: there is no \(path)") }
            throw refusal("can't be looked at: \(path): \(error)")
        }
    }

    private func refusal(_ words: String) -> ProgramError { ProgramError(.notRunnable, "\(program) \(words)") }
}
