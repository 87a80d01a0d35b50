// The token sources: can they be reached, does the App's key open them, do clocks agree.

import Policy

extension Checks {
    static let sources = [
        Check("source-reachable", .sources, "a store's source that can't be reached with the configured proxy and CAs")
        {
            facts throws(Skip) in
            try facts.sources.get().map { source in
                let place = "store \(Printable.text(source.store)) (\(Printable.text(source.address)))"
                switch source.outcome {
                case .answered(let status): return .note(place, "it answers (HTTP \(status))")
                case .skipped(let why): return .skipped(place, Skip(why))
                case .failed(let why):
                    // The transport's message says what to check behind its last semicolon.
                    let parts = why.split(separator: ";", maxSplits: 1).map { $0.drop { $0 == " " } }
                    let fix =
                        parts.count == 2 ? String(parts[1]) : "check http.proxy, http.caFile and the node's way out"
                    return .error(place, String(parts.first ?? ""), fix: fix)
                }
            }
        },
        Check("source-app", .sources, "a GitHub App with a wrong key, or that is not installed where a grant needs it")
        {
            facts throws(Skip) in
            let all = try facts.sources.get()
            let apps = all.filter { $0.app != nil }
            guard !apps.isEmpty else {
                let isMissing = all.contains { $0.kind == "github-app" }
                guard !isMissing else { throw Skip("the forge can't be reached; source-reachable says why") }
                return [.note("", "there is no store of kind github-app")]
            }
            return apps.flatMap { source -> [Trouble] in
                let place = "store \(Printable.text(source.store))"
                let app = source.app ?? AppFacts()
                guard !app.complaints.isEmpty else {
                    return [.note(place, "the App is installed on \(Printable.list(app.installations.keys.sorted()))")]
                }
                return app.complaints.map { .error(place, $0.message, fix: $0.fix) }
            }
        },
        Check("clock", .sources, "a clock that is more than 30 s from the API server's or a source's") {
            facts throws(Skip) in
            let leeway = facts.leewaySeconds
            return try facts.clocks.get().compactMap { clock in
                let apart = abs(clock.aheadBySeconds)
                guard apart > 30 else { return nil }
                let way = clock.aheadBySeconds > 0 ? "ahead of" : "behind"
                let message = "this node's clock is \(apart) s \(way) that of \(Printable.text(clock.whose))"
                let fix = "synchronise the node's clock: timedatectl, chronyc tracking"
                guard clock.isAPIServer ? apart > leeway : apart > 60 else { return .warning("", message, fix: fix) }
                let consequence =
                    clock.isAPIServer ? "the tokens of Pods are refused" : "it may refuse what this node signs"
                return .error("", "\(message): \(consequence)", fix: fix)
            }
        },
    ]
}

extension Facts {
    /// How far the API server's clock may be from ours.
    fileprivate var leewaySeconds: Int {
        guard case .serviceAccountTokens(_, _, _, let leeway)? = nodeConfiguration?.identity else { return 30 }
        return Int(leeway.components.seconds)
    }
}
