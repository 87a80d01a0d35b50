// Where the daemon is in its life.

/// Where the daemon is in its life. A phase never goes back.
package enum DaemonPhase: Int, Sendable, Hashable, Comparable, CaseIterable {
    /// It begins: no socket yet.
    case starting
    /// Another daemon has the journal, and serves the node. That is no failure, however long it takes.
    case standingBy
    /// It has the journal, and makes the stores and its socket.
    case takingOver
    /// It serves the node's socket.
    case serving
    /// It was told to end; calls in flight end.
    case ending

    package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

    /// For pages and JSON.
    package var text: String {
        switch self {
        case .starting: "starting"
        case .standingBy: "standing by: another daemon serves"
        case .takingOver: "starting"
        case .serving: "serving"
        case .ending: "ending"
        }
    }
}
