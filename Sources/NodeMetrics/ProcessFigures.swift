// The process as the kernel sees it: https://prometheus.io/docs/instrumenting/writing_clientlibs/#process-metrics

import Glibc

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// What the kernel tells of this process. What it does not tell is `nil`.
package struct ProcessFigures: Sendable, Hashable {
    package var residentBytes: Int?
    package var cpuSeconds: Double?
    /// Since 1970.
    package var startSeconds: Double?
    package var openFiles: Int?
    package var maxFiles: Int?
    /// The memory limit of the control group that we are in.
    package var memoryLimitBytes: Int?

    package init() {}

    /// Of this process, now.
    package static var now: ProcessFigures {
        var figures = ProcessFigures()
        let ticks = Double(sysconf(Int32(_SC_CLK_TCK)))
        if let stat = read("/proc/self/stat"), let system = read("/proc/stat") {
            figures.take(stat: stat, system: system, ticks: ticks, pageSize: sysconf(Int32(_SC_PAGESIZE)))
        }
        // One of them is the look itself.
        figures.openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count).map { $0 - 1 }
        var limit = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
            figures.maxFiles = Int(clamping: limit.rlim_cur)
        }
        // In a container our control group is the root that we see; in both versions of control groups.
        let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        figures.memoryLimitBytes = limits.lazy.compactMap(read).first.flatMap(Self.memoryLimit)
        return figures
    }

    /// - Parameters:
    ///   - stat: /proc/self/stat, proc_pid_stat(5).
    ///   - system: /proc/stat, proc_stat(5).
    ///   - ticks: clock ticks in a second.
    mutating func take(stat: String, system: String, ticks: Double, pageSize: Int) {
        // The second field is the program's name in parentheses, and may hold anything.
        guard let nameEnd = stat.lastIndex(of: ")"), ticks > 0 else { return }
        let fields = stat[stat.index(after: nameEnd)...].split(separator: " ")
        // The first of these is field 3.
        func field(_ number: Int) -> Int? { fields.count > number - 3 ? Int(fields[number - 3]) : nil }
        if let user = field(14), let kernel = field(15) { cpuSeconds = Double(user + kernel) / ticks }
        residentBytes = field(24).map { $0 * pageSize }
        let boot = system.split(separator: "\n").first { $0.hasPrefix("btime ") }.flatMap { Int($0.dropFirst(6)) }
        if let boot, let started = field(22) { startSeconds = Double(boot) + Double(started) / ticks }
    }

    /// The limit in a file of the control group; `nil` for none.
    static func memoryLimit(_ text: String) -> Int? {
        let digits = text.split(separator: "\n").first.map(String.init) ?? ""
        // Without a limit version 2 says "max", and version 1 the largest number of pages that there is.
        guard let bytes = Int(digits), bytes < 1 << 60 else { return nil }
        return bytes
    }

    func write(to text: inout ExpositionText) {
        text.write(NodeMetric.residentMemory, residentBytes)
        text.write(NodeMetric.memoryLimit, memoryLimitBytes)
        text.write(NodeMetric.cpuSeconds, cpuSeconds)
        text.write(NodeMetric.openFiles, openFiles)
        text.write(NodeMetric.maxFiles, maxFiles)
        text.write(NodeMetric.startTime, startSeconds)
    }

    private static func read(_ path: String) -> String? {
        (try? Data(contentsOf: URL(filePath: path))).map { String(decoding: $0, as: UTF8.self) }
    }
}
