// Times as tokens carry them.

import Testing
import TokenStore

@Suite struct UTCInstantTests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-01-02T03:04:05Z", 1_767_323_045),
        ("2026-01-02T05:04:05+02:00", 1_767_323_045),
        ("2026-01-01T19:34:05-07:30", 1_767_323_045),
        ("2026-01-02t03:04:05z", 1_767_323_045),
        ("2024-02-29T23:59:59Z", 1_709_251_199),
        ("1969-12-31T23:59:59Z", -1),
        ("2100-03-01T00:00:00Z", 4_107_542_400),
        ("2000-02-29T12:00:00Z", 951_825_600),
        ("2016-12-31T23:59:60Z", 1_483_228_800),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ])
    func readsRFC3339(text: String, seconds: Int64) {
        #expect(UTCInstant(rfc3339: text) == UTCInstant(epochSeconds: seconds))
    }

    @Test(arguments: [
        ("2026-01-02T03:04:05.5Z", 500), ("2026-01-02T03:04:05.123Z", 123), ("2026-01-02T03:04:05.123456789Z", 123),
        ("2026-01-02T03:04:05.000001+00:00", 0),
    ])
    func readsFractions(text: String, milliseconds: Int64) throws {
        let instant = try #require(UTCInstant(rfc3339: text))
        let fraction = UTCInstant(epochSeconds: 1_767_323_045).duration(to: instant)
        #expect(fraction >= .milliseconds(milliseconds) && fraction < .milliseconds(milliseconds + 1))
        #expect(instant.epochSeconds == 1_767_323_045)
    }

    @Test(arguments: [
        "", "2026", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05 Z", "2026-13-02T03:04:05Z",
        "2026-02-30T03:04:05Z", "2023-02-29T00:00:00Z", "2026-01-02T24:00:01Z", "2026-01-02T03:60:05Z",
        "2026-01-02T03:04:61Z", "2026-01-02T03:04:05Zjunk", " 2026-01-02T03:04:05Z", "2026-01-02T03:04:05.Z",
        "2026-1-2T03:04:05Z", "+2026-01-02T03:04:05Z", "2026-01-02T03:04:05+25:00", "20260102T030405Z", "1767323045",
        "2100-02-29T00:00:00Z", "2026-00-02T03:04:05Z", "2026-01-00T03:04:05Z", "2026-04-31T00:00:00Z",
        "2026-01-02T03:04:05+0200", "2026-01-02T03:04:05-", "2026-01-02T03:04:05,5Z",
        "2026-01-02T03:04:05.0000000000000000000000000000Z", "2026-01-02T03:04:05Z\n", "２０２６-01-02T03:04:05Z",
    ])
    func refusesOtherTexts(text: String) {
        #expect(UTCInstant(rfc3339: text) == nil)
    }

    @Test func writesWholeSeconds() {
        #expect(UTCInstant(epochSeconds: 1_767_323_045).rfc3339 == "2026-01-02T03:04:05Z")
        #expect("\(UTCInstant(epochSeconds: 0))" == "1970-01-01T00:00:00Z")
        #expect(UTCInstant(sinceEpoch: .milliseconds(1999)).rfc3339 == "1970-01-01T00:00:01Z")
        #expect(UTCInstant(sinceEpoch: .milliseconds(-1)).rfc3339 == "1969-12-31T23:59:59Z")
        #expect(UTCInstant(sinceEpoch: .milliseconds(-1)).epochSeconds == -1)
    }

    @Test func readsWhatItWrites() {
        for seconds in stride(from: Int64(-86_400 * 800), to: 86_400 * 40_000, by: 86_399 * 37) {
            let instant = UTCInstant(epochSeconds: seconds)
            #expect(UTCInstant(rfc3339: instant.rfc3339) == instant)
        }
    }

    @Test func isAnInstant() {
        let start = UTCInstant(epochSeconds: 100)
        let later = start.advanced(by: .seconds(5))
        #expect(start < later)
        #expect(start.duration(to: later) == .seconds(5))
        #expect(later.duration(to: start) == .seconds(-5))
    }
}
