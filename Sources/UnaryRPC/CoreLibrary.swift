// The gRPC C core as a whole: its start, its end, and what it logs.

import CGRPC
import LogEvents
import Logging
import Synchronization

/// The C core, in use while somebody holds this: each of our objects with one of the core's does, so that the core's end
/// comes after theirs. The core counts its users.
final class CoreLibrary: Sendable {
    init() {
        _ = Self.setUp
        grpc_init()
    }

    deinit { grpc_shutdown() }

    // Before grpc_init, which would take the verbosity from the environment: traces (GRPC_TRACE) print what is sent.
    private static let setUp: Void = {
        gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR)
        gpr_set_log_function { arguments in
            guard let arguments, arguments.pointee.severity == GPR_LOG_SEVERITY_ERROR,
                let message = arguments.pointee.message
            else { return }
            let file = arguments.pointee.file.map { String(cString: $0) } ?? ""
            CoreLog.shared.report(String(cString: message), file: file, line: Int(arguments.pointee.line))
        }
    }()
}

/// Where the core's own errors go: to the logger of the server that runs, at most one line in ten seconds.
final class CoreLog: Sendable {
    static let shared = CoreLog()

    private struct State {
        var logger: Logger?
        var throttle = LogThrottle(interval: .seconds(10))
    }

    private let state = Mutex(State())

    /// Sends the core's errors to `logger` from now on; nil drops them.
    func use(_ logger: Logger?) { state.withLock { $0.logger = logger } }

    /// The part of a message before its details, which follow in braces or after `value=`: the bytes at fault may be among
    /// them. Printable ASCII, and short.
    static func shown(_ message: String) -> String {
        let scalars = Array(message.unicodeScalars)
        let mark = Array("value=".unicodeScalars)
        let end = scalars.indices.first { scalars[$0] == "{" || scalars[$0...].starts(with: mark) } ?? scalars.endIndex
        return scalars[..<min(end, 200)].reduce(into: "") { text, scalar in
            text.unicodeScalars.append((0x20...0x7E).contains(scalar.value) ? scalar : " ")
        }
    }

    /// Reports an error of the core: one printable line, and short, because a peer may have caused it.
    func report(_ message: String, file: String, line: Int) {
        let (logger, suppressed) = state.withLock { state in
            (state.logger, state.logger == nil ? nil : state.throttle.admit(at: .now))
        }
        guard let logger, let suppressed else { return }
        let text = Self.shown(message)
        let place = "\(file.split(separator: "/").last ?? "core"):\(line)"
        logger.log(.grpcError, "gRPC: \(text)", metadata: ["at": "\(place)", "suppressed": "\(suppressed)"])
    }
}
