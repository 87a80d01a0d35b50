// Random numbers that are the same in every run.

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct GateRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
    mutating func milliseconds(_ range: ClosedRange<Int>) -> Duration { .milliseconds(number(range)) }
    mutating func chance(_ percent: Int) -> Bool { number(1...100) <= percent }
}

/// Whether turns at these times, in order, stay within `burst + t / interval` in every span of time `t`.
func staysWithinRate(_ times: [Duration], burst: Int, interval: Duration) -> Bool {
    for first in times.indices {
        for last in first..<times.count where last - first >= burst {
            // The turns beyond the burst had to come back meanwhile.
            if times[last] - times[first] < interval * (last - first + 1 - burst) { return false }
        }
    }
    return true
}
