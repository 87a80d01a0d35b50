// One entry of the `files` parameter: a file that a tenant wants in the volume.

/// A file that a tenant wants in the volume, as written; `Rendering` decides whether it can be.
package struct FileAsk: Sendable, Hashable {
    /// The path in the volume.
    package var path: String
    /// The format's name, for example `gitconfig`.
    package var format: String
    /// The names of the tokens that it is made of.
    package var tokens: [String]
    /// The permission bits; 0444 unless told, because the driver writes as root and ignores fsGroup.
    package var mode: Int?
    /// For `gitconfig`: `host` (one credential for the whole host) or `repository` (for the named repositories only).
    package var scope: String?
    /// For `gitconfig`: the absolute path at which the container mounts the volume, where it is known.
    package var mountPath: String?
    /// For `gitconfig`: rewrite `git@host:` and `ssh://git@host/` to the URL that the token opens.
    package var rewriteSSH: Bool?
    /// For `docker-config` and `containers-auth`: a JSON object that the result is merged into (proxies, for example).
    package var merge: String?
    /// For `mustache`: the text of the file, with tags for the values.
    package var template: String?
    /// For `mustache`: the kind of file that values are escaped for.
    package var escape: String?
    /// The keys whose values are still to come from attributes, wholly or in part; empty in the request of a Mount. What
    /// stands under such a key can't be judged.
    package var symbolic: Set<Key> = []

    /// The keys of an entry of `files`.
    package enum Key: String, Sendable, Hashable, CaseIterable {
        case path, format, tokens, mode, scope, mountPath, rewriteSSH, merge, template, escape
    }

    package init(
        path: String,
        format: String,
        tokens: [String],
        mode: Int? = nil,
        scope: String? = nil,
        mountPath: String? = nil,
        rewriteSSH: Bool? = nil,
        merge: String? = nil,
        template: String? = nil,
        escape: String? = nil,
        symbolic: Set<Key> = []
    ) {
        self.path = path
        self.format = format
        self.tokens = tokens
        self.mode = mode
        self.scope = scope
        self.mountPath = mountPath
        self.rewriteSSH = rewriteSSH
        self.merge = merge
        self.template = template
        self.escape = escape
        self.symbolic = symbolic
    }
}
