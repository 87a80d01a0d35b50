// IAM policies, as far as session policies of builds go: read strictly, evaluated as IAM does without conditions.

import Foundation

/// A policy of statements that allow.
struct SessionPolicyDocument: Sendable, Decodable {
    struct Statement: Sendable, Decodable {
        let effect: String
        let actions: [String]
        let resources: [String]

        private enum CodingKeys: String, CodingKey, CaseIterable {
            case effect = "Effect"
            case actions = "Action"
            case resources = "Resource"
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: CodingKeys.self)
            effect = try container.decode(String.self, forKey: .effect)
            actions = try Self.list(container, .actions)
            resources = try Self.list(container, .resources)
            guard effect == "Allow" || effect == "Deny", !actions.isEmpty, !resources.isEmpty,
                actions.allSatisfy(Self.isAction), resources.allSatisfy({ $0 == "*" || $0.hasPrefix("arn:") })
            else { throw Malformed() }
        }

        private static func list(
            _ container: KeyedDecodingContainer<CodingKeys>,
            _ key: CodingKeys
        ) throws -> [String] {
            if let one = try? container.decode(String.self, forKey: key) { return [one] }
            return try container.decode([String].self, forKey: key)
        }

        /// `service:Name`, with wildcards.
        private static func isAction(_ text: String) -> Bool {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            return text == "*" || (parts.count == 2 && parts.allSatisfy { !$0.isEmpty })
        }
    }

    struct Malformed: Error {}

    let statements: [Statement]

    private enum CodingKeys: String, CodingKey {
        case version = "Version"
        case statements = "Statement"
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard try container.decode(String.self, forKey: .version) == "2012-10-17" else { throw Malformed() }
        statements = try container.decode([Statement].self, forKey: .statements)
        guard !statements.isEmpty else { throw Malformed() }
    }

    init(_ json: String) throws { self = try JSONDecoder().decode(Self.self, from: Data(json.utf8)) }

    /// A role's session without a policy may do what the role may.
    static let everything = try? Self(
        #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}"#
    )

    func allows(_ action: String, on resource: String) -> Bool {
        let matching = statements.filter { statement in
            statement.actions.contains { Self.matches($0.lowercased(), action.lowercased()) }
                && statement.resources.contains { Self.matches($0, resource) }
        }
        return matching.contains { $0.effect == "Allow" } && !matching.contains { $0.effect == "Deny" }
    }

    /// `*` stands for any characters, `?` for one.
    static func matches(_ pattern: some StringProtocol, _ text: some StringProtocol) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let rest = pattern.dropFirst()
        if first == "*" { return text.indices.contains { matches(rest, text[$0...]) } || matches(rest, "") }
        guard let head = text.first, first == "?" || first == head else { return false }
        return matches(rest, text.dropFirst())
    }
}
