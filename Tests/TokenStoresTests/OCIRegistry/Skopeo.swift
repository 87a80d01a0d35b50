// Real skopeo in a folder of its own, and a tiny image to move about.

import Crypto
import Foundation
import MountRequests
import Rendering
import Support
import TokenStore

/// A folder of a test with an image in it, and skopeo.
struct Skopeo {
    let folder: URL

    static func run(_ body: (Skopeo) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "skopeo-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await body(Skopeo(folder: folder))
    }

    /// Copies an image with skopeo, which has nothing of ours but what the arguments name.
    func copy(_ source: String, _ destination: String, _ options: String...) async throws -> ProgramOutcome {
        let common = ["--insecure-policy", "copy", "--preserve-digests"]
        let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"]
        let home = ["HOME=\(folder.path)", "XDG_RUNTIME_DIR=\(folder.path)"]
        return try await runProgram("env", home + ["skopeo"] + common + plain + options + [source, destination])
    }

    /// Where an image comes back to.
    var back: String { "oci:\(folder.path)/back:1" }

    /// Writes a file that Daypass rendered, as it stands in the volume, and returns its path.
    func mount(_ path: String, _ format: String, _ tokens: [(PlannedToken, IssuedToken)]) throws -> String {
        let ask = FileAsk(path: path, format: format, tokens: tokens.map(\.0.name))
        let issued = Dictionary(uniqueKeysWithValues: tokens.map { ($0.0.name, $0.1) })
        let files = try FilePlan([ask], tokens: tokens.map(\.0)).render(issued)
        let file = folder.appending(path: path)
        try Data(files[0].contents).write(to: file)
        return file.path
    }

    // MARK: - The image

    /// Makes an image of one small file in an OCI layout
    /// (<https://github.com/opencontainers/image-spec/blob/main/image-layout.md>).
    ///
    /// - Returns: How skopeo names it.
    func makeImage() async throws -> String {
        let layout = folder.appending(path: "image")
        try FileManager.default.createDirectory(
            at: layout.appending(path: "blobs/sha256"),
            withIntermediateDirectories: true
        )
        let content = folder.appending(path: "hello")
        try Data("hello from \(UUID().uuidString)\n".utf8).write(to: content)
        let archive = folder.appending(path: "layer.tar")
        let tar = try await runProgram("tar", ["-C", folder.path, "-cf", archive.path, "hello"])
        guard tar.code == 0 else { throw SceneryFailure("tar failed: \(tar.error)") }

        let layer = try blob(Data(contentsOf: archive), in: layout)
        let config = try blob(
            Data(
                """
                {"architecture":"amd64","os":"linux","config":{},\
                "rootfs":{"type":"layers","diff_ids":["\(layer.digest)"]}}
                """.utf8
            ),
            in: layout
        )
        let type = "application/vnd.oci.image"
        let manifest = try blob(
            Data(
                """
                {"schemaVersion":2,"mediaType":"\(type).manifest.v1+json",\
                "config":{"mediaType":"\(type).config.v1+json","digest":"\(config.digest)","size":\(config.size)},\
                "layers":[{"mediaType":"\(type).layer.v1.tar","digest":"\(layer.digest)","size":\(layer.size)}]}
                """.utf8
            ),
            in: layout
        )
        let index = """
            {"schemaVersion":2,"manifests":[{"mediaType":"\(type).manifest.v1+json","digest":"\(manifest.digest)",\
            "size":\(manifest.size),"annotations":{"org.opencontainers.image.ref.name":"1"}}]}
            """
        try Data(index.utf8).write(to: layout.appending(path: "index.json"))
        try Data(#"{"imageLayoutVersion":"1.0.0"}"#.utf8).write(to: layout.appending(path: "oci-layout"))
        return "oci:\(layout.path):1"
    }

    private func blob(_ data: Data, in layout: URL) throws -> (digest: String, size: Int) {
        let hex = SHA256.hash(data: data).map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
        try data.write(to: layout.appending(path: "blobs/sha256/\(hex)"))
        return ("sha256:\(hex)", data.count)
    }

    /// The digest of the image in an OCI layout of this folder; `nil` when there is none.
    func digest(_ layout: String) -> String? {
        struct Index: Decodable {
            struct Manifest: Decodable { let digest: String }
            let manifests: [Manifest]
        }
        let file = folder.appending(path: "\(layout)/index.json")
        guard let data = try? Data(contentsOf: file) else { return nil }
        return try? JSONDecoder().decode(Index.self, from: data).manifests.first?.digest
    }
}
