// Reads the files that are named on the command line.

import ArgumentParser
import Glibc
import Policy
import TokenStores

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Files from the command line.
enum ConfigurationFile {
    /// The largest file that is read, in bytes.
    static let largest = 1 << 20

    /// The text of a file; `-` is standard input. Says on standard error why it can't be read.
    static func text(_ path: String) throws -> String {
        let data: Data
        do {
            data = try Data(contentsOf: URL(filePath: path == "-" ? "/dev/stdin" : path))
        } catch {
            Output.error("\(path): can't be read; check that it is there and that you may read it")
            throw Exit.unusable
        }
        guard data.count <= largest, let text = String(bytes: data, encoding: .utf8) else {
            Output.error("\(path): is no UTF-8 text of at most 1 MiB")
            throw Exit.unusable
        }
        return text
    }

    /// The node's configuration. Prints everything that is wrong with it on standard error.
    static func load(_ path: String) throws -> NodeConfiguration {
        do {
            return try NodeConfiguration.load(yaml: try text(path), file: path, kinds: BuiltinStores.all)
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
