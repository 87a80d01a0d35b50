// A place in a trace, and how it is written in a call's metadata.

/// The name of a trace: 16 bytes, not all zero.
package struct TraceID: Sendable, Hashable, CustomStringConvertible {
    package let high: UInt64
    package let low: UInt64

    /// - Returns: `nil` for zero, which names nothing.
    package init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    /// A new one. All of it is random, as W3C Trace Context, level 2, section 5 wants it.
    package static func random() -> Self {
        while true {
            if let id = Self(high: .random(in: .min ... .max), low: .random(in: .min ... .max)) { return id }
        }
    }

    /// 32 lower-case hexadecimal digits.
    package var description: String { Hex.text(high) + Hex.text(low) }
}

/// A place in a trace: the trace, the span that whatever follows belongs to, and whether it is recorded.
package struct TraceParent: Sendable, Hashable {
    /// The trace.
    package var traceID: TraceID
    /// The span; 0 when there is none yet.
    package var spanID: UInt64
    /// Whether spans of this trace are recorded.
    package var isSampled: Bool
    /// What tracing systems add, as `tracestate` has it; empty when they add nothing.
    package var state: String

    package init(traceID: TraceID, spanID: UInt64 = 0, isSampled: Bool = false, state: String = "") {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// Reads the value of `traceparent`, strictly: https://www.w3.org/TR/trace-context-2/#traceparent-header.
    ///
    /// - Returns: `nil` when it is none; its sender is then to be taken for one that sent nothing.
    package init?(traceparent text: some Collection<UInt8>) {
        // version "-" trace-id "-" parent-id "-" flags. Later versions may add to that, after another dash.
        let bytes = Array(text.prefix(56))
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = Hex.number(bytes[0..<2]), version != 0xFF,
            version == 0 ? text.count == 55 : bytes.count == 55 || bytes[55] == dash,
            let high = Hex.number(bytes[3..<19]), let low = Hex.number(bytes[19..<35]),
            let traceID = TraceID(high: high, low: low),
            let spanID = Hex.number(bytes[36..<52]), spanID != 0,
            let flags = Hex.number(bytes[53..<55])
        else { return nil }
        self.init(traceID: traceID, spanID: spanID, isSampled: flags & 1 == 1)
    }

    /// The value of `traceparent`.
    package var traceparent: String { "00-\(traceID)-\(Hex.text(spanID))-\(isSampled ? "01" : "00")" }
}

/// Lower-case hexadecimal numbers.
package enum Hex {
    /// 16 digits.
    package static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The number of at most 16 digits; `nil` when one is anything else, an upper-case one too.
    static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(digit - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(digit - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return number
    }
}
