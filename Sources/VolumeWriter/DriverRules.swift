// The driver's own rules for a provider's files, written apart from Rendering's so that each checks the other.

/// What the driver's `Validate` and `validatePath` refuse (pkg/util/fileutil, v1.6.0), and what makes its write fail:
/// a file that is also a folder, and NUL.
enum DriverRules {
    /// - Throws: ``VolumeWriterError`` for the first path that breaks a rule.
    static func check(_ files: [VolumeFile]) throws(VolumeWriterError) {
        var paths: Set<String> = []
        for file in files {
            if let rule = brokenRule(file.path) { throw VolumeWriterError("write", file.path, rule) }
            guard (0...0o777).contains(file.mode) else {
                throw VolumeWriterError("write", file.path, "the mode \(file.mode) is not between 0 and 0777")
            }
            guard paths.insert(file.path).inserted else {
                throw VolumeWriterError("write", file.path, "it is there twice")
            }
        }
        for path in paths.sorted() {
            var folder = path[...]
            while let slash = folder.lastIndex(of: "/") {
                folder = folder[..<slash]
                guard !paths.contains(String(folder)) else {
                    throw VolumeWriterError("write", path, "\"\(folder)\" is a file already")
                }
            }
        }
    }

    private static func brokenRule(_ path: String) -> String? {
        let elements = path.split(separator: "/", omittingEmptySubsequences: false)
        if path.isEmpty { return "the path is empty" }
        if path.utf8.contains(0) { return "the path holds NUL" }
        if path.hasPrefix("/") { return "the path is absolute" }
        if path.utf8.count > 4096 { return "the path is longer than 4096 bytes" }
        if elements.contains(where: { $0.utf8.count > 255 }) { return "an element is longer than 255 bytes" }
        if elements.contains("..") { return "the path has a .. element" }
        if path.hasPrefix("..") { return "the path begins with .." }
        if elements.contains("") || elements.contains(".") { return "the path is not in its shortest form" }
        return nil
    }
}
