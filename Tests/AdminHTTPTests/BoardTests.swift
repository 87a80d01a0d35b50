// What the endpoints say in each phase of the daemon, and with each check.

import Foundation
import Support
import Synchronization
import Testing

@testable import AdminHTTP

@Suite struct BoardTests {
    /// A board whose socket answers as `socket` says, and whose checks are not remembered.
    private func board(_ socket: Box<String?> = Box(nil), startLimit: Duration = .seconds(600)) -> AdminBoard {
        var facts = AdminBoard.Facts(node: "node", version: "1", clock: Samples.clock)
        facts.freshness = .zero
        facts.checkTimeout = .milliseconds(200)
        facts.startLimit = startLimit
        return AdminBoard(facts, configuration: { Samples.configuration }, version: { socket.get() })
    }

    private func answer(_ board: AdminBoard, _ target: String, method: String = "GET") async throws -> HTTPAnswer {
        let request = try HTTPRequest(head: "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8, peer: .unix)
        return await AdminRouter(board: board, access: .loopback).answer(request)
    }

    private func text(_ board: AdminBoard, _ target: String) async throws -> String {
        let answer = try await answer(board, target)
        return "\(answer.status) " + String(decoding: answer.body, as: UTF8.self)
    }

    private func allGood(_ board: AdminBoard) {
        for name in [CheckName.keys, .journal, .stores] { board.set(name) { .ok() } }
        board.enter(.serving)
    }

    @Test func aNodeThatServes() async throws {
        let board = board()
        allGood(board)
        #expect(try await text(board, "/livez") == "200 ok\n")
        #expect(try await text(board, "/readyz") == "200 ok\n")
        let verbose = """
            200 [+]configuration ok: digest 510a39befa8e
            [+]socket ok
            [+]keys ok
            [+]journal ok
            [+]stores ok
            readyz check passed

            """
        #expect(try await text(board, "/readyz?verbose") == verbose)
        #expect(board.lastResults.map(\.name) == CheckName.allCases)
        #expect(try await text(board, "/readyz/keys") == "200 ok\n")
    }

    @Test func aBadCheckFailsReadinessOnly() async throws {
        let board = board()
        allGood(board)
        board.set(.keys) { .failed("KeysUnavailable: nobody answers") }
        let text = try await text(board, "/readyz")
        #expect(text.hasPrefix("503 ") && text.contains("\n[-]keys failed: KeysUnavailable: nobody answers\n"))
        #expect(text.hasSuffix("readyz check failed\n"))
        #expect(try await self.text(board, "/readyz/keys") == "503 failed: KeysUnavailable: nobody answers\n")
        #expect(try await self.text(board, "/readyz/journal") == "200 ok\n")
        #expect(try await self.text(board, "/livez") == "200 ok\n")
        #expect(try await self.text(board, "/readyz?exclude=keys") == "200 ok\n")
        let listed = try await self.text(board, "/readyz?exclude=keys&verbose&exclude=%3Cb%3E")
        #expect(listed.contains("[+]keys excluded: ok") && listed.contains("there is none of the name ?3Cb?3E"))
        #expect(try await self.text(board, "/readyz?exclude=journal").hasPrefix("503 "))
    }

    @Test func aWarningIsShownAndPasses() async throws {
        let board = board()
        allGood(board)
        board.set(.stores) { .warning("1 of 2 stores can't be used: a: no key") }
        #expect(try await text(board, "/readyz") == "200 ok\n")
        let verbose = try await text(board, "/readyz?verbose")
        #expect(verbose.contains("[!]stores warning: 1 of 2 stores can't be used: a: no key\n"))
        #expect(try await text(board, "/readyz/stores").hasPrefix("200 warning: 1 of 2"))
    }

    @Test func aSocketThatDoesNotAnswerEndsLife() async throws {
        let socket = Box<String?>(nil)
        let board = board(socket)
        allGood(board)
        socket.set("nobody")
        #expect(try await text(board, "/livez") == "503 failed: the node's socket does not answer: nobody\n")
        #expect(try await text(board, "/readyz").contains("[-]socket failed: nobody\n"))
        socket.set(nil)
        #expect(try await text(board, "/livez") == "200 ok\n")
    }

    @Test func aRefusedReloadIsNotReady() async throws {
        let board = board()
        allGood(board)
        board.setConfiguration {
            var status = Samples.configuration
            status.problem = ConfigurationStatus.Problem(message: "node.yaml:3: no", at: "")
            return status
        }
        let line = "[-]configuration failed: what is in the files is not in force, 510a39befa8e stays: node.yaml:3: no"
        #expect(try await text(board, "/readyz").contains(line))
        board.setConfiguration {
            var status = Samples.configuration
            status.pendingRestart = ["server.adminHTTP"]
            return status
        }
        let warning = "[!]configuration warning: these keys take effect after a restart: server.adminHTTP"
        #expect(try await text(board, "/readyz?verbose").contains(warning))
        #expect(try await text(board, "/readyz") == "200 ok\n")
        #expect(try await text(board, "/livez") == "200 ok\n")
    }

    @Test func aStandByIsLiveAndReadyWhileTheOtherServes() async throws {
        let socket = Box<String?>(nil)
        let board = board(socket, startLimit: .zero)
        board.enter(.standingBy)
        #expect(try await text(board, "/livez") == "200 ok: standing by: another daemon serves\n")
        #expect(try await text(board, "/readyz") == "200 ok: standing by: another daemon serves\n")
        #expect(try await text(board, "/readyz?verbose").contains("[+]keys ok: not looked at while standing by"))
        socket.set("nobody")
        #expect(try await text(board, "/readyz").hasPrefix("503 "))
        // It waits for the other one, which kubelet starts anew: it is not to be killed for that.
        #expect(try await text(board, "/livez").hasPrefix("200 "))
    }

    @Test func aStartIsLiveForAWhileAndNotReady() async throws {
        let fresh = board()
        #expect(try await text(fresh, "/livez") == "200 ok: starting\n")
        #expect(try await text(fresh, "/readyz").contains("[-]journal failed: the daemon is starting\n"))
        let stuck = board(startLimit: .zero)
        #expect(try await text(stuck, "/livez").hasPrefix("503 failed: starting for more than"))
        #expect(try await text(fresh, "/metrics").hasPrefix("503 "))
    }

    @Test func anEndIsLiveAndNotReady() async throws {
        let socket = Box<String?>(nil)
        let board = board(socket)
        allGood(board)
        _ = try await text(board, "/readyz")
        board.enter(.ending)
        socket.set("gone")
        #expect(try await text(board, "/livez") == "200 ok: ending\n")
        #expect(try await text(board, "/readyz").hasPrefix("503 [-]phase: ending\n"))
        #expect(try await text(board, "/readyz/keys") == "503 failed: the daemon is ending\n")
        #expect(try await text(board, "/readyz?exclude=socket").hasPrefix("503 "))
        // No phase is gone back to.
        board.enter(.serving)
        #expect(board.phase == .ending)
    }

    @Test func aCheckThatHangsIsCutOff() async throws {
        let board = board()
        allGood(board)
        board.set(.journal) {
            try? await Task.sleep(for: .seconds(3600))
            return .ok()
        }
        #expect(try await text(board, "/readyz").contains("[-]journal failed: it took longer than"))
    }

    @Test func metricsAreThoseOfTheDaemon() async throws {
        let board = board()
        allGood(board)
        board.setMetrics { "daypass_checks \(board.lastResults.count)\n" }
        let answer = try await answer(board, "/metrics")
        #expect(answer.body == Array("daypass_checks 5\n".utf8))
        #expect(answer.headers.contains(HTTPAnswer.Header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")))
    }

    @Test func scrapersShareAScrape() async throws {
        var facts = AdminBoard.Facts(node: "node", version: "1", clock: Samples.clock)
        facts.freshness = .seconds(3600)
        let board = AdminBoard(facts, configuration: { Samples.configuration }, version: { nil })
        allGood(board)
        // That there is none is not remembered.
        #expect(try await text(board, "/metrics").hasPrefix("503 "))
        let made = Box(0)
        board.setMetrics {
            made.update { $0 += 1 }
            return "scrapes \(made.get())\n"
        }
        await withTaskGroup(of: String.self) { group in
            for _ in 0..<50 { group.addTask { (try? await text(board, "/metrics")) ?? "" } }
            for await text in group { #expect(text == "200 scrapes 1\n") }
        }
        #expect(made.get() == 1)
    }

    @Test func theStatusAsJSONIsTheWholeReport() async throws {
        let board = board()
        allGood(board)
        board.setInside { Samples.inside }
        let answer = try await answer(board, "/status?format=json")
        let report = try JSONDecoder().decode(StatusReport.self, from: Data(answer.body))
        #expect(report.inside?.leases == Samples.inside.leases && report.inside?.refusals == Samples.inside.refusals)
        #expect(report.isReady && report.phase == "serving" && report.checks.count == 5)
        #expect(try await self.answer(board, "/status?format=xml").status == 400)
    }

    @Test(arguments: ["/nope", "/readyz/", "/readyz/nope", "/status/", "//", "/LIVEZ", "/livez%20", "/favicon.ico"])
    func unknownPathsAreNotFound(_ path: String) async throws {
        let board = board()
        #expect(try await answer(board, path).status == 404)
        #expect(try await answer(board, path, method: "POST").status == 404)
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "CONNECT", "get"])
    func otherMethodsAreRefused(_ method: String) async throws {
        for path in ["/", "/livez", "/readyz", "/readyz/keys", "/metrics", "/status"] {
            let answer = try await answer(board(), path, method: method)
            #expect(answer.status == 405 && answer.headers.contains(HTTPAnswer.Header("Allow", "GET, HEAD")))
        }
    }

    // MARK: One look at a time

    @Test func whoeverAsksMeanwhileSharesTheLook() async {
        let flight = SingleFlight<Int>(freshness: .zero)
        let (looks, gate) = (Box(0), Box(false))
        @Sendable func look() async -> Int {
            await flight.value {
                looks.update { $0 += 1 }
                await until { gate.get() }
                return looks.get()
            }
        }
        await withTaskGroup(of: Int.self) { group in
            for _ in 0..<20 { group.addTask { await look() } }
            await until { looks.get() == 1 }
            gate.set(true)
            for await value in group { #expect(value >= 1) }
        }
        let before = looks.get()
        #expect(before < 20)
        #expect(await look() == before + 1)
        // What is fresh is given again.
        let lasting = SingleFlight<Int>(freshness: .seconds(3600))
        for _ in 0..<3 {
            #expect(
                await lasting.value {
                    looks.update { $0 += 1 }; return looks.get()
                } == before + 2
            )
        }
    }
}
