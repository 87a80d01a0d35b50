// How a detector fares, for those who look from outside.

package import TokenStore

/// The state of a detector.
package struct WatchStatus: Sendable, Hashable {
    /// The detector's name.
    package var name: String
    /// Whether it would hear of an end now.
    package var isWatching: Bool
    /// The last thing that went wrong, in one line without a secret; kept when all is well again.
    package var lastError: String?
    /// When it last knew the whole truth: the end of the last complete list or look.
    package var lastSync: UTCInstant?

    package init(name: String, isWatching: Bool = false, lastError: String? = nil, lastSync: UTCInstant? = nil) {
        self.name = name
        self.isWatching = isWatching
        self.lastError = lastError
        self.lastSync = lastSync
    }
}
