// Bare repositories behind git's own HTTP server, for counterparts of other forges, which decide themselves who may read
// and write.

package import Foundation

/// Bare repositories below a directory.
package struct GitRepositories: Sendable {
    private let backend: GitBackend

    package init(root: URL) { backend = GitBackend(root: root) }

    /// Makes a repository with one commit on `main`.
    package func create(_ fullName: String, files: [String: String]) async throws {
        _ = try await backend.create(fullName, files: files, submodules: [])
    }

    /// Answers a request of git's smart HTTP protocol that was admitted.
    ///
    /// - Parameters:
    ///   - path: below the project root: `/owner/name.git/info/refs`.
    ///   - headers: names in lower case.
    ///   - user: the user that git is told.
    /// - Returns: The status, the header fields and the body.
    package func serve(
        _ method: String,
        path: String,
        query: String,
        headers: [String: String],
        body: [UInt8],
        user: String
    ) async throws -> (status: Int, headers: [String: String], body: [UInt8]) {
        let request = ForgeRequest(method: method, path: path, query: query, headers: headers, body: body)
        let answer = try await backend.serve(request, GitFront.Admission(path: path, user: user))
        return (answer.status, answer.headers, answer.body)
    }
}
