// Calls to an API server: its address, our own token, and the transport.

package import HTTPTransfer
package import TokenStore

/// An API server, as Daypass calls it. What is asked of it is in the types that use this one.
package struct KubernetesClient: Sendable {
    /// A body to send.
    package struct Body: Sendable {
        package var type: String
        package var bytes: [UInt8]

        package init(_ type: String, _ bytes: [UInt8]) {
            self.type = type
            self.bytes = bytes
        }
    }

    private let server: String
    private let tokenFile: String
    /// The transport, which trusts the cluster's CA.
    package let http: CurlTransport

    /// - Parameters:
    ///   - server: the API server's base URL without a path.
    ///   - tokenFile: Daypass's own token, read anew for each call because kubelet replaces it.
    ///   - http: a transport that trusts the cluster's CA.
    package init(server: String, tokenFile: String, http: CurlTransport) {
        self.server = server
        self.tokenFile = tokenFile
        self.http = http
    }

    /// A call that shows our own token.
    ///
    /// - Parameters:
    ///   - path: what stands before the query; names in it must be ``KubernetesName/isName(_:)``.
    ///   - timeout: the time for the whole exchange.
    ///   - bodyLimit: the largest answer, in bytes.
    /// - Throws: ``KubernetesError`` when our own token can't be read.
    package func call(
        _ method: String,
        _ path: String,
        query: [(String, String)] = [],
        body: Body? = nil,
        timeout: Duration,
        bodyLimit: Int
    ) throws(KubernetesError) -> HTTPCall {
        let query = query.map { "\($0)=\(KubernetesName.escaped($1))" }.joined(separator: "&")
        var headers = [HTTPField("Accept", "application/json")]
        if let body { headers.append(HTTPField("Content-Type", body.type)) }
        return HTTPCall(
            method,
            server + path + (query.isEmpty ? "" : "?\(query)"),
            headers: headers,
            authorization: try OwnToken.authorization(tokenFile),
            body: body?.bytes,
            timeout: timeout,
            bodyLimit: bodyLimit
        )
    }

    /// Sends a call and returns the answer, whatever its status.
    ///
    /// - Parameter what: what is tried, for messages.
    package func send(_ call: HTTPCall, _ what: String) async throws(KubernetesError) -> HTTPAnswer {
        do throws(HTTPTransportError) { return try await http.send(call) } catch { throw KubernetesError(error, what) }
    }
}
