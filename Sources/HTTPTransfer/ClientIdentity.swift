// The client certificate that libcurl is handed. As with the authorities, copies in memory: libcurl tells connections apart
// by the path of the certificate, and would go on using those that an older certificate was shown on.

import Synchronization

/// Keeps copies of a certificate and its key, and follows changes of both files.
final class ClientIdentity: Sendable {
    /// Both files, for one transfer.
    struct Pair: Sendable {
        var certificate: MemoryFile
        var key: MemoryFile
    }

    private struct Copied {
        var stamps: [FileStamp?]
        var pair: Pair
        /// Kept so that the next files get other paths.
        var former: Pair?
    }

    /// The path of the certificate, for messages.
    var name: String { files.certificateFile }
    private let files: ClientCertificate
    private let copied: Mutex<Copied?>

    static func of(_ options: HTTPTransferOptions) throws(HTTPTransferSetupError) -> ClientIdentity? {
        guard let files = options.clientCertificate else { return nil }
        return try ClientIdentity(files)
    }

    private init(_ files: ClientCertificate) throws(HTTPTransferSetupError) {
        self.files = files
        copied = Mutex(nil)
        try Self.check(files.certificateFile, "the client certificate", marker: "CERTIFICATE-----")
        try Self.check(files.keyFile, "the key of the client certificate", marker: "PRIVATE KEY-----")
    }

    /// The pair for the next connection. Keep it while libcurl may open the files. A pair that can't be read whole leaves
    /// the last one in force; `nil` when there was none.
    func pair() -> Pair? {
        copied.withLock { copied in
            let stamps = [FileStamp(files.certificateFile), FileStamp(files.keyFile)]
            if copied?.stamps != stamps, let pair = copy() {
                copied = Copied(stamps: stamps, pair: pair, former: copied?.pair)
            }
            return copied?.pair
        }
    }

    private func copy() -> Pair? {
        guard let certificate = FileBytes.read(files.certificateFile), var key = FileBytes.read(files.keyFile) else {
            return nil
        }
        defer { key.wipe() }
        guard let certificateFile = MemoryFile(certificate, name: "daypass-cert"),
            let keyFile = MemoryFile(key, name: "daypass-key")
        else { return nil }
        return Pair(certificate: certificateFile, key: keyFile)
    }

    private static func check(_ path: String, _ what: String, marker: String) throws(HTTPTransferSetupError) {
        guard var bytes = FileBytes.read(path) else {
            throw HTTPTransferSetupError("\(what), \(path), can't be read; check the path and its mode")
        }
        defer { bytes.wipe() }
        guard bytes.contains(marker) else {
            throw HTTPTransferSetupError("\(what), \(path), is not there in PEM form (-----BEGIN ...\(marker))")
        }
        guard !bytes.contains("ENCRYPTED") else {
            throw HTTPTransferSetupError("\(what), \(path), is encrypted; write it without a password")
        }
    }
}

extension [UInt8] {
    fileprivate func contains(_ text: String) -> Bool { firstRange(of: Array(text.utf8)) != nil }
}
