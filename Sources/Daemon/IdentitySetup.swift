// Identity and HTTP as the configuration wants them.

package import HTTPTransfer
package import Identity
package import Logging
package import Policy
import Refusals
import TokenStore

extension IdentitySettings {
    /// The audience of the tokens that are meant for us. With `identity: driver` tokens are not looked at.
    var audience: String {
        switch self {
        case .driver: "daypass"
        case .serviceAccountTokens(_, let audience, _, _): audience
        }
    }
}

extension HTTPSettings {
    /// The settings of the transport to the token sources.
    package func options(_ environment: [String: String]) -> HTTPTransferOptions {
        let proxy: ProxyChoice =
            switch proxy {
            case .environment: .environment
            case .none: .none
            case .url(let url, let bypass): .url(url, bypass: bypass.joined(separator: ","))
            }
        return HTTPTransferOptions(
            trust: TrustRoots(includesSystem: true, files: caFile.map { [$0] } ?? []),
            clientCertificate: clientCertificate.map {
                ClientCertificate(certificateFile: $0.certificate, keyFile: $0.key)
            },
            connectTimeout: connectTimeout,
            proxy: proxy,
            userAgent: "daypass/\(DaypassVersion.current)",
            environment: environment
        )
    }
}

/// Runs `body` with the way in which the node learns who asks.
///
/// The API server has a transport of its own: the cluster's CA counts for it and for nothing else, and no proxy is used.
package func withIdentityMode<Result: Sendable>(
    _ settings: IdentitySettings,
    environment: [String: String],
    logger: Logger,
    _ body: (IdentityMode) async throws -> Result
) async throws -> Result {
    switch settings {
    case .driver:
        return try await body(.driver)
    case .serviceAccountTokens(let issuer, let audience, let keys, let leeway):
        func verifier(_ keys: any KeySource) -> IdentityMode {
            .serviceAccountToken(
                TokenVerifier(
                    issuer: issuer,
                    audience: audience,
                    leeway: leeway,
                    keys: keys,
                    clock: SystemClock(),
                    logger: logger
                )
            )
        }
        switch keys {
        case .file(let path):
            return try await body(verifier(FileKeySource(path: path, issuer: issuer ?? "")))
        case .cluster:
            let server = try InCluster.server(environment: environment)
            let options = HTTPTransferOptions(
                trust: TrustRoots(includesSystem: false, files: [InCluster.caFile]),
                proxy: .none,
                userAgent: "daypass/\(DaypassVersion.current)",
                environment: environment
            )
            return try await withCurlTransport(options, logger: logger) { http in
                try await body(verifier(ClusterKeySource(server: server, http: http)))
            }
        }
    }
}
