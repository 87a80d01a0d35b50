// What kind of file system a folder is on.

/// The kind of a file system, as the kernel names it in `/proc/self/mountinfo`
/// (<https://docs.kernel.org/filesystems/proc.html#proc-pid-mountinfo-information-about-mounts>). The `f_type` of
/// statfs(2) would say it too, but Swift's C library module leaves that call out.
enum FileSystemKind {
    /// Those that are gone after a reboot.
    static let inMemory: Set<String> = ["tmpfs", "ramfs"]

    /// The kind of the file system with this `st_dev`; `nil` when the kernel lists none.
    static func find(device: UInt64) throws(FileFailure) -> String? {
        let table = try Files.read("/proc/self/mountinfo", atMost: 16 << 20)
        return find(device: device, table: String(decoding: table, as: UTF8.self))
    }

    /// Looks for the third field, `major:minor`; the kind is the first field after the lone dash.
    static func find(device: UInt64, table: String) -> String? {
        let number = "\(major(device)):\(minor(device))"
        for line in table.split(separator: "\n") {
            let fields = line.split(separator: " ")
            guard fields.count > 3, fields[2] == number, let dash = fields.firstIndex(of: "-"),
                fields.indices.contains(dash + 1)
            else { continue }
            return String(fields[dash + 1])
        }
        return nil
    }

    // How glibc packs device numbers (gnu_dev_major(3)).
    private static func major(_ device: UInt64) -> UInt64 { device >> 8 & 0xFFF | device >> 32 & 0xFFFF_F000 }
    private static func minor(_ device: UInt64) -> UInt64 { device & 0xFF | device >> 12 & 0xFFFF_FF00 }
}
