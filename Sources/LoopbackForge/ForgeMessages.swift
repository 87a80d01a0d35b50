// Requests and answers of the forge, free of any server's types.

import Foundation

/// A request as the forge sees it.
struct ForgeRequest: Sendable {
    var method: String
    /// The path as it was sent, without the query.
    var path: String
    var query: String = ""
    /// By name in lower case.
    var headers: [String: String] = [:]
    var body: [UInt8] = []

    func header(_ name: String) -> String? { headers[name.lowercased()] }
}

/// An answer of the forge.
struct ForgeAnswer: Sendable {
    var status: Int
    var headers: [String: String] = [:]
    var body: [UInt8] = []
    /// Whether the connection breaks before the body is complete.
    var breaks = false

    static func json(_ status: Int, _ value: some Encodable) -> Self {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let body = (try? encoder.encode(value)).map { Array($0) } ?? []
        return Self(status: status, headers: ["Content-Type": "application/json; charset=utf-8"], body: body)
    }

    /// An error in GitHub's form.
    static func error(_ status: Int, _ message: String) -> Self {
        json(status, ["message": message, "documentation_url": "https://docs.github.com/rest"])
    }
}

/// One request that came, for inspection. Credentials are not kept.
package struct ForgeRequestRecord: Sendable, Hashable {
    /// The kind of credential that came with a request.
    package enum Credential: String, Sendable, Hashable { case none, basic, bearer, other }

    package var operation: ForgeOperation
    package var method: String
    package var path: String
    /// The `Host` field.
    package var host: String
    package var credential: Credential
    /// The status of the answer.
    package var status: Int
}
