// How `serve` writes its log.

import ArgumentParser
import Daemon
import Glibc
import Logging

/// The form of log lines.
enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case auto, json, text

    /// A logger that writes to standard error.
    func logger(level: Logger.Level) -> Logger {
        let isText = self == .text || (self == .auto && isatty(STDERR_FILENO) == 1)
        var logger = Logger(label: "daypass") { label in
            if isText { return StreamLogHandler.standardError(label: label) as any LogHandler }
            return JSONLogHandler()
        }
        logger.logLevel = level
        return logger
    }
}

/// The least level of log lines.
enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case trace, debug, info, notice, warning, error, critical

    var level: Logger.Level { Logger.Level(rawValue: rawValue) ?? .info }
}
