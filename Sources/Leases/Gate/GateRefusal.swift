// Why a call gets no turn, in the words of the error that its caller reads.

import TokenStore

/// Why a call gets no turn. Times are of the steady clock.
enum GateRefusal: Sendable, Hashable {
    /// The source wants no calls before a time that is too late for this one.
    case paused(until: Duration)
    /// The rate that the node keeps to brings its turn too late.
    case rate(turn: Duration, ahead: Int)
    /// Too many wait already.
    case full(turn: Duration, waiting: Int)
    /// The breaker is open for too long.
    case open(trial: Duration, failures: Int, last: String)
    /// No turn came in time.
    case late(waited: Duration, running: Int, waiting: Int, failures: Int, last: String?)

    /// The error for the caller.
    ///
    /// - Parameter time: Makes a time of day of one of the steady clock.
    func error(_ limits: StoreLimits, time: (Duration) -> UTCInstant) -> TokenStoreError {
        let fix = "raise the store's limits in the node's configuration, if its source allows more"
        switch self {
        case .paused(let until):
            let at = time(until).roundedUp
            return TokenStoreError(.rateLimited, "its source wants no calls before \(at.rfc3339)", retryAt: at)
        case .rate(let turn, let ahead):
            let at = time(turn).roundedUp
            let message =
                "\(calls(ahead, "waits", "wait")) already, and \(limits.rate.shown) a second are made; "
                + "a turn would come at \(at.rfc3339)"
            return TokenStoreError(.rateLimited, message, fix: fix, retryAt: at)
        case .full(let turn, let waiting):
            let message = "\(calls(waiting, "waits", "wait")) already, and no more may"
            return TokenStoreError(.rateLimited, message, fix: fix, retryAt: time(turn).roundedUp)
        case .open(let trial, let failures, let last):
            let message =
                "no call is made before \(time(trial).roundedUp.rfc3339), because "
                + "\(calls(failures, "has", "have")) failed in a row; the last one: \(last)"
            return TokenStoreError(.unavailable, message)
        case .late(let waited, let running, let waiting, let failures, let last):
            var message =
                "no turn came within \(waited.shown): \(calls(running, "runs", "run")), "
                + "\(waiting) more \(waiting == 1 ? "waits" : "wait")"
            if let last { message += "; \(calls(failures, "has", "have")) failed in a row, the last one: \(last)" }
            return TokenStoreError(.unavailable, message)
        }
    }

    private func calls(_ count: Int, _ one: String, _ many: String) -> String {
        count == 1 ? "1 call \(one)" : "\(count) calls \(many)"
    }
}

extension TokenStoreError {
    /// The code and the message, in one line of bounded length.
    var shownInGate: String {
        let text = "\(code): \(message)".map { $0.isNewline ? " " : $0 }
        return text.count <= 300 ? String(text) : String(text.prefix(299)) + "…"
    }
}

extension UTCInstant {
    /// The first whole second that is not before this.
    var roundedUp: UTCInstant {
        let whole = UTCInstant(epochSeconds: epochSeconds)
        return whole < self ? UTCInstant(epochSeconds: epochSeconds + 1) : whole
    }
}

extension Duration {
    fileprivate var shown: String {
        let (seconds, attoseconds) = components
        return attoseconds == 0 ? "\(seconds) s" : "\(seconds * 1000 + attoseconds / 1_000_000_000_000_000) ms"
    }
}

extension Double {
    fileprivate var shown: String { self == rounded() && magnitude < 1e9 ? "\(Int(self))" : "\(self)" }
}
