// Calls of all kinds, run by run.sh under the address sanitizer: it is no target of the package.

import Dispatch
import Glibc
import Logging
import UnaryRPC

let logger = Logger(label: "leaks") { _ in SwiftLogNoOpLogHandler() }
let path = "/tmp/daypass-leaks-\(getpid()).sock"
let callers = 8
let callsPerCaller = 250

@Sendable func answer(_ call: UnaryCall) -> UnaryReply {
    switch call.method {
    case "/leaks/Late": return .later { .success(call.message) }
    case "/leaks/Fail": return .now(.failure(RPCStatus(.permissionDenied, "no")))
    case "/leaks/Stuck":
        return .later {
            for await _ in AsyncStream<Never>.makeStream().stream {}
            return .failure(RPCStatus(.internal, "cancelled"))
        }
    default: return .now(.success(call.message))
    }
}

@Sendable func call(_ client: UnaryClient, _ number: Int) async {
    let message = [UInt8](repeating: 7, count: number * 997 % 100_000)
    let metadata = [MetadataEntry("x-trace", "a value that is longer than what a slice holds inline")]
    switch number % 5 {
    case 0: _ = try? await client.call("/leaks/Late", message, metadata: metadata)
    case 1: _ = try? await client.call("/leaks/Fail", message)
    case 2: _ = try? await client.call("/leaks/Stuck", message, timeout: .milliseconds(5))
    case 3:
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = try? await client.call("/leaks/Stuck", message) }
            await Task.yield()
            group.cancelAll()
        }
    default: _ = try? await client.call("/leaks/Now", message, metadata: metadata)
    }
}

@Sendable func run() async throws {
    for _ in 0..<3 {
        let listener = try UnixSocketListener.bind(path: path, logger: logger)
        try await withUnaryServer(on: listener, logger: logger, handler: answer) { _ in
            try await withUnaryClient(socketPath: path) { client in
                await withTaskGroup(of: Void.self) { group in
                    for _ in 0..<callers {
                        group.addTask { for number in 0..<callsPerCaller { await call(client, number) } }
                    }
                }
            }
        }
    }
}

// Not `await` at the top level: the main thread must return, so that what is lost then is seen to be lost.
let ended = DispatchSemaphore(value: 0)
Task.detached {
    do { try await run() } catch { fatalError("\(error)") }
    ended.signal()
}
ended.wait()
print(
    "live after \(3 * callers * callsPerCaller) calls:",
    LiveObjects.serverCallCount,
    LiveObjects.clientCallCount,
    LiveObjects.bufferCount
)
