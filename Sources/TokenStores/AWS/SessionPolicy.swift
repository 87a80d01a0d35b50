// The inline policy that cuts a role's session down to one build's repositories.

import TokenStore

/// A session policy: the session may do what both the role's own policies and this one allow.
struct SessionPolicy: Sendable {
    /// STS takes so many characters (<https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html>).
    static let longest = 2048

    /// Actions that know no resource: logging in.
    var anywhere: [String] = []
    /// What may be done with the resources.
    var actions: [String] = []
    /// The ARNs of the repositories.
    var resources: [String] = []

    private struct Document: Encodable {
        struct Statement: Encodable {
            var effect = "Allow"
            var action: [String]
            var resource: [String]

            enum CodingKeys: String, CodingKey {
                case effect = "Effect"
                case action = "Action"
                case resource = "Resource"
            }
        }

        var version = "2012-10-17"
        var statement: [Statement]

        enum CodingKeys: String, CodingKey {
            case version = "Version"
            case statement = "Statement"
        }
    }

    /// The policy as JSON.
    ///
    /// - Throws: ``TokenStoreError`` when it is longer than STS takes, with the number of repositories that fit.
    func json() throws(TokenStoreError) -> String {
        let text = try encoded(resources[...])
        if text.utf8.count <= Self.longest { return text }
        var fitting = resources.count - 1
        while fitting > 0, try encoded(resources.prefix(fitting)).utf8.count > Self.longest { fitting -= 1 }
        throw TokenStoreError(
            .refused,
            "the session policy for \(resources.count) repositories has \(text.utf8.count) characters, "
                + "and STS takes \(Self.longest)",
            fix: "ask for at most \(fitting) of these repositories in one token"
        )
    }

    private func encoded(_ resources: ArraySlice<String>) throws(TokenStoreError) -> String {
        var statements: [Document.Statement] = []
        if !anywhere.isEmpty { statements.append(Document.Statement(action: anywhere.sorted(), resource: ["*"])) }
        // A statement without resources would be no policy at all.
        if !actions.isEmpty, !resources.isEmpty {
            statements.append(Document.Statement(action: actions.sorted(), resource: Array(resources)))
        }
        return String(decoding: try JSONBody.encode(Document(statement: statements)), as: UTF8.self)
    }
}
