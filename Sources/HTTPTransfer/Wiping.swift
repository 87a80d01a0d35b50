// Wiping of bytes that held a secret for a moment.

import Glibc

extension [UInt8] {
    /// Overwrites the bytes, in a way that the compiler can't leave out. Of use only while no copy shares them.
    mutating func wipe() {
        withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { explicit_bzero(start, bytes.count) }
        }
    }
}
