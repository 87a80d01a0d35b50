// How commands reach the daemon of this node.

import Daemon
import UnaryRPC

/// The daemon's admin socket.
enum AdminSocket {
    static let standard = AdminClient.standardSocket

    /// Asks the daemon; says on standard error why it does not answer.
    static func ask<Answer>(_ path: String, _ body: (AdminClient) async throws -> Answer) async throws -> Answer {
        do {
            return try await body(AdminClient(socketPath: path))
        } catch let status as RPCStatus {
            Output.error("\(path): no daemon answers: \(status); is it running, and are you root?")
            throw Exit.unusable
        } catch {
            Output.error("\(path): the daemon's answer can't be read; is it of another version?")
            throw Exit.unusable
        }
    }
}
