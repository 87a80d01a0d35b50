// `daypass mount`: plays the driver. Calls a socket and writes the answer into a directory.

import ArgumentParser
import DriverCall
import MountRequests
import ProviderAPI
import SwiftProtobuf
import TokenStore
import UnaryRPC
import VolumeWriter

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// `daypass mount`.
struct MountCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "mount",
        abstract: "Play the driver: ask a provider for a Pod's files and write them into a directory.",
        discussion: """
            Sends what the driver sends for a Pod with this SecretProviderClass, and writes the answer as the driver \
            does: all files at once, through the symbolic link ..data; equal content touches nothing; files that are no \
            longer asked for go. Exit code 0: written, or unchanged. 1: the provider refused. 2: no provider answers, \
            or the directory can't be written.
            """
    )

    @Option(help: ArgumentHelp("The provider's socket.", valueName: "path"))
    var socket: String

    @OptionGroup var tenant: ClassOptions
    @OptionGroup var pod: PodOptions

    @Option(help: "The volume's name.")
    var volume = "credentials"

    @Option(help: ArgumentHelp("The Pod's service account token.", valueName: "file"))
    var tokenFile: String?

    @Option(help: "The audience of that token.")
    var audience = "daypass"

    @Option(name: .shortAndLong, help: ArgumentHelp("Where to write the files.", valueName: "directory"))
    var output: String

    @Option(help: "The owner of the files; root only.")
    var uid: Int?

    @Option(help: "The group of the files; root only.")
    var gid: Int?

    @Option(help: ArgumentHelp("How long to wait.", valueName: "seconds"))
    var timeout = 120

    @Flag(help: "Print JSON: the outcome, and the paths and versions of the files.")
    var json = false

    func run() async throws {
        ProcessLimits.forbidCoreDumps()
        let answer = try await ask(try request())
        if answer.hasError, !answer.error.code.isEmpty {
            throw try refused(answer.error.code, "", "the provider refused with error code \(answer.error.code)")
        }
        guard !answer.objectVersion.isEmpty else {
            let message = "the provider named no object version; the driver fails such a mount"
            throw try refused("", message, message)
        }
        let files = answer.files.map { VolumeFile(path: $0.path, mode: Int($0.mode), contents: Array($0.contents)) }
        let writer = VolumeWriter(
            directory: output,
            owner: VolumeOwner(uid: uid ?? -1, gid: gid ?? -1),
            now: { SystemClock().now.epochSeconds },
            random: { UInt64.random(in: 0...UInt64.max) }
        )
        let outcome: VolumeWriter.Outcome
        do throws(VolumeWriterError) { outcome = try writer.write(files) } catch {
            Output.error("\(error)")
            throw Exit.unusable
        }
        try report(outcome, answer)
    }

    /// The call as the driver would make it.
    private func request() throws -> V1alpha1_MountRequest {
        var tokens: [DriverAttributes.Token] = []
        if let tokenFile {
            let text = try ConfigurationFile.text(tokenFile)
            let token = text.split(whereSeparator: \.isWhitespace).first.map(String.init) ?? ""
            let end = SystemClock().now.advanced(by: .seconds(3600))
            tokens = [DriverAttributes.Token(audience: audience, token: token, expiresAt: end)]
        }
        let provided = try tenant.load()
        let attributes = DriverAttributes(
            subject: pod.subject,
            secretProviderClass: provided.name,
            parameters: provided.parameters,
            volumeAttributes: tenant.volumeAttributes,
            tokens: tokens
        )
        return V1alpha1_MountRequest.with {
            $0.attributes = attributes.json
            $0.secrets = "null"
            $0.permission = "420"
            $0.targetPath = attributes.targetPath(volume: volume)
        }
    }

    /// Tells a refusal: the line on standard error, and with `--json` a document on standard output.
    private func refused(_ code: String, _ message: String, _ line: String) throws -> ExitCode {
        struct Report: Encodable {
            var outcome = "refused"
            let code: String
            let message: String
        }
        Output.error(line)
        if json { print(try JSONOutput.text(Report(code: code, message: message))) }
        return Exit.negative
    }

    private func ask(_ request: V1alpha1_MountRequest) async throws -> V1alpha1_MountResponse {
        let message: [UInt8] = try request.serializedBytes()
        // As much as the driver takes: gRPC's default.
        var options = UnaryClientOptions()
        options.maxMessageBytes = 4 << 20
        do {
            let bytes = try await withUnaryClient(socketPath: socket, options: options) { client in
                try await client.call(
                    "/v1alpha1.CSIDriverProvider/Mount",
                    message,
                    timeout: .seconds(max(1, timeout))
                )
            }
            return try V1alpha1_MountResponse(serializedBytes: bytes)
        } catch let status as RPCStatus {
            switch status.code {
            case .unavailable:
                let why = "no provider answers: \(status.message)"
                Output.error("\(socket): \(why); is the daemon running, and are you root?")
                throw Exit.unusable
            case .deadlineExceeded, .cancelled:
                // Daypass never answers so: these are the client's own.
                Output.error("\(socket): no answer within \(max(1, timeout)) s: \(status.message)")
                throw Exit.unusable
            default:
                let line = "code = \(status.code.name) desc = \(status.message)"
                throw try refused(status.code.name, status.message, line)
            }
        } catch {
            Output.error("\(socket): no provider answers: \(error)")
            throw Exit.unusable
        }
    }

    private func report(_ outcome: VolumeWriter.Outcome, _ answer: V1alpha1_MountResponse) throws {
        let word = outcome == .written ? "written" : "unchanged"
        guard json else {
            print("\(word): \(output)")
            for file in answer.files { print("  \(file.path) (\(file.contents.count) bytes)") }
            return
        }
        struct Report: Encodable {
            struct File: Encodable {
                let path: String
                let mode: String
                let bytes: Int
                let version: String?
            }
            let outcome: String
            let directory: String
            let files: [File]
        }
        let versions = Dictionary(
            answer.objectVersion.map { ($0.id, $0.version) },
            uniquingKeysWith: { _, last in last }
        )
        let files = answer.files.map { file in
            Report.File(
                path: file.path,
                mode: "0" + String(file.mode, radix: 8),
                bytes: file.contents.count,
                version: versions[file.path]
            )
        }
        print(try JSONOutput.text(Report(outcome: word, directory: output, files: files)))
    }
}
