// Retry-After and HTTP dates.

import Testing
import TokenStore

@testable import TokenStores

@Suite struct RetryAfterTests {
    private static let now = UTCInstant(epochSeconds: 1_767_225_600)

    @Test(arguments: [
        ("30", 30), ("0", 1), ("-5", 1), ("3600", 3600), ("99999999999999", 3600),
        ("Thu, 01 Jan 2026 00:00:30 GMT", 30), ("Wed, 31 Dec 2025 00:00:00 GMT", 1),
        ("Fri, 02 Jan 2026 00:00:00 GMT", 3600),
    ])
    func waits(value: String, seconds: Int64) {
        let answer = HTTPAnswer(status: 429, headers: [HTTPField("retry-after", value)])
        let expected = Self.now.advanced(by: .seconds(seconds))
        #expect(RetryAfter.instant(in: answer, now: Self.now) == expected)
    }

    @Test(arguments: ["", "soon", "1.5", "Thursday, 01-Jan-26 00:00:30 GMT", "Thu, 32 Jan 2026 00:00:30 GMT"])
    func ignoresWhatItCantRead(value: String) {
        let answer = HTTPAnswer(status: 429, headers: [HTTPField("Retry-After", value)])
        #expect(RetryAfter.instant(in: answer, now: Self.now) == nil)
        #expect(RetryAfter.instant(in: HTTPAnswer(status: 429), now: Self.now) == nil)
    }

    @Test(arguments: [
        ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Sat, 31 Dec 2016 23:59:60 GMT", 1_483_228_800),
    ])
    func readsDates(text: String, seconds: Int64) {
        #expect(HTTPDate.instant(text) == UTCInstant(epochSeconds: seconds))
    }

    @Test(arguments: [
        "Sun, 06 Nov 1994 08:49:37", "Sun, 6 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06 nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC", "Sun Nov  6 08:49:37 1994", "1994-11-06",
    ])
    func refusesOtherDates(text: String) {
        #expect(HTTPDate.instant(text) == nil)
    }
}
