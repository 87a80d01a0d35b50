// The cluster's public keys from its API server.

package import Refusals
package import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Keys and issuer from the API server's service account issuer discovery
/// (<https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#service-account-issuer-discovery>).
///
/// The key set is read from the API server itself: the `jwks_uri` that it announces may be meant for the outside.
package struct ClusterKeySource: KeySource {
    private static let discoveryPath = "/.well-known/openid-configuration"
    private static let keysPath = "/openid/v1/jwks"
    private static let answerLimit = 256 << 10
    private static let timeout: Duration = .seconds(5)

    private let server: String
    private let tokenFile: String
    private let http: any HTTPTransport

    /// - Parameters:
    ///   - server: the API server's base URL without a path; ``InCluster/server(environment:)`` makes it.
    ///   - tokenFile: Daypass's own projected token, read anew for each fetch because kubelet replaces it.
    ///   - http: a transport that trusts the cluster's CA (``InCluster/caFile``).
    package init(server: String, tokenFile: String = InCluster.tokenFile, http: any HTTPTransport) {
        self.server = server
        self.tokenFile = tokenFile
        self.http = http
    }

    package var location: String { server + Self.keysPath }

    package func fetch() async throws(Refusal) -> JWKSDocument {
        let authorization = try ownToken()
        let discovery = try await get(Self.discoveryPath, authorization)
        guard let issuer = try? JSONDecoder().decode(Discovery.self, from: Data(discovery)).issuer, !issuer.isEmpty
        else { throw unusable("\(server)\(Self.discoveryPath) answers without an issuer") }
        let jwks = try await get(Self.keysPath, authorization)
        return JWKSDocument(issuer: issuer, jwks: jwks)
    }

    private struct Discovery: Decodable { var issuer: String }

    private func ownToken() throws(Refusal) -> Secret {
        let bytes: [UInt8]
        do throws(BoundedFile.Problem) { bytes = try BoundedFile.read(tokenFile, limit: CompactToken.longest) } catch {
            throw Refusal(
                .keysUnavailable,
                "Daypass's own service account token \(tokenFile) \(error.message)",
                fix:
                    "let the Pod of Daypass mount its token (automountServiceAccountToken), or set identity.issuer and identity.jwks.file"
            )
        }
        let token = bytes.split(separator: UInt8(ascii: "\n")).first ?? []
        guard !token.isEmpty, token.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw unusable("Daypass's own service account token \(tokenFile) holds no token")
        }
        return Secret(Array("Bearer ".utf8) + token)
    }

    private func get(_ path: String, _ authorization: Secret) async throws(Refusal) -> [UInt8] {
        let url = server + path
        let call = HTTPCall(
            "GET",
            url,
            headers: [HTTPField("Accept", "application/json, application/jwk-set+json")],
            authorization: authorization,
            timeout: Self.timeout,
            bodyLimit: Self.answerLimit
        )
        let answer: HTTPAnswer
        do throws(HTTPTransportError) { answer = try await http.send(call) } catch {
            if error.code == .cancelled { throw Refusal(.cancelled, "the caller gave up while \(url) was asked") }
            let fix =
                error.code == .tls ? "check that the API server's certificate is of the CA in \(InCluster.caFile)" : ""
            throw Refusal(.keysUnavailable, "the API server can't be asked for its keys at \(url): \(error)", fix: fix)
        }
        switch answer.status {
        case 200:
            // A transport may cut no body: the limit holds here as well.
            guard answer.body.count <= Self.answerLimit else {
                throw unusable("\(url) answers more than \(Self.answerLimit) bytes")
            }
            return answer.body
        case 401, 403:
            throw Refusal(
                .keysUnavailable,
                "the API server answers \(answer.status) to Daypass's own token at \(url)",
                fix: """
                    bind the ClusterRole system:service-account-issuer-discovery to Daypass's service account, and check \
                    that \(tokenFile) is this cluster's
                    """
            )
        case 404:
            throw Refusal(
                .keysUnavailable,
                "the API server has no service account issuer discovery (404 at \(url))",
                fix: "set identity.issuer and identity.jwks.file"
            )
        default:
            throw unusable("the API server answers \(answer.status) at \(url)")
        }
    }

    private func unusable(_ message: String) -> Refusal { Refusal(.keysUnavailable, message) }
}
