// The door for backend authors: `daypass` with token stores of their own, from a package of their own.

import ArgumentParser
import DaypassCommands
public import TokenStore

/// Runs the command `daypass` with its arguments, and ends the process with its exit code when the command failed.
///
/// ```swift
/// import DaypassMain
/// import AcmeStore
///
/// @main enum AcmeDaypass {
///     static func main() async { await runDaypass(adding: [AcmeStore.self]) }
/// }
/// ```
///
/// - Parameter stores: Kinds beside the built-in ones, for `kind:` in the node's configuration. One with the name of a
///   built-in kind takes its place.
public func runDaypass(adding stores: [any TokenStore.Type] = []) async {
    await StoreKinds.withAdded(stores) { await DaypassCommand.main() }
}
