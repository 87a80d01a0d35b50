// Percent-encoding of one part of a URL.

enum PercentEncoding {
    /// Everything but the unreserved characters of <https://www.rfc-editor.org/rfc/rfc3986#section-2.3> as `%xx`, in
    /// lower case as git's own credential store writes it, or in capitals as its prompts do.
    static func encode(_ text: String, uppercase: Bool = false) -> String {
        text.utf8.reduce(into: "") { encoded, byte in
            if isUnreserved(byte) {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                encoded += byte < 16 ? "%0" : "%"
                encoded += String(byte, radix: 16, uppercase: uppercase)
            }
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "-._~".utf8.contains(byte)
        }
    }
}
