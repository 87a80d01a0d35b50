// What a metric is, before it has a value.

/// A metric: its name, what it means, and the labels that each of its values has.
package struct MetricFamily: Sendable, Hashable {
    package enum Kind: String, Sendable, Hashable {
        case counter, gauge, histogram
    }

    package let name: String
    package let kind: Kind
    /// The names of its labels; each value has all of them.
    package let labels: [String]
    /// One line for the one who reads a scrape.
    package let help: String

    init(_ name: String, _ kind: Kind, _ labels: [String], _ help: String) {
        self.name = name
        self.kind = kind
        self.labels = labels
        self.help = help
    }

    /// Without labels.
    init(_ name: String, _ kind: Kind, _ help: String) { self.init(name, kind, [], help) }
}
