// Cuts a stream of bytes into lines, however the network cut it. Pure.

/// Collects bytes until a line is whole.
struct LineSplitter {
    /// A line was longer than the limit.
    struct TooLong: Error {}

    /// The most bytes of one line.
    let limit: Int
    private var rest: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    /// Whether a line has begun that is not whole.
    var isInMidLine: Bool { !rest.isEmpty }

    /// Takes the next bytes.
    ///
    /// - Returns: The lines that are whole now, without their ends; empty ones are left out.
    mutating func take(_ bytes: [UInt8]) throws(TooLong) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
            guard rest.count + (end - start) <= limit else { throw TooLong() }
            let line = rest + bytes[start..<end]
            rest = []
            if !line.isEmpty { lines.append(line) }
            start = end + 1
        }
        guard rest.count + (bytes.endIndex - start) <= limit else { throw TooLong() }
        rest += bytes[start...]
        return lines
    }
}
