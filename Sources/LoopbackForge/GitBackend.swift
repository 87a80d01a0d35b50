// git's own HTTP server, run for each request as a CGI program (<https://git-scm.com/docs/git-http-backend>), and the
// bare repositories that it serves.

import Foundation
import Subprocess

/// The bare repositories below a directory, and the programs that serve and fill them.
struct GitBackend: Sendable {
    let root: URL

    /// A program that did not do its work.
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    private static let outputLimit = 256 << 20

    /// The environment of every git program here: nothing of the user's own configuration.
    private var environment: [Environment.Key: String] {
        [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin",
            "HOME": root.path,
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
        ]
    }

    /// Answers an admitted request.
    func serve(_ request: ForgeRequest, _ admission: GitFront.Admission) async throws -> ForgeAnswer {
        var environment = environment
        environment["GIT_PROJECT_ROOT"] = root.path
        environment["GIT_HTTP_EXPORT_ALL"] = "1"
        environment["PATH_INFO"] = admission.path
        environment["QUERY_STRING"] = request.query
        environment["REQUEST_METHOD"] = request.method
        environment["CONTENT_TYPE"] = request.header("content-type") ?? ""
        environment["CONTENT_LENGTH"] = String(request.body.count)
        environment["REMOTE_ADDR"] = "127.0.0.1"
        if let encoding = request.header("content-encoding") { environment["HTTP_CONTENT_ENCODING"] = encoding }
        if let version = request.header("git-protocol") { environment["GIT_PROTOCOL"] = version }
        if let user = admission.user { environment["REMOTE_USER"] = user }
        let result = try await run(
            .name("git"),
            arguments: ["http-backend"],
            environment: .custom(environment),
            input: .array(request.body),
            output: .bytes(limit: Self.outputLimit),
            error: .string(limit: 1 << 16)
        )
        return try Self.answer(result.standardOutput)
    }

    /// Reads what a CGI program wrote: fields, an empty line, the body (RFC 3875, section 6).
    static func answer(_ output: [UInt8]) throws -> ForgeAnswer {
        let end = Array("\r\n\r\n".utf8)
        guard let split = output.firstRange(of: end) else {
            throw Failure(description: "git http-backend wrote no fields")
        }
        var answer = ForgeAnswer(status: 200, body: Array(output[split.upperBound...]))
        for line in String(decoding: output[..<split.lowerBound], as: UTF8.self).split(separator: "\r\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = String(line[..<colon])
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            if name.lowercased() == "status" {
                answer.status = Int(value.prefix(3)) ?? 500
            } else {
                answer.headers[name] = value
            }
        }
        return answer
    }

    /// Makes a bare repository with one commit on `main`.
    ///
    /// - Returns: The commit's id.
    func create(
        _ fullName: String,
        files: [String: String],
        submodules: [ForgeSubmodule]
    ) async throws -> String {
        let directory = root.appendingPathComponent("\(fullName).git").path
        try await git(["init", "--quiet", "--bare", "--template=", "--initial-branch=main", directory])
        try await git(["-C", directory, "fast-import", "--quiet"], input: Self.commit(files, submodules))
        let commit = try await git(["-C", directory, "rev-parse", "refs/heads/main"])
        return commit.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// The commit in the form of git's fast-import.
    private static func commit(_ files: [String: String], _ submodules: [ForgeSubmodule]) -> [UInt8] {
        var files = files
        if !submodules.isEmpty {
            files[".gitmodules"] = submodules.map {
                "[submodule \"\($0.path)\"]\n\tpath = \($0.path)\n\turl = \($0.url)\n"
            }.joined()
        }
        func data(_ text: String) -> String { "data \(text.utf8.count)\n\(text)\n" }
        var stream = "commit refs/heads/main\ncommitter Loopback Forge <forge@localhost> 1767225600 +0000\n"
        stream += data("Initial commit")
        for (path, text) in files.sorted(by: { $0.key < $1.key }) { stream += "M 100644 inline \(path)\n\(data(text))" }
        for submodule in submodules { stream += "M 160000 \(submodule.commit) \(submodule.path)\n" }
        return Array((stream + "\n").utf8)
    }

    @discardableResult
    private func git(_ arguments: [String], input: [UInt8] = []) async throws -> String {
        let result = try await run(
            .name("git"),
            arguments: Arguments(arguments),
            environment: .custom(environment),
            input: .array(input),
            output: .string(limit: 1 << 20),
            error: .string(limit: 1 << 16)
        )
        guard result.terminationStatus.isSuccess else {
            throw Failure(description: "git \(arguments.joined(separator: " ")): \(result.standardError)")
        }
        return result.standardOutput
    }
}

/// A submodule of a repository that a forge serves.
package struct ForgeSubmodule: Sendable {
    package var path: String
    package var url: String
    /// The id of the commit that is checked out there.
    package var commit: String

    package init(path: String, url: String, commit: String) {
        self.path = path
        self.url = url
        self.commit = commit
    }
}
