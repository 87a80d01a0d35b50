// A file of the volume, with a secret in it: it prints without its contents.

/// A file as it goes into the volume. It never prints its contents.
package struct RenderedFile: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The path in the volume, by the rules of ``VolumePath``.
    package let path: String
    /// The permission bits, 1 to 0777.
    package let mode: Int
    /// The bytes. They hold a token: never log them.
    package let contents: [UInt8]

    package init(path: String, mode: Int, contents: [UInt8]) {
        self.path = path
        self.mode = mode
        self.contents = contents
    }

    package var description: String { "\(path) (mode \(octal(mode)), \(contents.count) bytes)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["path": path, "mode": mode], displayStyle: .struct) }
}

/// A file mode as people write it: `0444`.
func octal(_ mode: Int) -> String {
    let digits = String(mode, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
}
