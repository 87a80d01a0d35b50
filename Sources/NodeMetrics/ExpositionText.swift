// The Prometheus text format, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/

/// A scrape that is being written.
struct ExpositionText {
    private(set) var text = ""

    /// Writes a metric with its values. Without values nothing is written: a metric that is not there says that nobody
    /// knows, and 0 would be a figure.
    ///
    /// - Parameter samples: label values in the order of the family's labels, and the value.
    mutating func write(_ family: MetricFamily, _ samples: [(labels: [String], value: Double)]) {
        guard !samples.isEmpty else { return }
        head(family)
        for sample in samples { line(family.name, zip(family.labels, sample.labels), sample.value) }
    }

    /// Writes a metric without labels; nothing when there is no value.
    mutating func write(_ family: MetricFamily, _ value: Double?) {
        if let value { write(family, [([], value)]) }
    }

    /// The same for whole numbers and for what is or is not.
    mutating func write(_ family: MetricFamily, _ value: Int?) { write(family, value.map(Double.init)) }
    mutating func write(_ family: MetricFamily, _ value: Bool?) { write(family, value.map { $0 ? 1.0 : 0.0 }) }

    /// Writes a histogram: counts that include all smaller sizes, the sum, the count.
    mutating func write(_ family: MetricFamily, _ samples: [(labels: [String], reading: Histogram.Reading)]) {
        guard !samples.isEmpty else { return }
        head(family)
        for (labels, reading) in samples {
            let named = Array(zip(family.labels, labels))
            var count = 0
            for (limit, ofSize) in zip(reading.limits + [.infinity], reading.counts) {
                count += ofSize
                line("\(family.name)_bucket", named + [("le", Self.text(limit))], Double(count))
            }
            line("\(family.name)_sum", named, reading.seconds)
            line("\(family.name)_count", named, Double(count))
        }
    }

    private mutating func head(_ family: MetricFamily) {
        text += "# HELP \(family.name) \(Self.escaped(family.help, quotes: false))\n"
        text += "# TYPE \(family.name) \(family.kind.rawValue)\n"
    }

    private mutating func line(_ name: String, _ labels: some Sequence<(String, String)>, _ value: Double) {
        text += name
        var opening = "{"
        for (label, labelValue) in labels {
            text += "\(opening)\(label)=\"\(Self.escaped(labelValue, quotes: true))\""
            opening = ","
        }
        if opening == "," { text += "}" }
        text += " \(Self.text(value))\n"
    }

    /// In help texts a backslash and an end of line are escaped, in label values a double quote too.
    static func escaped(_ text: String, quotes: Bool) -> String {
        guard text.utf8.contains(where: { $0 == 0x5C || $0 == 0x0A || $0 == 0x22 }) else { return text }
        var escaped = ""
        // By scalars: "\r\n" is one Character.
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// A number as Go reads it. Whole ones have no fraction.
    static func text(_ number: Double) -> String {
        if number.isNaN { return "NaN" }
        if number.isInfinite { return number > 0 ? "+Inf" : "-Inf" }
        if let whole = Int(exactly: number) { return String(whole) }
        return "\(number)"
    }
}
