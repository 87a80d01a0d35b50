// The bound on the rate of calls.

import Testing

@testable import Leases

struct TokenBucketTests {
    private func taken(_ bucket: inout TokenBucket, at time: Duration, tries: Int) -> Int {
        (0..<tries).count { _ in bucket.take(at: time) }
    }

    @Test func givesABurstAndThenTheRate() {
        var bucket = TokenBucket(rate: 10, burst: 3)
        let start = Duration.seconds(500)
        #expect(taken(&bucket, at: start, tries: 5) == 3)
        #expect(bucket.time(ofTurn: 1, from: start) == start + .milliseconds(100))
        #expect(bucket.time(ofTurn: 4, from: start) == start + .milliseconds(400))
        #expect(taken(&bucket, at: start + .milliseconds(99), tries: 1) == 0)
        #expect(taken(&bucket, at: start + .milliseconds(100), tries: 2) == 1)
        #expect(taken(&bucket, at: start + .milliseconds(350), tries: 5) == 2)
        // A rest fills it up, and no further.
        #expect(taken(&bucket, at: start + .seconds(3600), tries: 9) == 3)
    }

    @Test func startsFull() {
        let bucket = TokenBucket(rate: 0.5, burst: 2)
        #expect(bucket.time(ofTurn: 1, from: .seconds(7)) == .seconds(7))
        #expect(bucket.time(ofTurn: 2, from: .seconds(7)) == .seconds(7))
        #expect(bucket.time(ofTurn: 3, from: .seconds(7)) == .seconds(9))
    }

    @Test func fillsUpUntilALaterStart() {
        var bucket = TokenBucket(rate: 1, burst: 2)
        #expect(taken(&bucket, at: .zero, tries: 3) == 2)
        #expect(bucket.time(ofTurn: 1, from: .zero) == .seconds(1))
        #expect(bucket.time(ofTurn: 2, from: .seconds(10)) == .seconds(10))
        #expect(bucket.time(ofTurn: 3, from: .seconds(10)) == .seconds(11))
    }

    @Test func takesATurnBack() {
        var bucket = TokenBucket(rate: 1, burst: 2)
        #expect(taken(&bucket, at: .zero, tries: 3) == 2)
        bucket.giveBack(takenSince: .zero)
        #expect(taken(&bucket, at: .zero, tries: 2) == 1)
    }

    @Test func aTurnThatCameBackByItselfIsNotGivenBackAgain() {
        var bucket = TokenBucket(rate: 1, burst: 2)
        // Taken at 0, and full again at 10: giving it back then must not make a third.
        let (first, second) = (bucket.take(at: .zero), bucket.take(at: .seconds(10)))
        #expect(first && second)
        bucket.giveBack(takenSince: .zero)
        #expect(taken(&bucket, at: .seconds(10), tries: 3) == 1)
        var fresh = TokenBucket(rate: 1, burst: 2)
        fresh.giveBack(takenSince: .zero)
        #expect(taken(&fresh, at: .zero, tries: 3) == 2)
    }

    @Test(arguments: 0..<40 as Range<UInt64>) func neverGivesMoreThanItMay(seed: UInt64) {
        var random = GateRandom(seed: seed)
        let burst = random.number(1...5)
        var bucket = TokenBucket(rate: Double(random.number(1...20)), burst: burst)
        var now = Duration.zero
        var times: [Duration] = []
        for _ in 0..<300 {
            now += random.milliseconds(0...(random.chance(10) ? 2000 : 150))
            let next = bucket.time(ofTurn: 1, from: now)
            let isTaken = bucket.take(at: now)
            #expect(isTaken == (next == now))
            if !isTaken {
                #expect(next > now)
                let remaining = next - now
                var copy = bucket
                let (early, onTime) = (copy.take(at: now + remaining - .nanoseconds(1)), copy.take(at: next))
                #expect(!early && onTime)
            }
            // The last one was taken just now, so it may go back; the others are used.
            if isTaken, random.chance(20) { bucket.giveBack(takenSince: now) } else if isTaken { times.append(now) }
        }
        #expect(times.count > burst)
        #expect(staysWithinRate(times, burst: burst, interval: bucket.interval))
    }
}
