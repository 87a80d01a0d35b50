// The status page: what a person sees who opens it because a build has failed.

import TokenStore

/// The page at `/status`.
struct StatusPage {
    private let report: StatusReport
    private let time: TimeText
    private let refresh: Int?

    /// - Parameter refresh: after how many seconds the browser asks again; `nil` for never.
    init(_ report: StatusReport, refresh: Int? = nil) {
        self.report = report
        self.refresh = refresh
        time = TimeText(now: UTCInstant(rfc3339: report.now) ?? SystemClock().now)
    }

    var html: HTML {
        let meta: HTML? = refresh.map { "<meta http-equiv=\"refresh\" content=\"\($0)\">" }
        return """
            <!DOCTYPE html>
            <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">\(meta)
            <title>\(badge.word) - \(report.node) - Daypass</title>\(PageStyle.element)</head><body>
            \(header)
            <main>
            \(report.inside.map { StatusTables(time: time).tiles($0) })
            \(problems)
            \(report.inside.map { StatusTables(time: time).html($0) } ?? waiting)
            </main>
            \(footer)
            </body></html>

            """
    }

    private var badge: (word: String, kind: HTML) {
        switch (report.phase, report.isReady) {
        case ("serving", true): ("Ready", "ok")
        case ("serving", false): ("Not ready", "bad")
        case (let phase, true): (String(phase.prefix { $0 != ":" }).capitalizedFirst, "ok")
        case (let phase, false): (String(phase.prefix { $0 != ":" }).capitalizedFirst, "warn")
        }
    }

    private var header: HTML {
        let configuration = report.configuration
        let reload: HTML? = configuration.problem.map { problem in
            "<div><dt>Last reload</dt><dd><span class=\"tag bad\">refused</span> \(time.html(problem.at))</dd></div>"
        }
        return """
            <header class="top"><div><p class="brand">Daypass \(report.version)</p>
            <h1>\(report.node) <span class="tag \(badge.kind)">\(badge.word)</span></h1>
            <dl class="facts">
            <div><dt>Configuration</dt><dd><code>\(configuration.digest)</code> \
            <span class="soft">\(configuration.stores) stores, \(configuration.grants) grants</span></dd></div>
            <div><dt>In force</dt><dd>\(time.html(configuration.appliedAt))</dd></div>\(reload)
            <div><dt>Started</dt><dd>\(time.html(report.startedAt))</dd></div>
            <div><dt>This page</dt><dd>\(time.clock(report.now))</dd></div>
            </dl></div></header>
            """
    }

    /// Checks and refusals: what one looks for first.
    private var problems: HTML {
        let checks: [HTML] = report.checks.map { check in
            let kind: HTML = check.outcome == .ok ? "ok" : check.outcome == .warning ? "warn" : "bad"
            let note: HTML? = check.note.isEmpty ? nil : "<span class=\"soft\">\(check.note)</span>"
            return """
                <li><div class="head"><strong>\(check.name.rawValue)</strong>\
                <span class="tag \(kind)">\(check.outcome.rawValue)</span>\(note)</div></li>
                """
        }
        let refusals = report.inside.map { StatusTables(time: time).refusals($0.refusals) }
        return """
            <section aria-labelledby="checks"><h2 id="checks">Checks</h2><ul class="list card checks">\(checks)</ul></section>
            \(refusals)
            """
    }

    private var waiting: HTML {
        "<section><h2>Leases</h2><p>This daemon is \(report.phase). It knows the node's leases when it serves.</p></section>"
    }

    private var footer: HTML {
        let again: HTML =
            refresh == nil
            ? "<a href=\"/status?refresh=10\">Refresh every 10 s</a>"
            : "<a href=\"/status\">Stop refreshing</a>"
        return """
            <footer>\(again) &middot; <a href="/status?format=json">JSON</a> &middot; <a href="/readyz?verbose">readyz</a> \
            &middot; <a href="/metrics">metrics</a>
            <p>Times are in UTC. Nothing on this page is secret; Pods, namespaces and scopes are as tenants wrote them.</p>
            </footer>
            """
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
