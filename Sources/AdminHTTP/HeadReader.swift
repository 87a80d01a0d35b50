// Collects the bytes of a request's head, up to the empty line and never beyond a bound.

/// The bytes of a request that have come so far.
struct HeadReader: Sendable {
    private(set) var bytes: [UInt8] = []
    private let limit: Int

    init(limit: Int) { self.limit = limit }

    /// Takes what came.
    ///
    /// - Returns: the head, when it is complete.
    /// - Throws: when it is larger than it may be.
    mutating func add(_ more: [UInt8]) throws(HTTPRejection) -> ArraySlice<UInt8>? {
        // Empty lines before a request are passed over (RFC 9112, 2.2).
        let from = max(0, bytes.count - 3)
        bytes += bytes.isEmpty ? Array(more.drop { $0 == 0x0D || $0 == 0x0A }) : more
        if let end = end(from: from) {
            guard end <= limit else { throw HTTPRejection(431, "the request's head is too large") }
            return bytes[..<end]
        }
        guard bytes.count <= limit else { throw HTTPRejection(431, "the request's head is too large") }
        return nil
    }

    /// Where the empty line ends.
    private func end(from start: Int) -> Int? {
        for index in start..<bytes.count where bytes[index] == 0x0A {
            if index + 1 < bytes.count, bytes[index + 1] == 0x0A { return index + 2 }
            if index + 2 < bytes.count, bytes[index + 1] == 0x0D, bytes[index + 2] == 0x0A { return index + 3 }
        }
        return nil
    }
}
