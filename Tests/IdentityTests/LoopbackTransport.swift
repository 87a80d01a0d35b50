// HTTP to a loopback server, by the client of the server's own package.

import FlyingFox
import FlyingSocks
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Sends calls to `http://127.0.0.1:PORT/...`; no deadline, no TLS, one connection a call.
struct LoopbackTransport: HTTPTransport {
    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        do {
            guard let url = URL(string: call.url), url.host == "127.0.0.1", let port = url.port.flatMap(UInt16.init)
            else {
                throw HTTPTransportError(.invalidCall, "no loopback URL", requestMayHaveArrived: false)
            }
            var headers: [HTTPHeader: String] = [:]
            for field in call.headers { headers[HTTPHeader(field.name)] = field.value }
            headers[.authorization] = call.authorization?.revealText()
            let request = HTTPRequest(
                method: HTTPMethod(call.method),
                version: .http11,
                path: url.path,
                query: [],
                headers: headers,
                body: Data(call.body ?? [])
            )
            var client = HTTPClient()
            let response = try await client.sendHTTPRequest(request, to: .inet(ip4: "127.0.0.1", port: port))
            return HTTPAnswer(status: response.statusCode.code, body: Array(try await response.bodyData))
        } catch let error as HTTPTransportError {
            throw error
        } catch {
            throw HTTPTransportError(.unreachable, "\(call.url): \(error)", requestMayHaveArrived: false)
        }
    }
}
