// Everything that a tenant asks for in one volume.

/// What the parameters of one volume ask for.
package struct VolumeAsk: Sendable, Hashable {
    /// The tokens; at least one, names unique.
    package var tokens: [TokenAsk]
    /// The files; at least one.
    package var files: [FileAsk]

    package init(tokens: [TokenAsk], files: [FileAsk]) {
        self.tokens = tokens
        self.files = files
    }
}
