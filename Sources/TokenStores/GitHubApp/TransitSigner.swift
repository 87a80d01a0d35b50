// Signing by Transit of Vault or OpenBao: the App's key never leaves it.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A key of Vault's Transit engine, and how to log in there.
package struct TransitSettings: Decodable, Sendable {
    /// Vault's base URL.
    package var address: String
    /// The namespace of all calls.
    package var namespace: String?
    /// Where Transit is mounted; `transit` unless given.
    package var mount: String?
    /// The name of the key.
    package var key: String
    /// With the node's own token (`jwtFile`): the App's tokens serve all builds.
    package var auth: VaultAuthSettings

    package init(
        address: String,
        namespace: String? = nil,
        mount: String? = nil,
        key: String,
        auth: VaultAuthSettings
    ) {
        self.address = address
        self.namespace = namespace
        self.mount = mount
        self.key = key
        self.auth = auth
    }
}

/// Logs in, has the bytes signed, and ends the login: once for some minutes, because the App's token is kept.
struct TransitSigner: RemoteAppSigner {
    private let connection: VaultConnection
    private let path: String
    let place: String

    /// Checks the settings without a context, for offline checks.
    static func check(_ settings: TransitSettings) throws(TokenStoreError) -> (server: VaultServer, key: String) {
        let server = try VaultServer(
            address: settings.address,
            namespace: settings.namespace,
            auth: settings.auth,
            prefix: "transit."
        )
        guard settings.auth.jwtFile != nil else {
            throw TokenStoreError(
                .misconfigured,
                "transit.auth.jwtFile is missing, and the App's token is not that of one Pod",
                fix: "mount a projected service account token into Daypass's own Pod and name its file"
            )
        }
        let mount = try VaultPath.check("transit.mount", settings.mount ?? "transit")
        guard VaultPath.isPlainPart(settings.key[...]) else {
            throw TokenStoreError(
                .misconfigured,
                "transit.key is no name of a key",
                fix: "write the name that the key has below \(mount)/keys/"
            )
        }
        return (server, "\(mount)/sign/\(settings.key)/sha2-256")
    }

    init(_ settings: TransitSettings, context: TokenStoreContext) throws(TokenStoreError) {
        let (server, path) = try Self.check(settings)
        connection = VaultConnection(server, context: context, addressKey: "transit.address")
        self.path = path
        place = "the key \(settings.key) of Vault's Transit"
    }

    private struct Body: Encodable {
        let input: String
        // Transit hashes the input itself, by the algorithm in the path; its own default would be PSS.
        var prehashed = false
        var signature_algorithm = "pkcs1v15"
    }

    /// `POST transit/sign/KEY/sha2-256`
    /// (<https://developer.hashicorp.com/vault/api-docs/secret/transit#sign-data>).
    func signature(of input: [UInt8]) async throws(TokenStoreError) -> [UInt8] {
        let body = try JSONBody.encode(Body(input: Data(input).base64EncodedString()))
        let session = try await connection.login(nil)
        let answer: VaultAnswer
        do throws(TokenStoreError) {
            answer = try await connection.ask(
                connection.call("POST", path, token: session.token, body: body),
                .sign(path: path)
            )
        } catch {
            await connection.end(session)
            throw error
        }
        await connection.end(session)
        // vault:v1:BASE64, with the version of the key in the middle.
        let parts = answer.data?["signature"]?.text?.split(separator: ":", omittingEmptySubsequences: false) ?? []
        guard parts.count == 3, let signature = signatureBytes(base64: parts[2]) else {
            throw TokenStoreError(
                .malformedAnswer,
                "Vault's answer at \(path) holds no signature",
                fix: "check that transit.mount is a Transit engine"
            )
        }
        return signature
    }
}
