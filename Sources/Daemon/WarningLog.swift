// What the configuration warns of, as log lines.

import LogEvents
import Logging
import Policy

extension ConfigurationProblem {
    /// Writes it as one line of level warning; the place and the way to mend it are metadata.
    func log(to logger: Logger) {
        var metadata: Logger.Metadata = ["file": "\(file)", "line": "\(line)", "key": "\(path)"]
        if !fix.isEmpty { metadata["fix"] = "\(fix)" }
        logger.log(.configurationWarning, "\(message)", metadata: metadata)
    }
}
