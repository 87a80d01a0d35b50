// The driver's own rules for a provider's files, written apart from Rendering's so that each checks the other.

/// What the driver's `Validate` and `validatePath` refuse (pkg/util/fileutil, v1.6.0), and what makes its write fail:
/// a file that is also a folder, and NUL. All of them look at bytes, as the driver does, never at Swift's characters.
enum DriverRules {
    private static let slash = UInt8(ascii: "/")

    /// - Throws: ``VolumeWriterError`` for the first path that breaks a rule.
    static func check(_ files: [VolumeFile]) throws(VolumeWriterError) {
        var paths: Set<[UInt8]> = []
        for file in files {
            if let rule = brokenRule(file.path) { throw VolumeWriterError("write", file.path, rule) }
            guard (0...0o777).contains(file.mode) else {
                throw VolumeWriterError("write", file.path, "the mode \(file.mode) is not between 0 and 0777")
            }
            guard paths.insert(Array(file.path.utf8)).inserted else {
                throw VolumeWriterError("write", file.path, "it is there twice")
            }
        }
        for path in files.map(\.path).sorted() {
            var folder = Array(path.utf8)[...]
            while let slash = folder.lastIndex(of: slash) {
                folder = folder[..<slash]
                guard !paths.contains(Array(folder)) else {
                    let name = String(decoding: folder, as: UTF8.self)
                    throw VolumeWriterError("write", path, "\"\(name)\" is a file already")
                }
            }
        }
    }

    private static func brokenRule(_ path: String) -> String? {
        let elements = path.utf8.split(separator: slash, omittingEmptySubsequences: false)
        if path.isEmpty { return "the path is empty" }
        if path.utf8.contains(0) { return "the path holds NUL" }
        if path.utf8.first == slash { return "the path is absolute" }
        if path.utf8.count > 4096 { return "the path is longer than 4096 bytes" }
        if elements.contains(where: { $0.count > 255 }) { return "an element is longer than 255 bytes" }
        if elements.contains(where: { $0.elementsEqual("..".utf8) }) { return "the path has a .. element" }
        if path.utf8.starts(with: "..".utf8) { return "the path begins with .." }
        if elements.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) }) {
            return "the path is not in its shortest form"
        }
        return nil
    }
}
