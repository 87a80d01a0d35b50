// Writes a volume as kubelet's atomic writer does: readers see all old files or all new ones, never a mixture.

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Writes files into a folder in the layout that kubelet and the driver use
/// (<https://github.com/kubernetes/kubernetes/blob/master/pkg/volume/util/atomic_writer.go>).
///
/// ```
/// ..2026_11_23_12_00_00.1742   the files
/// ..data -> ..2026_11_23_12_00_00.1742
/// .gitconfig -> ..data/.gitconfig
/// sub -> ..data/sub
/// ```
/// New files are complete before `..data` moves to them in one rename. A writer that dies leaves a readable volume, and
/// the next write clears up what it left. One volume has one writer at a time.
package struct VolumeWriter: Sendable {
    /// What a write did.
    package enum Outcome: Sendable, Hashable {
        /// Something in the volume was changed.
        case written
        /// Paths and contents were the same, and nothing was touched. As in the driver, a mode alone is no change.
        case unchanged
    }

    private let directory: String
    private let owner: VolumeOwner
    private let now: @Sendable () -> Int64
    private let random: @Sendable () -> UInt64

    private static let data = "..data"
    private static let dataBeingMade = "..data_tmp"

    /// - Parameters:
    ///   - directory: the volume; it is made when it is not there, its parent is not.
    ///   - owner: the owner of files and folders in it; to change it needs root.
    ///   - now: the time in seconds since 1970, for the name of the folder.
    ///   - random: a number that makes the name unique.
    package init(
        directory: String,
        owner: VolumeOwner = VolumeOwner(),
        now: @escaping @Sendable () -> Int64,
        random: @escaping @Sendable () -> UInt64
    ) {
        self.directory = directory
        self.owner = owner
        self.now = now
        self.random = random
    }

    /// Makes the volume hold exactly these files; no files at all change nothing, as in the driver.
    ///
    /// - Throws: ``VolumeWriterError``. Before `..data` has moved, the old files are untouched; after that the new ones
    ///   are whole, and the next write finishes what is missing.
    package func write(_ files: [VolumeFile]) throws(VolumeWriterError) -> Outcome {
        try DriverRules.check(files)
        guard !files.isEmpty else { return .unchanged }
        _ = try System.makeFolder(directory, owner: VolumeOwner())
        let names = Names(files.map(\.path))
        try refuseForeign(names)

        let current = try currentFolder()
        var outcome = Outcome.unchanged
        if try !holds(files, current) {
            try publish(files)
            outcome = .written
        }
        let kept = try currentFolder()
        if try makeLinks(names) { outcome = .written }
        if try removeStale(names, except: kept) { outcome = .written }
        return outcome
    }

    // MARK: - What is there

    private func path(_ name: String) -> String { "\(directory)/\(name)" }

    /// The name of the folder that `..data` points at; `nil` when there is none yet.
    private func currentFolder() throws(VolumeWriterError) -> String? {
        switch try System.entry(path(Self.data)) {
        case .none: return nil
        case .link(let target) where Self.isFolderName(target): return target
        case .link, .folder, .other:
            let problem = "it is no link to a folder of this volume; remove it, or name another directory"
            throw VolumeWriterError("use", path(Self.data), problem)
        }
    }

    /// Refuses a directory with things of other people under the names that we need, before anything is changed.
    private func refuseForeign(_ names: Names) throws(VolumeWriterError) {
        for name in names.sorted {
            switch try System.entry(path(name)) {
            case .none: continue
            case .link(let target) where target.utf8.elementsEqual("\(Self.data)/\(name)".utf8): continue
            case .link, .folder, .other:
                let problem = "something that is not of this volume is there; remove it, or name another directory"
                throw VolumeWriterError("make the link", path(name), problem)
            }
        }
    }

    /// Whether the current folder holds exactly these files.
    private func holds(_ files: [VolumeFile], _ folder: String?) throws(VolumeWriterError) -> Bool {
        guard let folder, try System.entry(path(folder)) == .folder else { return false }
        let found = try System.files(in: path(folder))
        guard Set(found.map { Array($0.utf8) }) == Set(files.map { Array($0.path.utf8) }) else { return false }
        return files.allSatisfy { System.contents(path("\(folder)/\($0.path)")) == $0.contents }
    }

    // MARK: - Steps

    /// Writes a new folder and moves `..data` to it.
    private func publish(_ files: [VolumeFile]) throws(VolumeWriterError) {
        let folder = try makeTimestampedFolder()
        do throws(VolumeWriterError) {
            for file in files {
                var parent = path(folder)
                for element in file.path.utf8.split(separator: UInt8(ascii: "/")).dropLast() {
                    parent += "/\(Substring(element))"
                    _ = try System.makeFolder(parent, owner: owner)
                }
                try System.create(file, at: path("\(folder)/\(file.path)"), owner: owner)
            }
            try System.remove(path(Self.dataBeingMade))
            try System.link(path(Self.dataBeingMade), to: folder)
            try System.move(path(Self.dataBeingMade), over: path(Self.data))
        } catch {
            // Best effort: the first error is the one to tell, and the next write clears up.
            try? System.removeFolder(path(folder))
            throw error
        }
    }

    private func makeTimestampedFolder() throws(VolumeWriterError) -> String {
        for _ in 0..<16 {
            let name = "..\(timestamp()).\(random())"
            if try System.makeFolder(path(name), owner: owner) { return name }
        }
        throw VolumeWriterError("make a folder in", directory, "every name that was tried is taken")
    }

    /// The time in UTC as kubelet writes it: `2026_11_23_12_00_00`.
    private func timestamp() -> String {
        var seconds = time_t(now())
        var parts = tm()
        gmtime_r(&seconds, &parts)
        let fields = [parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec]
        return fields.map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: "_")
    }

    private func makeLinks(_ names: Names) throws(VolumeWriterError) -> Bool {
        var isChanged = false
        for name in names.sorted where try System.entry(path(name)) == .none {
            try System.link(path(name), to: "\(Self.data)/\(name)")
            isChanged = true
        }
        return isChanged
    }

    /// Removes links to files that are gone and folders that `..data` has left, also those of a writer that died.
    private func removeStale(_ names: Names, except folder: String?) throws(VolumeWriterError) -> Bool {
        var isChanged = false
        for name in try System.names(in: directory) where !names.contains(name) {
            switch try System.entry(path(name)) {
            case .link(let target)
            where target.utf8.elementsEqual("\(Self.data)/\(name)".utf8) || name == Self.dataBeingMade:
                try System.remove(path(name))
            case .folder where name != folder && Self.isTimestamped(name):
                try System.removeFolder(path(name))
            default: continue
            }
            isChanged = true
        }
        return isChanged
    }

    /// Whether the target of `..data` is a name in this volume.
    private static func isFolderName(_ target: String) -> Bool {
        target.utf8.starts(with: "..".utf8) && target.utf8.count > 2 && !target.utf8.contains(UInt8(ascii: "/"))
    }

    /// Whether a name is one of ours: `..` and the digits of a time.
    private static func isTimestamped(_ name: String) -> Bool {
        name.wholeMatch(of: /\.\.[0-9]{4}(_[0-9]{2}){5}\.[0-9]+/) != nil
    }
}

/// The first elements of paths: what stands in the volume itself. Names are told apart by their bytes, as the kernel does.
private struct Names {
    /// Each once, in ascending order of bytes.
    let sorted: [String]
    private let bytes: Set<[UInt8]>

    init(_ paths: [String]) {
        bytes = Set(paths.map { Array($0.utf8.prefix { $0 != UInt8(ascii: "/") }) })
        sorted = bytes.sorted { $0.lexicographicallyPrecedes($1) }.map { String(decoding: $0, as: UTF8.self) }
    }

    func contains(_ name: String) -> Bool { bytes.contains(Array(name.utf8)) }
}
