// A user name and token as text, checked for what lines of text can carry.

import Refusals
import TokenStore

/// A user name and token as text without control characters, so that neither can end a line and begin another.
struct Credential {
    let username: String
    let password: String

    /// - Parameter isASCII: whether both must be printable ASCII, because a program or shell takes the file apart.
    /// - Throws: ``Refusal`` with `StoreAnswerUnusable`; it repeats neither the name nor the token.
    init(
        _ issued: IssuedToken,
        of token: PlannedToken,
        in format: String,
        isASCII: Bool = false
    ) throws(Refusal) {
        username = try Self.username(issued, of: token, in: format)
        password = try Self.password(issued, of: token, in: format)
        guard isASCII else { return }
        if !Self.isPrintable(username) { throw Self.unusable(token, format, "user name holds non-ASCII text") }
        if !Self.isPrintable(password) { throw Self.unusable(token, format, "token holds non-ASCII text") }
    }

    /// The user name alone. HTTP Basic credentials end it at the first colon
    /// (<https://www.rfc-editor.org/rfc/rfc7617#section-2>), so that it may hold none.
    static func username(_ issued: IssuedToken, of token: PlannedToken, in format: String) throws(Refusal) -> String {
        let name = issued.username
        if name.isEmpty { throw unusable(token, format, "user name is empty") }
        if hasControl(name) { throw unusable(token, format, "user name holds a control character") }
        if name.utf8.contains(UInt8(ascii: ":")) { throw unusable(token, format, "user name holds a colon") }
        return name
    }

    /// The token alone.
    static func password(_ issued: IssuedToken, of token: PlannedToken, in format: String) throws(Refusal) -> String {
        guard let text = String(validating: issued.secret.reveal(), as: UTF8.self) else {
            throw unusable(token, format, "token is no UTF-8 text")
        }
        if text.isEmpty { throw unusable(token, format, "token is empty") }
        if hasControl(text) { throw unusable(token, format, "token holds a line break or another control character") }
        return text
    }

    static func unusable(_ token: PlannedToken, _ format: String, _ what: String) -> Refusal {
        let message =
            "the store's answer for the token \(Refusal.quoted(token.name)) does not fit \(format): its \(what)"
        return Refusal(.storeAnswerUnusable, message, fix: "ask for the format token, or look at the store")
    }

    private static func isPrintable(_ text: String) -> Bool { text.utf8.allSatisfy { (0x20...0x7E).contains($0) } }

    private static func hasControl(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.properties.generalCategory == .control }
    }
}
