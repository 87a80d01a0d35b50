// What may be a path in the volume: the driver's rules and those that it forgets.

/// The rules for a path in the volume.
///
/// They look at bytes, as the driver and the kernel do: a combining mark after a `/` or a `.` makes one character of both
/// in Swift, and Swift takes two spellings of one accented letter for equal.
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
        let bytes = path.utf8
        if bytes.first == slash {
            return Problem(rule: "the path is absolute", fix: "write it relative to the volume, without the first /")
        }
        if path.utf8.count > longestPath {
            return Problem(rule: "the path is longer than \(longestPath) bytes", fix: "shorten it")
        }
        let elements = bytes.split(separator: slash, omittingEmptySubsequences: false)
        if elements.contains(where: { $0.elementsEqual("..".utf8) }) {
            return Problem(rule: "the path has a .. element", fix: "stay inside the volume")
        }
        if bytes.starts(with: "..".utf8) {
            return Problem(
                rule: "its first element begins with .., which the driver keeps for itself",
                fix: "rename it"
            )
        }
        if elements.contains(where: { $0.isEmpty || $0.elementsEqual(".".utf8) }) {
            return Problem(rule: "the path has an empty or . element", fix: "write it plainly, as in folder/file")
        }
        if elements.contains(where: { $0.count > longestElement }) {
            return Problem(rule: "one element is longer than \(longestElement) bytes", fix: "shorten it")
        }
        return nil
    }

    /// The path of `other` as seen from the folder of `path`: `../b/x` for `b/x` from `a/y`.
    static func relative(_ other: String, toFolderOf path: String) -> String {
        var from = elements(of: path).dropLast()[...]
        var to = elements(of: other)[...]
        while let first = from.first, to.count > 1, let second = to.first, first.utf8.elementsEqual(second.utf8) {
            from.removeFirst()
            to.removeFirst()
        }
        return (Array(repeating: "..", count: from.count) + to).joined(separator: "/")
    }

    /// The elements of a good path.
    static func elements(of path: String) -> [String] {
        path.utf8.split(separator: slash).map { String(Substring($0)) }
    }

    /// Whether two paths are one file.
    static func isSame(_ one: String, _ other: String) -> Bool { one.utf8.elementsEqual(other.utf8) }

    /// Whether `other` lies in the folder `path`.
    static func isFolder(_ path: String, of other: String) -> Bool { other.utf8.starts(with: (path + "/").utf8) }

    private static let slash = UInt8(ascii: "/")
}
