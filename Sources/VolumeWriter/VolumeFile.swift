// What goes into a volume, and why it could not.

/// A file of a volume. It never prints its contents.
package struct VolumeFile: Sendable, Equatable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// The path in the volume.
    package let path: String
    /// The permission bits.
    package let mode: Int
    /// The bytes.
    package let contents: [UInt8]

    package init(path: String, mode: Int, contents: [UInt8]) {
        self.path = path
        self.mode = mode
        self.contents = contents
    }

    package var description: String { "\(path) (\(contents.count) bytes)" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: ["path": path, "mode": mode], displayStyle: .struct) }
}

/// The owner of what is written; -1 leaves the writer's own user or group.
package struct VolumeOwner: Sendable, Hashable {
    package let uid: Int
    package let gid: Int

    package init(uid: Int = -1, gid: Int = -1) {
        self.uid = uid
        self.gid = gid
    }
}

/// Why a volume could not be written. One line.
package struct VolumeWriterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was tried.
    package let action: String
    /// The path at which it failed: in the volume for a path that breaks a rule, else absolute as the system saw it.
    package let path: String
    /// The rule, or the system's text.
    package let problem: String

    package init(_ action: String, _ path: String, _ problem: String) {
        self.action = action
        self.path = path
        self.problem = problem
    }

    /// Control characters of a path are shown as `?`, so that it stays one line.
    package var description: String {
        let text = "cannot \(action) \"\(path)\": \(problem)"
        return String(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : Character($0) })
    }
}
