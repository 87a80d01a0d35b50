// How `serve` writes its log.

import ArgumentParser
import Daemon
import Glibc
import Logging
import TraceContext

/// The form of log lines.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case auto, json, text

    /// A logger that writes to standard error.
    func logger(level: Logger.Level, environment: [String: String]) -> Logger {
        let isTerminal = isatty(STDERR_FILENO) == 1
        let isText = self == .text || (self == .auto && isTerminal)
        let form = isText ? LogForm.text(isTerminal: isTerminal, environment: environment) : .json
        var logger = Logger(label: "daypass") { _ in LineLogHandler(form, to: .standardError, provider: .traceID) }
        logger.logLevel = level
        return logger
    }
}

/// The least level of log lines.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}
