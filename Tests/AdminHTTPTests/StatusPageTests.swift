// The status page: what is on it, and that tenants' text stays text.

import Foundation
import Leases
import Testing

@testable import AdminHTTP

@Suite struct StatusPageTests {
    @Test func everythingIsOnIt() {
        let page = StatusPage(Samples.report).html.text
        for text in [
            "worker-3.pool-builds", "510a39befa8e", "50 min ago", "Ready", "14:03:22 UTC", "build-alice-2dthesis-4f1c9",
            "our-org/private contents:read", "given up", "aws-ecr", "paused", "can&#39;t be used", "NotGranted",
            "9 times",
            "gitlab-ci", "last list at", "blind", "2 keys", "in 57 min", "in 36 min", "2 min", "oldest 14 min",
            "https://kubernetes.default.svc.cluster.local",
        ] { #expect(page.contains(text), "\(text)") }
        #expect(StatusPage(Samples.report).html.text.contains("http-equiv") == false)
        #expect(StatusPage(Samples.report, refresh: 10).html.text.contains("http-equiv=\"refresh\" content=\"10\""))
    }

    @Test func aPageOfAStandByHasNoInside() {
        var report = Samples.report
        report.inside = nil
        report.phase = DaemonPhase.standingBy.text
        let page = StatusPage(report).html.text
        #expect(page.contains("Standing by") && !page.contains("Live tokens"))
    }

    @Test func anEmptyNodeSaysSo() {
        var report = Samples.report
        report.inside?.leases = []
        report.inside?.refusals = []
        report.inside?.detectors = []
        let page = StatusPage(report).html.text
        #expect(page.contains("No build on this node") && page.contains("None since the start"))
        #expect(page.contains("Nothing notices the end of a build"))
    }

    /// The tags of a page, in their order, with their attributes' names.
    private func tags(_ page: String) -> [String] {
        page.matches(of: #/<(/?[A-Za-z!][^\s>]*)((?:[^">]|"[^"]*")*)>/#).map { match in
            let names = match.2.matches(of: #/([A-Za-z-]+)="[^"]*"/#).map { String($0.1) }
            return ([String(match.1)] + names).joined(separator: " ")
        }
    }

    /// A page in which every text is `text`.
    private func page(_ text: String) -> String {
        var report = Samples.report
        var inside = Samples.inside
        report.node = text
        report.version = text
        report.configuration.digest = text
        report.configuration.appliedAt = text
        report.configuration.problem = ConfigurationStatus.Problem(message: text, at: text)
        report.checks = report.checks.map { CheckResult($0.name, .failed(text)) }
        inside.leases = inside.leases.prefix(2).map { lease in
            var lease = lease
            lease.namespace = text
            lease.pod = text
            lease.token = text
            lease.store = text
            lease.scope = text
            lease.state = text
            lease.cause = text
            lease.failure = text
            lease.expires = text
            lease.refresh = text
            return lease
        }
        inside.refusals = inside.refusals.map { refused in
            var refused = refused
            refused.at = text
            refused.reason = text
            refused.text = text
            refused.namespace = text
            refused.pod = text
            return refused
        }
        inside.stores = inside.stores.map { store in
            var store = store
            store.name = text
            store.kind = text
            store.failure = nil
            store.gate.lastFailure = text
            store.gate.pausedUntil = text
            return store
        }
        inside.detectors = [InsideStatus.Detector(name: text, isWatching: false, note: text)]
        inside.keys = InsideStatus.Keys(location: text, issuer: text, count: 1, fetchedAt: text, failure: text)
        report.inside = inside
        return StatusPage(report).html.text
    }

    @Test(arguments: Hostile.texts)
    func textStaysText(_ hostile: String) {
        // A hostile text may not change which tags and attributes there are, compared with a harmless one.
        let (harmless, page) = (page("harmless"), page(hostile))
        #expect(tags(page) == tags(harmless))
        #expect(tags(page).count > 100)
        let body = page.replacing(PageStyle.css, with: "")
        #expect(body.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
        #expect(!body.unicodeScalars.contains { $0.properties.generalCategory == .format })
    }

    @Test func nothingIsLoadedOrRun() {
        let answer = HTTPAnswer.html(200, StatusPage(Samples.report).html)
        let text = String(decoding: answer.body, as: UTF8.self)
        let policy = answer.headers.first { $0.name == "Content-Security-Policy" }?.value ?? ""
        #expect(policy.hasPrefix("default-src 'none'; style-src 'sha256-"))
        // No style that the policy would not let through, no script, no other host.
        #expect(!text.contains(" style=") && !text.contains("<script"))
        #expect(text.firstMatch(of: #/<[^>]* on[a-z]+=/#) == nil)
        #expect(text.matches(of: #/(?:src|href|action)="([^"]*)"/#).allSatisfy { $0.1.hasPrefix("/") })
        #expect(text.contains("<style>\(PageStyle.css)</style>"))
        #expect(!PageStyle.css.contains("<") && !PageStyle.css.contains("url(") && !PageStyle.css.contains("@import"))
    }

    @Test func tagsAreClosed() {
        for page in [StatusPage(Samples.report).html.text, IndexPage.html("n", "v", .loopback).text] {
            var open: [String] = []
            for match in page.matches(of: #/<(/?)([a-z0-9]+)[^>]*>/#) {
                let name = String(match.2)
                if ["meta", "br"].contains(name) { continue }
                if match.1.isEmpty { open.append(name) } else { #expect(open.popLast() == name) }
            }
            #expect(open.isEmpty)
        }
    }

    @Test func thousandsOfLeasesAreCut() {
        var report = Samples.report
        report.inside?.leases = (0..<1500).map { _ in Samples.leases[2] }
        let page = StatusPage(report).html.text
        #expect(page.contains("500 more: see the JSON") && page.contains("1500, the oldest first"))
        #expect(page.utf8.count < 2 << 20)
    }

    @Test(arguments: [
        (0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (12_000, "3 h 20 min"),
        (86_400, "1 d"), (187_200, "2 d 4 h"),
    ])
    func spansAreShort(_ seconds: Int64, _ text: String) { #expect(TimeText.span(seconds) == text) }

    /// For looking at the page in a browser: `DAYPASS_STATUS_PAGE=/tmp/status.html swift test --filter writesThePage`.
    @Test(.enabled(if: ProcessInfo.processInfo.environment["DAYPASS_STATUS_PAGE"] != nil))
    func writesThePage() throws {
        let path = try #require(ProcessInfo.processInfo.environment["DAYPASS_STATUS_PAGE"])
        try Data(StatusPage(Samples.report).html.text.utf8).write(to: URL(filePath: path))
    }
}
