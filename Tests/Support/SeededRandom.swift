// Random numbers that are the same in every run.

/// SplitMix64 (Steele, Lea and Flood, 2014): small, and good enough to pick test cases.
package struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    /// A text of up to `most` characters of `alphabet`.
    package mutating func text(of alphabet: [String], most: Int) -> String {
        (0..<Int.random(in: 0...most, using: &self)).map { _ in alphabet.randomElement(using: &self) ?? "" }.joined()
    }

    /// Some of the elements.
    package mutating func some<Element>(of all: [Element]) -> [Element] {
        all.filter { _ in Bool.random(using: &self) }
    }
}
