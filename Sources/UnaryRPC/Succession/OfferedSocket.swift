// What is said when a listening socket is handed over: one line of text.

/// A listening socket that another process serves now: where its file is, and which file that is.
struct OfferedSocket: Equatable {
    let path: String
    let device: UInt64
    let inode: UInt64

    /// The largest line, in bytes.
    static let longest = 256

    init(path: String, identity: FileStatus) {
        self.path = path
        device = identity.device
        inode = identity.inode
    }

    /// The path comes last, because it may hold blanks.
    var encoded: [UInt8] { Array("daypass-socket 1 \(device) \(inode) \(path)\n".utf8) }

    /// Nil when it is no whole line of ours.
    init?(_ bytes: some BidirectionalCollection<UInt8>) {
        guard bytes.last == UInt8(ascii: "\n"), let text = String(validating: bytes.dropLast(), as: UTF8.self) else {
            return nil
        }
        let words = text.split(separator: " ", maxSplits: 4, omittingEmptySubsequences: false)
        guard words.count == 5, words[0] == "daypass-socket", words[1] == "1", let device = UInt64(words[2]),
            let inode = UInt64(words[3]), !words[4].isEmpty
        else { return nil }
        path = String(words[4])
        self.device = device
        self.inode = inode
    }
}
