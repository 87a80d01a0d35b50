// The text format: escaping, numbers, histograms, and what is left out.

import Testing

@testable import NodeMetrics

struct ExpositionTests {
    private let plain = MetricFamily("plain", .gauge, "What it is.")
    private let labelled = MetricFamily("labelled_total", .counter, ["store", "outcome"], "By store.")

    @Test(arguments: [
        ("plain", "plain", "plain"),
        ("a\"b", "a\"b", "a\\\"b"),
        ("a\\b", "a\\\\b", "a\\\\b"),
        ("a\nb", "a\\nb", "a\\nb"),
        // One Character of Swift, two of the format.
        ("a\r\nb", "a\r\\nb", "a\r\\nb"),
        ("\\n", "\\\\n", "\\\\n"),
        ("", "", ""),
    ])
    func textIsEscaped(_ text: String, _ inHelp: String, _ inLabel: String) {
        #expect(ExpositionText.escaped(text, quotes: false) == inHelp)
        #expect(ExpositionText.escaped(text, quotes: true) == inLabel)
    }

    @Test(
        arguments: [
            (0, "0"), (-3, "-3"), (0.5, "0.5"), (1_700_000_000, "1700000000"), (1e15, "1000000000000000"),
            (0.000025, "2.5e-05"), (.infinity, "+Inf"), (-.infinity, "-Inf"), (.nan, "NaN"),
        ] as [(Double, String)]
    )
    func numbersAreAsGoReadsThem(_ number: Double, _ text: String) {
        #expect(ExpositionText.text(number) == text)
    }

    @Test func aMetricHasItsHeadAndALineForEachValue() {
        var text = ExpositionText()
        text.write(plain, 7)
        text.write(labelled, [(["a\"", "b"], 1), (["c", "d\n"], 2.5)])
        #expect(
            text.text == """
                # HELP plain What it is.
                # TYPE plain gauge
                plain 7
                # HELP labelled_total By store.
                # TYPE labelled_total counter
                labelled_total{store="a\\"",outcome="b"} 1
                labelled_total{store="c",outcome="d\\n"} 2.5

                """
        )
    }

    @Test func whatNobodyKnowsIsNotThere() {
        var text = ExpositionText()
        text.write(plain, nil as Int?)
        text.write(plain, nil as Bool?)
        text.write(labelled, [] as [(labels: [String], value: Double)])
        text.write(labelled, [] as [(labels: [String], reading: Histogram.Reading)])
        #expect(text.text.isEmpty)
    }

    @Test func aHistogramCountsUpwards() {
        let histogram = Histogram(limits: [.milliseconds(100), .seconds(1)])
        for milliseconds in [50, 100, 101, 1000, 1001, 5000] { histogram.observe(.milliseconds(milliseconds)) }
        var text = ExpositionText()
        let family = MetricFamily("took_seconds", .histogram, ["store"], "How long.")
        text.write(family, [(["a"], histogram.reading)])
        #expect(
            text.text == """
                # HELP took_seconds How long.
                # TYPE took_seconds histogram
                took_seconds_bucket{store="a",le="0.1"} 2
                took_seconds_bucket{store="a",le="1"} 4
                took_seconds_bucket{store="a",le="+Inf"} 6
                took_seconds_sum{store="a"} 7.252
                took_seconds_count{store="a"} 6

                """
        )
    }

    @Test func namesAreOfTheFormatAndOfPrometheusCustom() {
        let all = NodeMetric.all
        #expect(Set(all.map(\.name)).count == all.count)
        for family in all {
            #expect(family.name.wholeMatch(of: /(daypass|process)_[a-z_]+/) != nil, "\(family.name)")
            #expect((family.kind == .counter) == family.name.hasSuffix("_total"), "\(family.name)")
            #expect(family.help.hasSuffix(".") && !family.help.contains("\n"), "\(family.name)")
            for label in family.labels {
                #expect(label.wholeMatch(of: /[a-z]+/) != nil && label != "le", "\(family.name)")
            }
        }
    }
}
