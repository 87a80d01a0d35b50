// What is sent with a call to a path: parameters of the engine, some filled in with what is asked.

import TokenStore

/// The value of a parameter in the settings: a text, a whole number, or a list of texts.
package enum VaultParameter: Decodable, Sendable, Equatable {
    case text(String)
    case list([String])

    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .text(text)
        } else if let number = try? container.decode(Int.self) {
            // Vault reads numbers from texts.
            self = .text("\(number)")
        } else {
            self = .list(try container.decode([String].self))
        }
    }
}

extension VaultParameter: ExpressibleByStringLiteral, ExpressibleByArrayLiteral {
    package init(stringLiteral value: String) { self = .text(value) }
    package init(arrayLiteral elements: String...) { self = .list(elements) }
}

/// Parameters, read once.
struct VaultParameters: Sendable {
    private enum Value: Sendable {
        case text(VaultTemplate)
        case list([VaultTemplate])
    }

    private let values: [(name: String, value: Value)]
    /// All placeholders in them.
    let placeholders: Set<VaultPlaceholder>

    init(_ settings: [String: VaultParameter]) throws(TokenStoreError) {
        var values: [(name: String, value: Value)] = []
        var placeholders: Set<VaultPlaceholder> = []
        for (name, parameter) in settings.sorted(by: { $0.key < $1.key }) {
            let key = "secret.parameters.\(name)"
            switch parameter {
            case .text(let text):
                let template = try VaultTemplate(text, key: key)
                placeholders.formUnion(template.placeholders)
                values.append((name, .text(template)))
            case .list(let texts):
                var templates: [VaultTemplate] = []
                for text in texts { templates.append(try VaultTemplate(text, key: key)) }
                guard !templates.contains(where: { $0.whole != nil }) else {
                    throw TokenStoreError(
                        .misconfigured,
                        "\(key) is a list that holds a placeholder for a list",
                        fix: "write \(name): \"{repositories}\" for example, without the list"
                    )
                }
                placeholders.formUnion(templates.flatMap(\.placeholders))
                values.append((name, .list(templates)))
            }
        }
        self.values = values
        self.placeholders = placeholders
    }

    /// The values for a request.
    func filled(for request: TokenRequest) throws(TokenStoreError) -> [(name: String, value: VaultValue)] {
        var filled: [(name: String, value: VaultValue)] = []
        for (name, value) in values {
            switch value {
            case .text(let template):
                let value = template.whole.map { Self.whole($0, request.scope) }
                if let value {
                    filled.append((name, value))
                } else {
                    filled.append((name, .text(try template.text(for: request))))
                }
            case .list(let templates):
                var list: [VaultValue] = []
                for template in templates { list.append(.text(try template.text(for: request))) }
                filled.append((name, .list(list)))
            }
        }
        return filled
    }

    /// The value of a placeholder for a list or a mapping.
    private static func whole(_ placeholder: VaultPlaceholder, _ scope: TokenScope) -> VaultValue {
        switch placeholder {
        case .permissions: .object(scope.permissions.mapValues { .text($0.rawValue) })
        case .actions: .list(scope.actions.sorted().map { .text($0.rawValue) })
        case .names: .list(scope.repositories.map { .text(VaultTemplate.name($0)) })
        default: .list(scope.repositories.map(VaultValue.text))
        }
    }
}

/// How a path is asked.
package enum VaultMethod: String, Decodable, Sendable, CaseIterable {
    case get = "GET"
    case post = "POST"
}

/// A call to an engine's path, checked: which path, how, with what.
struct VaultRead: Sendable {
    let path: VaultTemplate
    let method: VaultMethod
    let parameters: VaultParameters

    init(
        path: String,
        method: VaultMethod?,
        parameters: [String: VaultParameter]?
    ) throws(TokenStoreError) {
        self.path = try VaultPath.template("secret.path", path)
        self.method = method ?? .get
        self.parameters = try VaultParameters(parameters ?? [:])
        guard self.method == .post || !self.parameters.placeholders.contains(.permissions) else {
            throw TokenStoreError(
                .misconfigured,
                "secret.parameters has {permissions}, a mapping, and a GET can't carry one",
                fix: "set secret.method to POST"
            )
        }
    }

    var placeholders: Set<VaultPlaceholder> { path.placeholders.union(parameters.placeholders) }

    /// What is sent for a request: the path, the query of a GET, the body of a POST.
    struct Filled: Sendable {
        let path: String
        var query = ""
        var body: [UInt8]?
    }

    func filled(for request: TokenRequest) throws(TokenStoreError) -> Filled {
        var filled = Filled(path: try path.text(for: request))
        let values = try parameters.filled(for: request)
        switch method {
        case .post:
            let object = Dictionary(values.map { ($0.name, $0.value) }) { $1 }
            filled.body = try JSONBody.encode(object)
        case .get:
            filled.query = values.flatMap { name, value in
                (value.list ?? [value]).compactMap(\.text).map { text in
                    "\(PercentEncoded.text(name))=\(PercentEncoded.text(text))"
                }
            }.joined(separator: "&")
        }
        return filled
    }
}
