// Reads the files that are named on the command line.

import ArgumentParser
import Glibc
import Policy

/// Files from the command line.
enum ConfigurationFile {
    /// The largest file that is read, in bytes.
    static let largest = 1 << 20

    /// The text of a file; `-` is standard input. Says on standard error why it can't be read.
    static func text(_ path: String) throws -> String {
        guard let bytes = bytes(path) else {
            Output.error("\(path): can't be read; check that it is there and that you may read it")
            throw Exit.unusable
        }
        guard bytes.count <= largest, let text = String(validating: bytes, as: UTF8.self) else {
            Output.error("\(path): is no UTF-8 text of at most 1 MiB")
            throw Exit.unusable
        }
        return text
    }

    /// The bytes, as far as some more than `largest`; `nil` when they can't be read. Pipes are read too, as in
    /// `daypass check -` and `--token-file <(...)`, which have no size to ask for.
    static func bytes(_ path: String, atMost largest: Int = ConfigurationFile.largest) -> [UInt8]? {
        let isStandardInput = path == "-"
        let descriptor = isStandardInput ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { if !isStandardInput { close(descriptor) } }
        var bytes: [UInt8] = []
        var part = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count <= largest {
            let count = read(descriptor, &part, part.count)
            if count == 0 { break }
            if count > 0 { bytes += part[..<count] } else if errno != EINTR { return nil }
        }
        return bytes
    }

    /// The node's configuration. Prints everything that is wrong with it on standard error.
    static func load(_ path: String) throws -> NodeConfiguration {
        do {
            return try NodeConfiguration.load(yaml: try text(path), file: path, kinds: StoreKinds.all)
        } catch let problems as ConfigurationProblems {
            Output.error(problems.description)
            throw Exit.negative
        }
    }
}

/// What the commands print.
enum Output {
    /// Prints a line on standard error.
    static func error(_ line: String) {
        let bytes = Array((line + "\n").utf8)
        _ = write(STDERR_FILENO, bytes, bytes.count)
    }
}

/// Limits of the process itself.
enum ProcessLimits {
    /// A core dump would hold tokens.
    static func forbidCoreDumps() {
        var none = rlimit(rlim_cur: 0, rlim_max: 0)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    }
}
