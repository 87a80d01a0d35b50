// What one configuration changes of another. Pure.

import Policy

/// What a configuration changes of the one before it, by the names that an operator gave.
struct ConfigurationDifference: Sendable, Hashable {
    /// Changes of things that have names.
    struct Names: Sendable, Hashable {
        var added: [String] = []
        var removed: [String] = []
        var changed: [String] = []
    }

    /// The stores. One whose files changed is not among the changed ones.
    var stores = Names()
    /// The grants.
    var grants = Names()
    /// Other keys whose values are not the same, in ascending order: `server.drain`.
    var keys: [String] = []

    init(from old: NodeConfiguration, to new: NodeConfiguration) {
        let oldStores = old.stores.map(\.name)
        stores = Self.names(oldStores, new.stores.map(\.name)) {
            old.sections["stores.\($0)"] != new.sections["stores.\($0)"]
        }
        let before = Dictionary(old.policy.grants.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let after = Dictionary(new.policy.grants.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        grants = Self.names(old.policy.grants.map(\.name), new.policy.grants.map(\.name)) { before[$0] != after[$0] }
        keys = Self.keys(from: old, to: new).filter { key in
            key != "grants" && !(key.hasPrefix("stores.") && !key.hasSuffix(".limits"))
        }
    }

    /// The changes, a line each.
    var lines: [String] {
        func lines(_ what: String, _ names: Names) -> [String] {
            names.added.map { "\(what) \($0) added" } + names.removed.map { "\(what) \($0) removed" }
                + names.changed.map { "\(what) \($0) changed" }
        }
        return lines("store", stores) + lines("grant", grants) + keys.map { "\($0) changed" }
    }

    /// The keys that take effect after a restart only, of those that differ from the configuration that the daemon was
    /// started with; in ascending order.
    static func pendingRestart(startedWith old: NodeConfiguration, now new: NodeConfiguration) -> [String] {
        keys(from: old, to: new).filter { key in
            !atOnce.contains(key) && !atOnceSections.contains { key == $0 || key.hasPrefix($0 + ".") }
        }
    }

    /// What a reload puts in force. A key that is not here needs a restart, whatever section it is in.
    private static let atOnceSections = ["grants", "http", "identity", "programs", "stores"]
    private static let atOnce: Set<String> = [
        "leases.atShutdown", "leases.grace", "server.drain", "server.maxRequestBytes", "server.mountDeadline",
    ]

    private static func keys(from old: NodeConfiguration, to new: NodeConfiguration) -> [String] {
        Set(old.sections.keys).union(new.sections.keys).filter { old.sections[$0] != new.sections[$0] }.sorted()
    }

    private static func names(_ old: [String], _ new: [String], isChanged: (String) -> Bool) -> Names {
        Names(
            added: new.filter { !old.contains($0) },
            removed: old.filter { !new.contains($0) },
            changed: new.filter { old.contains($0) && isChanged($0) }
        )
    }
}
