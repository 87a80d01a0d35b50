// Matches the part of a pattern between its first and its last wildcard.

/// A pattern as a set of states in one machine word: bit n says that the first n elements have been matched so far. Each
/// byte of a name moves the whole set at once, so no choice is ever taken back.
struct GlobAutomaton: Sendable {
    /// The states that a byte moves on from, by byte.
    private let takes: [UInt128]
    /// The states before `**`, which any byte stays in.
    private let staysAlways: UInt128
    /// The states before `*`, which any byte but a slash stays in.
    private let staysInPart: UInt128
    private let end: UInt128

    /// - Throws: ``GlobError`` when there are more than 127 elements.
    init(_ elements: [GlobElement]) throws(GlobError) {
        guard elements.count <= 127 else {
            throw GlobError("there are more than 127 characters between the first and the last wildcard")
        }
        var takes = [UInt128](repeating: 0, count: 128)
        var staysAlways: UInt128 = 0
        var staysInPart: UInt128 = 0
        for (index, element) in elements.enumerated() {
            let bit: UInt128 = 1 << UInt128(index)
            switch element {
            case .literal(let byte): takes[Int(byte)] |= bit
            case .anyInPart: for byte in takes.indices where byte != 0x2F { takes[byte] |= bit }
            case .anyRunInPart: staysInPart |= bit
            case .anyRun: staysAlways |= bit
            }
        }
        self.takes = takes
        self.staysAlways = staysAlways
        self.staysInPart = staysInPart
        end = 1 << UInt128(elements.count)
    }

    /// Whether the elements stand for these bytes, which are ASCII.
    func matches(_ bytes: some Sequence<UInt8>, ignoringCase: Bool) -> Bool {
        let stars = staysAlways | staysInPart
        // A star may stand for nothing. No two stars are side by side, so one step reaches all that follow.
        var states = 1 | ((1 & stars) << 1)
        for byte in bytes {
            var taken = takes[Int(byte)]
            if ignoringCase { taken |= takes[Int(byte.lowercasedASCII)] | takes[Int(byte.uppercasedASCII)] }
            let stays = byte == UInt8(ascii: "/") ? staysAlways : stars
            states = ((states & taken) << 1) | (states & stays)
            states |= (states & stars) << 1
            if states == 0 { return false }
        }
        return states & end != 0
    }
}
