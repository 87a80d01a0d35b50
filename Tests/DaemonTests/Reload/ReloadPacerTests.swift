// When the files of the configuration are looked at.

import Testing

@testable import Daemon

struct ReloadPacerTests {
    /// Rings at these seconds, after a look at 0; when it is looked next.
    private static let cases: [(rings: [Double], next: Double)] = [
        ([], 30),
        ([10], 11),
        ([10, 10.5, 11.2], 12.2),
        // Never calm: five seconds after the first ring all the same.
        ([10, 10.9, 11.8, 12.7, 13.6, 14.5], 15),
        // A ring shortly before the poll waits for calm, too.
        ([29.9], 30.9),
    ]

    @Test(arguments: cases.indices) func aLookComesAfterCalmOrPatienceOrThePoll(_ index: Int) {
        let (rings, expected) = Self.cases[index]
        var pacer = ReloadPacer()
        pacer.looked(at: .zero)
        for ring in rings { pacer.rang(at: .seconds(ring)) }
        let next = Duration.seconds(expected)
        #expect(abs((pacer.next - next) / .milliseconds(1)) < 1, "\(pacer.next)")
        #expect(!pacer.isDue(at: next - .milliseconds(2)) && pacer.isDue(at: next + .milliseconds(2)))
    }

    @Test func theFirstLookIsAtOnceAndALookEndsTheBurst() {
        var pacer = ReloadPacer()
        #expect(pacer.isDue(at: .seconds(1 << 30)) && pacer.isDue(at: .zero))
        pacer.looked(at: .seconds(100))
        pacer.rang(at: .seconds(101))
        pacer.looked(at: .seconds(102))
        #expect(pacer.next == .seconds(132))
    }
}
