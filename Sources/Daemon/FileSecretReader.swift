// Reads secrets from files, and says so when others can read them too.

import Glibc
import LogEvents
package import Logging
package import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads the secrets that settings refer to from files of the node.
package struct FileSecretReader: SecretReader {
    /// The largest file that is read, in bytes: keys and tokens are smaller.
    static let largestFile: off_t = 64 << 10

    private let logger: Logger

    package init(logger: Logger) { self.logger = logger }

    package func read(_ reference: SecretReference) throws(TokenStoreError) -> Secret {
        let path = reference.file
        guard path.hasPrefix("/") else {
            throw Self.failure("the secret's file \"\(path)\" is no absolute path", fix: "write the path from / on")
        }
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw Self.failure(
                "\(path) can't be read: \(Self.errorText())",
                fix: "mount the key there, or correct file:"
            )
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw Self.failure("\(path) is no regular file", fix: "name the key file itself")
        }
        guard status.st_size <= Self.largestFile else {
            throw Self.failure("\(path) has \(status.st_size) bytes, too many for a key", fix: "name the key file")
        }
        guard status.st_size > 0 else { throw Self.failure("\(path) is empty", fix: "write the key into it") }
        if let warning = Self.warning(path, mode: status.st_mode) {
            logger.log(
                .secretFileExposed,
                "secret file readable by others",
                metadata: ["file": "\(path)", "fix": "\(warning)"]
            )
        }
        do { return Secret(Array(try Data(contentsOf: URL(filePath: path)))) } catch {
            throw Self.failure("\(path) can't be read", fix: "let the daemon's user read it")
        }
    }

    /// What to do about a file whose mode lets others than the owner and the group read it; `nil` when nothing is.
    static func warning(_ path: String, mode: mode_t) -> String? {
        guard mode & 0o007 != 0 else { return nil }
        return "chmod 0400 \(path); for a Secret volume set defaultMode: 0400"
    }

    private static func failure(_ message: String, fix: String) -> TokenStoreError {
        TokenStoreError(.misconfigured, message, fix: fix)
    }

    private static func errorText() -> String { String(cString: strerror(errno)) }
}
