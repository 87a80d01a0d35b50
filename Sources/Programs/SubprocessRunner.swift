// Programs on swift-subprocess: nothing inherited, output capped, the process group killed at the end.

/// Runs programs as children of the daemon.
package struct SubprocessRunner: Sendable {
    package init() {}
}
