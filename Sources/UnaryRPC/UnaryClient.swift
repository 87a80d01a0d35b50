// A client for the time of a scope.

/// A client of the server behind a Unix socket. It connects with the first call, and again after the server went.
package struct UnaryClient: Sendable {
    private let core: ClientCore

    init(core: ClientCore) { self.core = core }

    /// Makes one call, and returns the answer's bytes.
    ///
    /// - Parameters:
    ///   - method: The full method, such as `/v1alpha1.CSIDriverProvider/Mount`.
    ///   - metadata: What is sent beside the message; names in lower case.
    ///   - timeout: When the client gives up; the server learns of it.
    /// - Throws: The server's status, or the client's own: `DEADLINE_EXCEEDED`, `UNAVAILABLE`, `RESOURCE_EXHAUSTED`
    ///   for an answer that is too large, `CANCELLED` when the task was cancelled.
    package func call(
        _ method: String,
        _ message: [UInt8],
        metadata: [MetadataEntry] = [],
        timeout: Duration = .seconds(60)
    ) async throws(RPCStatus) -> [UInt8] {
        try await core.call(method, message, metadata, timeout).get()
    }
}

/// Lends a client of the server at `socketPath` to `body`. Calls that are still running when `body` ends are cancelled.
///
/// - Throws: What `body` throws; before it runs, a ``ThreadError`` or ``CoreError``. That nobody serves the socket shows
///   with the first call.
package func withUnaryClient<R: Sendable>(
    socketPath: String,
    options: UnaryClientOptions = UnaryClientOptions(),
    _ body: (UnaryClient) async throws -> R
) async throws -> R {
    let core = try ClientCore(path: socketPath, options: options)
    let receiving: CoreThread
    do {
        receiving = try CoreThread("grpc-client") { core.run() }
    } catch {
        core.close()
        core.run()
        core.destroy()
        throw error
    }
    let result: Result<R, any Error>
    do { result = .success(try await body(UnaryClient(core: core))) } catch { result = .failure(error) }
    core.close()
    await receiving.join()
    core.destroy()
    return try result.get()
}
