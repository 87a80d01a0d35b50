// On what kind of file system a path is, for an operator's diagnosis.

import Glibc

/// The kind of the file system that a path is on, as the kernel names it: `tmpfs`, `ext4`; `nil` when it can't be told.
package func fileSystemKind(of path: String) -> String? {
    var status = stat()
    guard stat(path, &status) == 0 else { return nil }
    do throws(FileFailure) { return try FileSystemKind.find(device: status.identity.device) } catch { return nil }
}
