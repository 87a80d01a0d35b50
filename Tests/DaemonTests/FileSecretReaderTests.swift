// Key files: what is refused, and what is warned of.

import Foundation
import Support
import Testing
import TokenStore

@testable import Daemon

struct FileSecretReaderTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)

    private func file(_ name: String, _ bytes: Int, mode: Int) throws -> String {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let path = folder.appending(path: name).path
        try Data(repeating: 0x61, count: bytes).write(to: URL(filePath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private func message(_ path: String) -> String {
        do throws(TokenStoreError) {
            _ = try FileSecretReader(logger: CollectedLog().logger).read(SecretReference(file: path))
            return "read"
        } catch { return error.description }
    }

    @Test func refusesWhatIsNoKeyFile() throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let empty = try file("empty", 0, mode: 0o400)
        let large = try file("large", 70_000, mode: 0o400)
        #expect(message("key.pem").hasPrefix("misconfigured: the secret's file \"key.pem\" is no absolute path"))
        #expect(message("/nowhere/key.pem").contains("/nowhere/key.pem can't be read: No such file or directory"))
        #expect(message(folder.path).contains("is no regular file"))
        #expect(message(empty).contains("is empty"))
        #expect(message(large).contains("has 70000 bytes"))
    }

    @Test(arguments: [(0o400, false), (0o440, false), (0o404, true), (0o644, true)])
    func warnsWhenOthersCanRead(mode: Int, warns: Bool) throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let log = CollectedLog()
        let path = try file("key", 10, mode: mode)
        let secret = try FileSecretReader(logger: log.logger).read(SecretReference(file: path))
        #expect(secret.count == 10)
        #expect(log.text.contains("readable by others") == warns)
        #expect(log.text.contains("chmod 0400 \(path)") == warns)
    }
}
