// Identity and HTTP as the configuration wants them.

package import HTTPTransfer
import Identity
import Logging
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

extension IdentitySettings {
    /// The way in which the node learns who asks; nothing is fetched yet.
    ///
    /// The API server has a transport of its own: the cluster's CA counts for it and for nothing else, and no proxy is
    /// used.
    ///
    /// - Throws: ``Refusal`` when there is no API server around us, `HTTPTransferSetupError` when its CA can't be used.
    func mode(_ environment: [String: String], _ transports: Transports, _ logger: Logger) async throws -> IdentityMode
    {
        guard case .serviceAccountTokens(let issuer, let audience, let keys, let leeway) = self else { return .driver }
        let source: any KeySource
        switch keys {
        case .file(let path): source = FileKeySource(path: path, issuer: issuer ?? "")
        case .cluster:
            let server = try InCluster.server(environment: environment)
            let options = HTTPTransferOptions(
                trust: TrustRoots(includesSystem: false, files: [InCluster.caFile]),
                proxy: .none,
                userAgent: "daypass/\(DaypassVersion.current)",
                environment: environment
            )
            source = ClusterKeySource(server: server, http: try await transports.transport(options))
        }
        return .serviceAccountToken(
            TokenVerifier(
                issuer: issuer,
                audience: audience,
                leeway: leeway,
                keys: source,
                clock: SystemClock(),
                logger: logger
            )
        )
    }
}
