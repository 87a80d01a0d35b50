// The sections of the status page that show the inside of a daemon that serves.

import Leases

/// Writes the sections.
struct StatusTables {
    let time: TimeText

    /// The most rows of a table: a page must stay one that can be opened.
    static let mostRows = 1000

    /// Stores, leases and what surrounds them.
    func html(_ inside: InsideStatus) -> HTML {
        """
        \(leases(inside.leases))
        \(stores(inside.stores))
        <div class="wide">\(detectors(inside.detectors))\(keys(inside.keys))</div>
        """
    }

    /// The figures.
    func tiles(_ inside: InsideStatus) -> HTML {
        let counts = inside.counts
        let debt = counts.revoking + counts.lost
        let oldest = counts.oldestDebtSeconds
        let debtNote: HTML? =
            debt == 0 || oldest == 0
            ? nil : "<dd class=\"note\">oldest \(TimeText.span(Int64(oldest)))</dd>"
        let (warn, bad): (HTML, HTML) = (" class=\"warn\"", " class=\"bad\"")
        let failed: HTML? = counts.mintsFailed == 0 ? nil : "<dd class=\"note\">\(counts.mintsFailed) failed</dd>"
        return """
            <dl class="tiles">
            <div><dt>Live tokens</dt><dd>\(counts.live)</dd></div>
            <div\(debt > 0 ? warn : nil)><dt>To be revoked</dt><dd>\(debt)</dd>\(debtNote)</div>
            <div\(counts.givenUp > 0 ? bad : nil)><dt>Given up</dt><dd>\(counts.givenUp)</dd></div>
            <div><dt>Minted</dt><dd>\(counts.minted)</dd>\(failed)</div>
            <div><dt>Revoked</dt><dd>\(counts.revoked)</dd></div>
            <div\(counts.servedStale > 0 ? warn : nil)><dt>Served stale</dt><dd>\(counts.servedStale)</dd></div>
            </dl>
            """
    }

    /// The last refusals.
    func refusals(_ refusals: [InsideStatus.Refused]) -> HTML {
        guard !refusals.isEmpty else {
            return section("refusals", "Refused Mounts", nil, "<p class=\"soft\">None since the start.</p>")
        }
        let items: [HTML] = refusals.map { refused in
            let who: HTML? =
                refused.pod.map { pod in "<span class=\"mono\">\(refused.namespace ?? "")/\(pod)</span>" }
            // The text begins with the code, which is shown already.
            let code = "\(refused.reason): "
            let text = refused.text.hasPrefix(code) ? String(refused.text.dropFirst(code.count)) : refused.text
            let times: HTML? = refused.count < 2 ? nil : "<span class=\"soft\">\(refused.count) times</span>"
            return """
                <li><div class="head"><span class="tag bad">\(refused.reason)</span>\(who)\(times)\(time.html(refused.at))</div>
                <p>\(text)</p></li>
                """
        }
        return section("refusals", "Refused Mounts", "the latest first", "<ul class=\"list card\">\(items)</ul>")
    }

    private func leases(_ leases: [LeaseSummary]) -> HTML {
        guard !leases.isEmpty else {
            return section("leases", "Leases", nil, "<p class=\"soft\">No build on this node holds a token.</p>")
        }
        let rows: [HTML] = leases.prefix(Self.mostRows).map { lease in
            let expires = lease.expires.map(time.html) ?? (lease.state == "live" ? "not told" : "-")
            let refresh: HTML = lease.refresh.map(time.html) ?? "-"
            return """
                <tr role="row"><th scope="row" role="rowheader">\(lease.pod)<br><span class="soft">\(lease.namespace)</span></th>
                <td role="cell" data-label="Store"><span>\(lease.store)<br><span class="soft">\(lease.token)</span></span></td>
                <td role="cell" data-label="Scope" class="long"><span class="mono">\(lease.scope)</span></td>
                <td role="cell" data-label="State" class="long"><span>\(state(lease))</span></td>
                <td role="cell" data-label="Age" class="near">\(TimeText.span(Int64(lease.age)))</td>
                <td role="cell" data-label="Expires" class="near">\(expires)</td>
                <td role="cell" data-label="Refresh" class="near">\(refresh)</td></tr>
                """
        }
        let more: HTML? =
            leases.count <= Self.mostRows
            ? nil : "<p class=\"note\">\(leases.count - Self.mostRows) more: see the JSON.</p>"
        return section(
            "leases",
            "Leases",
            "\(leases.count), the oldest first",
            """
            <table class="card" role="table"><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Pod</th><th scope="col" role="columnheader">Store</th><th scope="col" role="columnheader">Scope</th>\
            <th scope="col" role="columnheader">State</th><th scope="col" role="columnheader">Age</th><th scope="col" role="columnheader">Expires</th><th scope="col" role="columnheader">Refresh</th></tr>\
            </thead><tbody role="rowgroup">\(rows)</tbody></table>\(more)
            """
        )
    }

