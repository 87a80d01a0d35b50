// What a template can say about a token.

import TokenStore

/// The parts of a token, by the names that templates use.
enum TemplateField: String, CaseIterable {
    case name, username, password, token, basic, host, repository, repositories, expiresAt, expiresAtUnix

    /// Whether it is a list, for sections only.
    var isList: Bool { self == .repositories }

    /// Whether a token has it. What only the store's answer tells counts as there: it is empty where the store is silent.
    func exists(in token: PlannedToken) -> Bool {
        switch self {
        case .host: token.host != nil
        case .repository: token.scope.repositories.count == 1
        default: true
        }
    }

    /// Why a token does not have it.
    var absence: String {
        switch self {
        case .repository: "is for several repositories, or for none; use {{#repositories}}{{.}}{{/repositories}}"
        default: "belongs to no host; write the host into the template"
        }
    }
}

/// What may be put around the name of a text.
enum TemplateFunction: String, CaseIterable {
    /// Percent-encoded, for user names and passwords in URLs.
    case url
    /// The UTF-8 bytes in base64.
    case base64

    func callAsFunction(_ text: String) -> String {
        switch self {
        case .url: PercentEncoding.encode(text, uppercase: true)
        case .base64: base64Encoded(text)
        }
    }
}

/// Whether an element of a list is its first or its last: `{{^last()}},{{/last()}}`.
enum TemplateFlag: String, CaseIterable {
    case first, last
}
