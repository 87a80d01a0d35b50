// The scripted transport: answers in order, records calls, behaves like a real one when cancelled.

import Testing
import TokenStore
import TokenStoreTesting

@Suite struct ScriptedTransportTests {
    @Test func playsItsScriptInOrder() async throws {
        let transport = ScriptedTransport()
        transport.then(200, headers: [HTTPField("ETag", "x")], json: "{}")
        transport.then { call throws(HTTPTransportError) in
            throw HTTPTransportError(.timedOut, "too slow for \(call.method)", requestMayHaveArrived: true)
        }
        let first = try await transport.send(HTTPCall("GET", "https://a.example/1"))
        #expect(first.status == 200)
        #expect(first.header("etag") == "x")
        #expect(first.header("Date") == nil)
        #expect(first.body == Array("{}".utf8))
        #expect(transport.remaining == 1)
        let timedOut = HTTPTransportError(.timedOut, "too slow for PUT", requestMayHaveArrived: true)
        await #expect(throws: timedOut) { try await transport.send(HTTPCall("PUT", "https://a.example/2")) }
        await #expect(throws: HTTPTransportError.self) {
            try await transport.send(HTTPCall("GET", "https://a.example/3"))
        }
        #expect(transport.calls.map(\.url) == ["https://a.example/1", "https://a.example/2", "https://a.example/3"])
        #expect(transport.remaining == 0)
    }

    @Test func aCancelledTaskSendsNothing() async {
        let transport = ScriptedTransport()
        transport.then(200)
        let code = await withTaskGroup(of: HTTPTransportError.Code?.self) { group in
            group.cancelAll()
            group.addTask {
                do throws(HTTPTransportError) {
                    _ = try await transport.send(HTTPCall("GET", "https://a.example/"))
                    return nil
                } catch {
                    return error.code
                }
            }
            return await group.next() ?? nil
        }
        #expect(code == .cancelled)
        #expect(transport.calls.isEmpty)
        #expect(transport.remaining == 1)
    }

    @Test func knowsItsSecrets() throws {
        let secrets = FixedSecrets(["/a": "alpha"])
        #expect(try secrets.read(SecretReference(file: "/a")) == Secret(utf8: "alpha"))
        #expect(throws: TokenStoreError.self) { try secrets.read(SecretReference(file: "/b")) }
    }

    @Test func errorsReadAsOneLine() {
        let error = TokenStoreError(
            .rateLimited,
            "wait",
            fix: "do less",
            cause: HTTPTransportError(.tls, "secret", requestMayHaveArrived: false)
        )
        #expect("\(error)" == "rateLimited: wait; do less")
        #expect("\(TokenStoreError(.refused, "no"))" == "refused: no")
    }
}
