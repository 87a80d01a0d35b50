// The scripted program runner, and what runs print.

import Testing
import TokenStore
import TokenStoreTesting

@Suite struct ScriptedProgramsTests {
    @Test func playsItsScriptInOrder() async throws {
        let programs = ScriptedPrograms()
        programs.then(output: "a")
        programs.then(status: nil, errors: "b")
        programs.then { call throws(ProgramError) in throw ProgramError(.timedOut, "too slow: \(call.path)") }
        let first = try await programs.run(ProgramCall("/1"))
        #expect(first.status == 0)
        #expect(first.output.revealText() == "a")
        let second = try await programs.run(ProgramCall("/2"))
        #expect(second.status == nil)
        #expect(second.errors.revealText() == "b")
        #expect(programs.remaining == 1)
        await #expect(throws: ProgramError(.timedOut, "too slow: /3")) { try await programs.run(ProgramCall("/3")) }
        let last = await #expect(throws: ProgramError.self) { try await programs.run(ProgramCall("/4")) }
        #expect(last?.code == .notRunnable)
        #expect(programs.calls.map(\.path) == ["/1", "/2", "/3", "/4"])
    }

    @Test func anAnswerForTheRestIsGivenAgainAndAgain() async throws {
        let programs = ScriptedPrograms { call throws(ProgramError) in
            ProgramOutput(status: 0, output: Secret(utf8: call.path))
        }
        programs.then(status: 1)
        let first = try await programs.run(ProgramCall("/1"))
        #expect(first.status == 1)
        for path in ["/2", "/3"] {
            let output = try await programs.run(ProgramCall(path))
            #expect(output.output.revealText() == path)
        }
    }

    @Test func aCancelledTaskRunsNothing() async {
        let programs = ScriptedPrograms()
        programs.then()
        let code = await withTaskGroup(of: ProgramError.Code?.self) { group in
            group.cancelAll()
            group.addTask {
                do throws(ProgramError) {
                    _ = try await programs.run(ProgramCall("/1"))
                    return nil
                } catch {
                    return error.code
                }
            }
            return await group.next() ?? nil
        }
        #expect(code == .cancelled)
        #expect(programs.calls.isEmpty)
        #expect(programs.remaining == 1)
    }

    @Test func runsPrintNamesAndCountsOnly() {
        let call = ProgramCall(
            "/bin/helper",
            ["topsecret", "get"],
            environment: ["KEY": "topsecret", "HOME": "topsecret"],
            input: Secret(utf8: "topsecret")
        )
        let output = ProgramOutput(status: 0, output: Secret(utf8: "topsecret"), errors: Secret(utf8: "topsecret!"))
        var dumped = ""
        dump(call, to: &dumped)
        dump([output], to: &dumped)
        let printed = [
            "\(call)", "\(output)", String(reflecting: call), String(reflecting: output), "\([call])", "\([output])",
            "\(Optional(output) as Any)", dumped,
        ]
        for text in printed { #expect(!text.contains("topsecret")) }
        #expect("\(call)" == "/bin/helper, arguments: 2, environment: HOME, KEY, input: 9 bytes")
        #expect("\(ProgramCall("/a"))" == "/a, arguments: 0, environment: none, input: 0 bytes")
        #expect("\(output)" == "status 0, output: 9 bytes, errors: 10 bytes")
        let killed = ProgramOutput(status: nil, output: Secret([]))
        #expect("\(killed)" == "ended by a signal, output: 0 bytes, errors: 0 bytes")
    }
}
