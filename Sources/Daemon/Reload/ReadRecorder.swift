// Remembers which files a store reads while it is made.

import Synchronization
import TokenStore

/// Reads secrets for a store, and remembers those that it reads while it is made. A new content of them counts only when
/// the store is made anew; other files are read when they are needed, and a store that is made anew would lose its caches
/// for nothing.
final class ReadRecorder: SecretReader {
    private let base: any SecretReader
    private let paths = Mutex<Set<String>>([])

    init(_ base: any SecretReader) { self.base = base }

    /// The files that were read so far.
    var read: Set<String> { paths.withLock { $0 } }

    func read(_ reference: SecretReference) throws(TokenStoreError) -> Secret {
        paths.withLock { _ = $0.insert(reference.file) }
        return try base.read(reference)
    }
}
