// HTML in which text can't become markup: what is interpolated is escaped, always.

import Crypto

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A piece of HTML. Literals are markup; interpolated texts are escaped; interpolated pieces are markup again.
///
/// Write attribute values in double quotes.
struct HTML: Sendable, Hashable, ExpressibleByStringInterpolation {
    private(set) var text: String

    init(stringLiteral value: StaticString) { text = "\(value)" }
    init(stringInterpolation: StringInterpolation) { text = stringInterpolation.text }

    /// Markup from elsewhere. For constants only.
    init(unescaped constant: String) { text = constant }

    struct StringInterpolation: StringInterpolationProtocol {
        fileprivate(set) var text = ""

        init(literalCapacity: Int, interpolationCount: Int) { text.reserveCapacity(literalCapacity * 2) }
        mutating func appendLiteral(_ literal: StaticString) { text += "\(literal)" }
        mutating func appendInterpolation(_ text: some StringProtocol) { self.text += HTML.escaped(text) }
        mutating func appendInterpolation(_ number: Int) { text += String(number) }
        mutating func appendInterpolation(_ piece: HTML) { text += piece.text }
        mutating func appendInterpolation(_ pieces: [HTML]) { for piece in pieces { text += piece.text } }
        mutating func appendInterpolation(_ piece: HTML?) { if let piece { text += piece.text } }
    }

    /// Text as HTML shows it, between tags and in quoted attributes. Control characters, and those that change the
    /// direction of text or are not seen at all, become U+FFFD: a name must not look like another.
    static func escaped(_ text: some StringProtocol) -> String {
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            case "'": result += "&#39;"
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator:
                    result += "\u{FFFD}"
                default: result.unicodeScalars.append(scalar)
                }
            }
        }
        return result
    }
}

extension HTTPAnswer {
    /// A page. It may have the style of ``PageStyle``, and load or run nothing else.
    static func html(_ status: Int, _ page: HTML) -> HTTPAnswer {
        HTTPAnswer(
            status,
            type: "text/html; charset=utf-8",
            page.text,
            [
                Header(
                    "Content-Security-Policy",
                    "default-src 'none'; style-src 'sha256-\(PageStyle.digest)'; base-uri 'none'; form-action 'none'; "
                        + "frame-ancestors 'none'"
                )
            ]
        )
    }
}

extension PageStyle {
    /// The digest by which the policy of the page knows its style.
    static let digest = Data(SHA256.hash(data: Data(css.utf8))).base64EncodedString()
}
