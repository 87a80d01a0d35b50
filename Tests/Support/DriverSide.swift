// The driver's calls, made by the test itself.

package import DriverCall
import ProviderAPI
import SwiftProtobuf
import UnaryRPC

/// What came of a Mount.
package struct MountAnswer: Sendable {
    /// `OK`, or the status code and its text: `PERMISSION_DENIED: NotGranted: ...`.
    package let line: String
    /// The files, by their paths; empty when the call was refused.
    package let files: [String: String]

    package init(line: String, files: [String: String]) {
        self.line = line
        self.files = files
    }
}

extension Node {
    /// Calls Mount as the driver does.
    ///
    /// - Parameters:
    ///   - kubelet: kubelet's directory; the standard one is not there on a test's machine.
    ///   - raw: Sent in place of the attributes' JSON.
    ///   - secrets: The JSON of `secrets`.
    ///   - metadata: What is sent beside the call.
    package func mount(
        _ attributes: DriverAttributes,
        kubelet: String = "/var/lib/kubelet",
        raw: String? = nil,
        secrets: String = "null",
        metadata: [(name: String, value: String)] = []
    ) async throws -> MountAnswer {
        let request = V1alpha1_MountRequest.with {
            $0.attributes = raw ?? attributes.json
            $0.secrets = secrets
            $0.permission = "420"
            $0.targetPath = attributes.targetPath(volume: "credentials", kubelet: kubelet)
        }
        do {
            let response = try V1alpha1_MountResponse(
                serializedBytes: try await call(
                    "Mount",
                    try request.serializedBytes(),
                    metadata.map { MetadataEntry($0.name, $0.value) }
                )
            )
            let files = response.files.map { ($0.path, String(decoding: $0.contents, as: UTF8.self)) }
            return MountAnswer(line: "OK", files: Dictionary(uniqueKeysWithValues: files))
        } catch let status as RPCStatus {
            heard(status.description)
            return MountAnswer(line: status.description, files: [:])
        }
    }

    /// The provider's name as it answers `Version`, or why it does not answer.
    package func version() async -> String {
        do {
            let request = V1alpha1_VersionRequest.with { $0.version = "v1alpha1" }
            let bytes = try await call("Version", try request.serializedBytes())
            return try V1alpha1_VersionResponse(serializedBytes: bytes).runtimeName
        } catch { return "\(error)" }
    }

    private func call(
        _ method: String,
        _ message: [UInt8],
        _ metadata: [MetadataEntry] = []
    ) async throws -> [UInt8] {
        try await withUnaryClient(socketPath: socket) { client in
            let name = "/v1alpha1.CSIDriverProvider/\(method)"
            return try await client.call(name, message, metadata: metadata, timeout: .seconds(100))
        }
    }
}
