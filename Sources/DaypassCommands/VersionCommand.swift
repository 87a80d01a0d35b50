// `daypass version`: the version of this binary, or of a running daemon.

import ArgumentParser
import Daemon
import ProviderAPI
import SwiftProtobuf
import UnaryRPC

/// `daypass version`.
struct VersionCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version",
        abstract: "Print the version of this binary, or of the daemon on a socket.",
        discussion: "Exit code 0: printed. 2: no daemon answers on the socket."
    )

    @Option(help: ArgumentHelp("Ask the daemon on this socket, as the driver's health check does.", valueName: "path"))
    var socket: String?

    @Flag(help: "Print JSON.")
    var json = false

    func run() async throws {
        guard let socket else {
            print(json ? #"{"version":"\#(DaypassVersion.current)"}"# : DaypassVersion.current)
            return
        }
        let answer: V1alpha1_VersionResponse
        do {
            let request = try V1alpha1_VersionRequest.with { $0.version = "v1alpha1" }.serializedBytes() as [UInt8]
            let bytes = try await withUnaryClient(socketPath: socket) { client in
                try await client.call("/v1alpha1.CSIDriverProvider/Version", request, timeout: .seconds(5))
            }
            answer = try V1alpha1_VersionResponse(serializedBytes: bytes)
        } catch {
            Output.error("\(socket): no provider answers: \(error); is the daemon running, and are you root?")
            throw Exit.unusable
        }
        if json {
            print(try answer.jsonString())
        } else {
            print("\(answer.runtimeName) \(answer.runtimeVersion), API \(answer.version)")
        }
    }
}
