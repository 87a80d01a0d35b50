// The protocol of docker's credential helpers (<https://github.com/docker/docker-credential-helpers>).

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Asks `get` with the server's name, as docker's client does. A helper writes what went wrong to its standard output and
/// ends with status 1; three of these texts are fixed and understood. A user name `<token>` is handed on: it says that
/// the secret is an identity token.
struct DockerHelperTalk: ExecTalk {
    let arguments = ["get"]

    private let server: String
    private let failures: ProgramFailures

    /// Docker Hub under all its names has one key in docker's files.
    static let hubHosts: Set<String> = ["docker.io", "index.docker.io", "registry-1.docker.io"]
    private static let hubKey = "https://index.docker.io/v1/"

    init(_ service: TokenService, serverURL: String?, failures: ProgramFailures) throws(TokenStoreError) {
        if let serverURL {
            guard !serverURL.isEmpty, serverURL.utf8.count <= 2048,
                serverURL.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else {
                throw TokenStoreError(
                    .misconfigured,
                    "serverURL is empty or holds characters that no server's name has",
                    fix: "write it as in credHelpers or auths of docker's config.json"
                )
            }
            server = serverURL
        } else if let host = service.registryHost {
            server = Self.hubHosts.contains(host) ? Self.hubKey : host
        } else {
            server = service.git?.origin ?? service.otherHost ?? ""
        }
        self.failures = failures
    }

    func input(_ request: TokenRequest) throws(TokenStoreError) -> Secret { Secret(utf8: server) }

    func credential(
        _ output: ProgramOutput,
        for request: TokenRequest
    ) throws(TokenStoreError) -> ForeignCredential {
        guard output.status == 0 else { throw failure(output) }
        guard let answer = JSONBody.decode(Answer.self, output.output.reveal()) else {
            throw failures.unreadable("does not write the JSON object of a credential")
        }
        guard let secret = answer.secret, !secret.isEmpty else { throw nothing }
        return ForeignCredential(username: answer.username, token: Secret(utf8: secret))
    }

    private var nothing: TokenStoreError {
        failures.nothing(for: server, fix: "let it store one, or set serverURL to the name that it knows")
    }

    /// The texts of docker's own library for helpers.
    private func failure(_ output: ProgramOutput) -> TokenStoreError {
        guard output.status != nil else { return failures.failed(output) }
        return switch Authorization.trimmed(output.output).revealText() {
        case "credentials not found in native keychain": nothing
        case "no credentials server URL", "no credentials username":
            TokenStoreError(
                .misconfigured,
                "\(failures.program) does not take \(server) as a server",
                fix: "set serverURL to the name that it knows"
            )
        default: failures.failed(output)
        }
    }

    /// Keys in any case: Go, in which docker is written, reads them so.
    private struct Answer: Decodable {
        var username: String?
        var secret: String?

        private struct Key: CodingKey {
            let stringValue: String
            var intValue: Int? { nil }
            init(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Key.self)
            for key in container.allKeys {
                switch key.stringValue.lowercased() {
                case "username": username = try container.decodeIfPresent(String.self, forKey: key)
                case "secret": secret = try container.decodeIfPresent(String.self, forKey: key)
                default: break
                }
            }
        }
    }
}
