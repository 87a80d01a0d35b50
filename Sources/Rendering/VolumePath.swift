// What may be a path in the volume: the driver's rules and those that it forgets.

/// The rules for a path in the volume.
///
/// They are those of the driver's `validatePath` (pkg/util/fileutil/atomic_writer.go, v1.6.0) and its `Clean` test, so
/// that what passes here is never refused there after a token was minted. The driver lets `.`, control characters,
/// duplicates and a file that is also a folder pass, and fails or loses a file later: they are refused here.
enum VolumePath {
    /// The most bytes of a path.
    static let longestPath = 4096
    /// The most bytes of one element of a path.
    static let longestElement = 255

    /// A broken rule, in words.
    struct Problem: Sendable, Equatable {
        let rule: String
        let fix: String
    }

    /// The first rule that the path breaks; `nil` when it is good.
    static func problem(with path: String) -> Problem? {
        if path.isEmpty { return Problem(rule: "the path is empty", fix: "name a file, for example .gitconfig") }
        if path.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            return Problem(rule: "the path holds a control character", fix: "use printable characters only")
        }
        if path.hasPrefix("/") {
            return Problem(rule: "the path is absolute", fix: "write it relative to the volume, without the first /")
        }
        if path.utf8.count > longestPath {
            return Problem(rule: "the path is longer than \(longestPath) bytes", fix: "shorten it")
        }
        let elements = path.split(separator: "/", omittingEmptySubsequences: false)
        if elements.contains("..") {
            return Problem(rule: "the path has a .. element", fix: "stay inside the volume")
        }
        if path.hasPrefix("..") {
            return Problem(
                rule: "its first element begins with .., which the driver keeps for itself",
                fix: "rename it"
            )
        }
        if elements.contains("") || elements.contains(".") {
            return Problem(rule: "the path has an empty or . element", fix: "write it plainly, as in folder/file")
        }
        if elements.contains(where: { $0.utf8.count > longestElement }) {
            return Problem(rule: "one element is longer than \(longestElement) bytes", fix: "shorten it")
        }
        return nil
    }

    /// The path of `other` as seen from the folder of `path`: `../b/x` for `b/x` from `a/y`.
    static func relative(_ other: String, toFolderOf path: String) -> String {
        var from = path.split(separator: "/").dropLast()[...]
        var to = other.split(separator: "/")[...]
        while let first = from.first, to.count > 1, first == to.first {
            from.removeFirst()
            to.removeFirst()
        }
        return (Array(repeating: "..", count: from.count) + to.map(String.init)).joined(separator: "/")
    }
}
