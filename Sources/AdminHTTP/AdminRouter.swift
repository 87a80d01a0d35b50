// Which path answers what.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Answers the requests of probes, scrapers and people.
package struct AdminRouter: Sendable {
    private let board: AdminBoard
    private let access: StatusAccess

    package init(board: AdminBoard, access: StatusAccess) {
        self.board = board
        self.access = access
    }

    /// Answers a request.
    package func answer(_ request: HTTPRequest) async -> HTTPAnswer {
        guard Self.isKnown(request.path) else {
            return .text(404, "there is no such page; see / for those there are")
        }
        guard request.method == "GET" || request.method == "HEAD" else {
            return .text(405, "only GET and HEAD", [HTTPAnswer.Header("Allow", "GET, HEAD")])
        }
        switch request.path {
        case "/": return .html(200, IndexPage.html(board.facts.node, board.facts.version, access))
        case "/livez": return await liveness()
        case "/readyz":
            return HealthText.readiness(
                await board.checkResults(),
                board.phase,
                isVerbose: request.query.contains { $0.name == "verbose" },
                excluded: request.values("exclude")
            )
        case "/metrics": return await metrics()
        case "/status": return await status(request)
        default: return await single(String(request.path.dropFirst("/readyz/".count)))
        }
    }

    private static func isKnown(_ path: String) -> Bool {
        switch path {
        case "/", "/livez", "/readyz", "/metrics", "/status": true
        default: path.hasPrefix("/readyz/") && CheckName(rawValue: String(path.dropFirst("/readyz/".count))) != nil
        }
    }

    private func liveness() async -> HTTPAnswer {
        if let cause = await board.deathCause() { return .text(503, "failed: \(cause)") }
        let phase = board.phase
        return .text(200, phase == .serving ? "ok" : "ok: \(phase.text)")
    }

    private func single(_ name: String) async -> HTTPAnswer {
        let results = await board.checkResults()
        guard let result = results.first(where: { $0.name.rawValue == name }) else {
            return .text(503, "failed: the daemon is \(board.phase.text)")
        }
        return HealthText.single(result, board.phase)
    }

    private func metrics() async -> HTTPAnswer {
        guard let text = await board.metrics() else {
            return .text(503, "no metrics yet: the daemon is \(board.phase.text)")
        }
        return HTTPAnswer(200, type: "text/plain; version=0.0.4; charset=utf-8", text)
    }

    private func status(_ request: HTTPRequest) async -> HTTPAnswer {
        if let refusal = access.refusal(of: request) { return HTTPAnswer(refusal) }
        let report = await report()
        let format = request.values("format").last ?? "html"
        switch format {
        case "json":
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
            guard let json = try? encoder.encode(report) else { return .text(500, "the status can't be encoded") }
            return HTTPAnswer(200, type: "application/json", String(decoding: json, as: UTF8.self) + "\n")
        case "html":
            let refresh = request.values("refresh").last.flatMap { Int($0) }.map { min(max($0, 2), 3600) }
            return .html(200, StatusPage(report, refresh: refresh).html)
        default: return .text(400, "the formats are html and json")
        }
    }

    private func report() async -> StatusReport {
        let results = await board.checkResults()
        let phase = board.phase
        return StatusReport(
            node: board.facts.node,
            version: board.facts.version,
            phase: phase.text,
            isReady: AdminBoard.isReady(results, phase),
            startedAt: board.startedAt.rfc3339,
            now: board.facts.clock.now.rfc3339,
            configuration: board.configuration,
            checks: results,
            inside: board.inside
        )
    }
}