    private func state(_ lease: LeaseSummary) -> HTML {
        let kind: HTML =
            switch lease.state {
            case "live": "ok"
            case "revoking", "lost": lease.isGivenUp ? "bad" : "warn"
            default: ""
            }
        let tries = lease.tries == 0 ? nil : lease.tries == 1 ? "1 try" : "\(lease.tries) tries"
        let why = [lease.cause, tries].compactMap(\.self).joined(separator: ", ")
        let text = [why, lease.failure ?? ""].filter { !$0.isEmpty }.joined(separator: ": ")
        let note: HTML? = text.isEmpty ? nil : "<br><span class=\"note\">\(text)</span>"
        return "<span class=\"tag \(kind)\">\(lease.isGivenUp ? "given up" : lease.state)</span>\(note)"
    }

    private func stores(_ stores: [InsideStatus.Store]) -> HTML {
        let rows: [HTML] = stores.map { store in
            let gate = store.gate
            let failure: HTML? =
                (store.failure ?? gate.lastFailure).map { "<br><span class=\"note\">\($0)</span>" }
            return """
                <tr role="row"><th scope="row" role="rowheader">\(store.name)<br><span class="soft">\(store.kind)</span></th>
                <td role="cell" data-label="State" class="long"><span>\(state(store))\(failure)</span></td>
                <td role="cell" data-label="Running" class="near">\(gate.running)</td>
                <td role="cell" data-label="Waiting" class="near">\(gate.waiting)</td></tr>
                """
        }
        return section(
            "stores",
            "Stores",
            nil,
            """
            <table class="card" role="table"><thead role="rowgroup"><tr role="row"><th scope="col" role="columnheader">Store</th><th scope="col" role="columnheader">State</th>\
            <th scope="col" role="columnheader">Calls running</th><th scope="col" role="columnheader">Calls waiting</th></tr></thead><tbody role="rowgroup">\(rows)</tbody></table>
            """
        )
    }

    private func state(_ store: InsideStatus.Store) -> HTML {
        if store.failure != nil { return "<span class=\"tag bad\">can't be used</span>" }
        let gate = store.gate
        if let until = gate.pausedUntil { return "<span class=\"tag warn\">paused</span> ends \(time.html(until))" }
        let trial: HTML? = gate.nextTrial.map { " next trial \(time.html($0))" }
        return switch gate.breaker {
        case .closed: "<span class=\"tag ok\">open for calls</span>"
        case .open: "<span class=\"tag bad\">failing</span>\(trial)"
        case .trial: "<span class=\"tag warn\">on trial</span>"
        }
    }

    private func detectors(_ detectors: [InsideStatus.Detector]) -> HTML {
        let items: [HTML] = detectors.map { detector in
            """
            <li><div class="head"><strong>\(detector.name)</strong>\
            <span class="tag \(detector.isWatching ? "ok" : "bad")">\(detector.isWatching ? "watching" : "blind")</span>
            </div><p class="soft">\(detector.note)</p></li>
            """
        }
        let none: HTML = "<p>Nothing notices the end of a build: tokens live to their own end.</p>"
        let list: HTML = "<ul class=\"list card\">\(items)</ul>"
        return section("detectors", "Ends of builds", nil, detectors.isEmpty ? none : list)
    }

    private func keys(_ keys: InsideStatus.Keys) -> HTML {
        let issuer: HTML? = keys.issuer.map { "<p class=\"soft\">issuer <span class=\"mono\">\($0)</span></p>" }
        let fetched: HTML? = keys.fetchedAt.map { "<span class=\"end\">fetched \(time.html($0))</span>" }
        let failure: HTML? = keys.failure.map { "<p>\($0)</p>" }
        return section(
            "keys",
            "Signing keys of the cluster",
            nil,
            """
            <ul class="list card"><li><div class="head"><strong>\(keys.location)</strong>\
            <span class="soft">\(keys.count) keys</span>\(fetched)</div>\(issuer)\(failure)</li></ul>
            """
        )
    }

    private func section(_ id: HTML, _ title: HTML, _ note: HTML?, _ body: HTML) -> HTML {
        let small: HTML? = note.map { "<small>\($0)</small>" }
        return "<section aria-labelledby=\"\(id)\"><h2 id=\"\(id)\">\(title)\(small)</h2>\(body)</section>"
    }
}
