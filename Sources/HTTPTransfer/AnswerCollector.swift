// Collects an answer from the lines and bytes that libcurl hands over, within bounds. Pure.

import TokenStore

/// The state of one answer on its way in.
struct AnswerCollector {
    /// The most fields an answer's head may have.
    static let fieldLimit = 256
    /// The most bytes all heads of one answer may have together, interim ones included.
    static let headLimit = 64 << 10

    private enum Phase { case waiting, head, body }

    private(set) var status = 0
    private(set) var headers: [HTTPField] = []
    private(set) var body: [UInt8] = []
    /// What was over its limit, when something was.
    private(set) var excess: String?
    let bodyLimit: Int
    private var phase = Phase.waiting
    private var headBytes = 0

    init(bodyLimit: Int) { self.bodyLimit = bodyLimit }

    /// Whether a byte of an answer came.
    var hasBegun: Bool { headBytes > 0 }
    /// Whether the head of the final answer is here.
    var headIsComplete: Bool { phase == .body }

    /// Takes one line of a head, its line end included. Heads of interim answers (1xx) are dropped when the next one
    /// begins; trailers are dropped.
    ///
    /// - Returns: Whether to go on.
    mutating func take(line bytes: some Collection<UInt8>) -> Bool {
        headBytes += bytes.count
        guard headBytes <= Self.headLimit else { return refuse("its head is larger than \(Self.headLimit) bytes") }
        let line = String(decoding: bytes, as: UTF8.self).trimmingLineEnd()
        switch phase {
        case .waiting:
            begin(line)
        case .head:
            guard line.isEmpty else { return takeField(line) }
            phase = (100...199).contains(status) ? .waiting : .body
        case .body:
            break
        }
        return true
    }

    /// Takes a part of the body.
    ///
    /// - Returns: Whether to go on.
    mutating func take(body bytes: some Collection<UInt8>) -> Bool {
        guard bytes.count <= bodyLimit - body.count else { return refuse("its body is larger than \(bodyLimit) bytes") }
        body += bytes
        return true
    }

    private mutating func begin(_ line: Substring) {
        guard line.hasPrefix("HTTP/") else { return }
        status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        headers = []
        phase = .head
    }

    private mutating func takeField(_ line: Substring) -> Bool {
        // A line that begins with a blank continues the one before (RFC 9112, 5.2).
        if let first = line.first, first == " " || first == "\t" {
            if !headers.isEmpty { headers[headers.count - 1].value += " " + line.trimmingBlanks() }
            return true
        }
        guard headers.count < Self.fieldLimit else { return refuse("it has more than \(Self.fieldLimit) fields") }
        let colon = line.firstIndex(of: ":") ?? line.endIndex
        headers.append(HTTPField(String(line[..<colon]), line[colon...].dropFirst().trimmingBlanks()))
        return true
    }

    private mutating func refuse(_ what: String) -> Bool {
        excess = what
        return false
    }
}

extension String {
    fileprivate func trimmingLineEnd() -> Substring {
        var line = Substring(self)
        // CR LF is one character.
        while let last = line.last, last == "\r\n" || last == "\n" || last == "\r" { line.removeLast() }
        return line
    }
}
