// A GitHub store with a scripted source, a still clock and a key of its own.

import Crypto
import CryptoExtras
import Foundation
import Logging
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

/// What the tests of the GitHub store share.
struct StoreFixture {
    static let keyFile = "/etc/daypass/keys/github.pem"
    /// Made once: it takes a noticeable part of a second.
    static let key = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048) }

    /// A key that no App has.
    static let otherPEM = Result { try _RSA.Signing.PrivateKey(keySize: .bits2048).pemRepresentation }

    let clock = ManualClock()
    let http = ScriptedTransport()
    let log = LogCapture()
    let store: GitHubAppStore

    init(
        apiURL: String? = nil,
        webURL: String? = nil,
        installationID: Int64? = nil,
        probe: Bool = false
    ) throws {
        let settings = GitHubAppSettings(
            appID: "Iv23liTest",
            privateKey: SecretReference(file: Self.keyFile),
            apiURL: apiURL,
            webURL: webURL,
            installationID: installationID,
            usabilityProbe: probe
        )
        let pem = try Self.key.get().pemRepresentation
        let context = TokenStoreContext(
            name: "github",
            clock: clock,
            http: http,
            secrets: FixedSecrets([Self.keyFile: pem]),
            logger: log.logger
        )
        store = try GitHubAppStore(settings: settings, context: context)
    }

    static func request(
        _ repositories: [String] = ["our-org/private"],
        _ permissions: [String: AccessLevel] = ["contents": .read]
    ) -> TokenRequest {
        TokenRequest(
            subject: Subject(namespace: "binder", serviceAccount: "builder", podName: "build-1", podUID: "u-1"),
            scope: TokenScope(repositories: repositories, permissions: permissions)
        )
    }

    static let token = "ghs_0123456789abcdefghijABCDEFGHIJ012345"

    /// GitHub's answer to a mint.
    static func mintJSON(
        token: String = token,
        expiresAt: String = "2026-01-01T01:00:00Z",
        permissions: String = #"{"contents":"read","metadata":"read"}"#,
        selection: String = "selected",
        repositories: String = #"[{"id":1,"name":"private","full_name":"our-org/private"}]"#
    ) -> String {
        #"{"token":"\#(token)","expires_at":"\#(expiresAt)","permissions":\#(permissions),"#
            + #""repository_selection":"\#(selection)","repositories":\#(repositories)}"#
    }

    /// Scripts the look-up of installation 42 and a mint.
    func scriptMint(_ json: String = mintJSON()) {
        http.then(200, json: #"{"id":42,"suspended_at":null}"#)
        http.then(201, json: json)
    }

    /// The error of an issue that must fail.
    func issueError(_ request: TokenRequest = request()) async throws -> TokenStoreError {
        do throws(TokenStoreError) {
            _ = try await store.issue(request)
        } catch {
            #expect(!"\(error)".contains(Self.token))
            return error
        }
        throw Unexpected()
    }

    struct Unexpected: Error {}
}

/// The claims of an App's token, after its signature was verified.
struct AppClaims: Decodable {
    let iat: Int64
    let exp: Int64
    let iss: String

    init(_ authorization: Secret?) throws {
        let key = try StoreFixture.key.get().publicKey
        let text = try #require(authorization).revealText()
        try #require(text.hasPrefix("Bearer "))
        let parts = text.dropFirst("Bearer ".count).split(separator: ".")
        try #require(parts.count == 3)
        let header = try JSONDecoder().decode([String: String].self, from: Self.decode(parts[0]))
        try #require(header == ["alg": "RS256", "typ": "JWT"])
        let signature = _RSA.Signing.RSASignature(rawRepresentation: try Self.decode(parts[2]))
        let digest = SHA256.hash(data: Data("\(parts[0]).\(parts[1])".utf8))
        try #require(key.isValidSignature(signature, for: digest, padding: .insecurePKCS1v1_5))
        let payload = try Self.decode(parts[1])
        try #require(!String(decoding: payload, as: UTF8.self).contains("."), "GitHub refuses fractions")
        self = try JSONDecoder().decode(Self.self, from: payload)
    }

    private static func decode(_ part: Substring) throws -> Data {
        let text = part.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        return try #require(Data(base64Encoded: text + String(repeating: "=", count: (4 - text.count % 4) % 4)))
    }
}

/// Keeps what is logged.
final class LogCapture: Sendable {
    private let lines = Mutex<[String]>([])

    var text: String { lines.withLock { $0.joined(separator: "\n") } }

    var logger: Logger {
        var logger = Logger(label: "test", factory: { [self] _ in Handler(capture: self) })
        logger.logLevel = .trace
        return logger
    }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            capture.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
        }
    }
}
