// How runs end: in time, too late, with too much, cancelled; and what is left of them.

import Foundation
import Programs
import Support
import Testing
import TokenStore

@Suite(.timeLimit(.minutes(5))) struct EndingTests {
    private func failure(
        of lines: String,
        timeout: Duration = .seconds(120),
        outputLimit: Int = 64 << 10
    ) async throws -> ProgramError {
        try await withProgramFolder { folder in
            let path = try await folder.script("program", lines)
            let runner = SubprocessRunner(directory: folder.path)
            do throws(ProgramError) {
                _ = try await runner.run(ProgramCall(path, timeout: timeout, outputLimit: outputLimit))
            } catch {
                return error
            }
            throw SceneryFailure("the run did not fail")
        }
    }

    /// The lines write the ids of all processes of the run into `pids` before they hang.
    private func endsAll(
        _ lines: String,
        _ end: (SubprocessRunner, ProgramCall, ProgramFolder) async throws -> Void
    ) async throws {
        try await withProgramFolder { folder in
            let path = try await folder.script("program", "cd \(folder.path)\n" + lines)
            try await end(SubprocessRunner(directory: folder.path), ProgramCall(path, timeout: .seconds(120)), folder)
            let ids = try #require(folder.read("pids")).split(whereSeparator: \.isWhitespace).compactMap { Int32($0) }
            #expect(!ids.isEmpty)
            // A killed grandchild is reaped by init, in its own time.
            for id in ids {
                await until { !Self.isRunning(id) }
                #expect(!Self.isRunning(id))
            }
        }
    }

    /// Whether a process is there and no zombie.
    private static func isRunning(_ id: Int32) -> Bool {
        guard let text = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
            let name = text.lastIndex(of: ")")
        else { return false }
        return !text[name...].hasPrefix(") Z")
    }

    @Test func aProgramThatHangsIsKilledWithItsChildren() async throws {
        let lines = "trap '' TERM INT HUP; sleep 1000 & echo $$ $! > pids; sleep 1000; sleep 1000"
        try await endsAll(lines) { runner, call, folder in
            var call = call
            call.timeout = .milliseconds(500)
            let error = await #expect(throws: ProgramError.self) { try await runner.run(call) }
            #expect(error?.code == .timedOut)
            #expect(error?.message == "\(call.path) had not ended after 0.5 seconds, and was killed")
            // On a slow machine the script may not even have begun.
            if folder.read("pids") == nil { try await folder.file("pids", "2147483647") }
        }
    }

    @Test func aCancelledRunIsKilledWithItsChildren() async throws {
        let lines = "sleep 1000 & echo $$ $! > new; mv new pids; wait"
        try await endsAll(lines) { runner, call, folder in
            let task = Task { () throws(ProgramError) in try await runner.run(call) }
            await until { folder.read("pids") != nil }
            task.cancel()
            let error = await #expect(throws: ProgramError.self) { try await task.value }
            #expect(error?.code == .cancelled)
        }
    }

    @Test func aCancelledTaskStartsNothing() async throws {
        try await withProgramFolder { folder in
            let path = try await folder.script("program", "echo ran > \(folder.path)/ran")
            let runner = SubprocessRunner(directory: folder.path)
            let error = await withTaskGroup(of: ProgramError?.self) { group in
                group.cancelAll()
                group.addTask {
                    do throws(ProgramError) { _ = try await runner.run(ProgramCall(path)) } catch { return error }
                    return nil
                }
                return await group.next() ?? nil
            }
            #expect(error?.code == .cancelled)
            #expect(folder.read("ran") == nil)
        }
    }

    /// The program ends, and its child holds both pipes open: the run ends with the program, and the child with it.
    @Test func aGrandchildThatKeepsThePipesOpenHoldsNobodyUp() async throws {
        try await endsAll("sleep 1000 & echo $! > pids; echo answer; echo said >&2") { runner, call, _ in
            let output = try await runner.run(call)
            #expect(output.status == 0)
            #expect(output.output.revealText() == "answer\n")
            #expect(output.errors.revealText() == "said\n")
        }
    }

    /// As a helper does that leaves a daemon behind.
    @Test func aGrandchildWithoutPipesIsKilledToo() async throws {
        try await endsAll("sleep 1000 <&- >&- 2>&- & echo $! > pids; echo answer") { runner, call, _ in
            let output = try await runner.run(call)
            #expect(output.output.revealText() == "answer\n")
        }
    }

    @Test func aProgramMayCloseItsOutputsAndGoOn() async throws {
        try await withProgramFolder { folder in
            let path = try await folder.script(
                "program",
                "echo answer; exec >&- 2>&-; sleep 0.3; echo late > \(folder.path)/late; exit 7"
            )
            let output = try await SubprocessRunner(directory: folder.path).run(ProgramCall(path))
            #expect(output.status == 7)
            #expect(output.output.revealText() == "answer\n")
            #expect(folder.read("late") == "late\n")
        }
    }

    @Test(arguments: ["", " >&2"])
    func aProgramThatWritesTooMuchIsKilled(_ redirection: String) async throws {
        // It never ends by itself, also when nobody reads.
        let lines = "trap '' PIPE; while :; do echo 0123456789\(redirection) || :; done"
        let error = try await failure(of: lines, outputLimit: 1000)
        #expect(error.code == .tooMuchOutput)
        #expect(error.message.hasSuffix("/program wrote more than 1000 bytes, and was killed"))
    }

    @Test func aSilentProgramWithClosedOutputsIsKilledAtItsDeadline() async throws {
        let error = try await failure(of: "exec >&- 2>&-; sleep 1000", timeout: .milliseconds(300))
        #expect(error.code == .timedOut)
    }

    /// A daemon that is out of files is not misconfigured: the next try may have some.
    @Test func whatTheSystemLacksIsNoFaultOfTheProgram() async {
        await #expect(processExitsWith: .success) {
            try await withProgramFolder { folder in
                let path = try await folder.script("good", "cat")
                let runner = SubprocessRunner(directory: folder.path)
                let call = ProgramCall(path, input: Secret(utf8: "in"))
                // All that this process may open is open.
                var limits = rlimit()
                try #require(getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0)
                limits.rlim_cur = min(limits.rlim_cur, rlim_t(OpenFiles.highest + 150))
                try #require(setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limits) == 0)
                var held: [CInt] = []
                while case let file = open("/dev/null", O_RDONLY | O_CLOEXEC), file >= 0 { held.append(file) }
                // None left, and few left: what begins then would end in the middle.
                for _ in 0..<10 {
                    let error = await #expect(throws: ProgramError.self) { try await runner.run(call) }
                    #expect(error?.code == .noResources, "\(String(describing: error))")
                    for _ in 0..<2 { if let file = held.popLast() { close(file) } }
                }
                for file in held { close(file) }
                #expect(try await runner.run(call).output.revealText() == "in")
            }
        }
    }

    @Test func nothingIsLeftOfManyRuns() async {
        await #expect(processExitsWith: .success) {
            try await withProgramFolder { folder in
                try await folder.script("good", "cat; echo said >&2; sleep 1000 &")
                try await folder.script("endless", "while :; do echo 0123456789; done")
                try await folder.script("hanging", "sleep 1000")
                try await folder.file("broken", "#!/nonexistent/interpreter\n")
                let runner = SubprocessRunner(directory: folder.path)
                try await Self.runAll(runner, folder, count: 4)
                let before = Self.openFiles
                try await Self.runAll(runner, folder, count: 50)
                await until { Self.openFiles <= before + 1 }
                // The runtime opens and closes one for its timers.
                #expect(Self.openFiles <= before + 1)
                await until { Self.children.isEmpty }
                #expect(Self.children == [])
            }
        }
    }

    private static func runAll(_ runner: SubprocessRunner, _ folder: ProgramFolder, count: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<count {
                group.addTask {
                    let name = ["good", "endless", "hanging", "broken", "good"][number % 5]
                    var call = ProgramCall("\(folder.path)/\(name)", input: Secret(utf8: "in \(number)"))
                    call.timeout = name == "hanging" ? .milliseconds(200) : .seconds(120)
                    do throws(ProgramError) {
                        let output = try await runner.run(call)
                        #expect(name == "good")
                        #expect(output.output.revealText() == "in \(number)")
                    } catch {
                        let codes: [String: ProgramError.Code] = [
                            "endless": .tooMuchOutput, "hanging": .timedOut, "broken": .notRunnable,
                        ]
                        #expect(codes[name] == error.code, "\(error)")
                    }
                }
            }
            try await group.waitForAll()
        }
    }

    private static var openFiles: Int {
        ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []).count
    }

    /// The processes whose parent is this one, zombies too.
    private static var children: [String] {
        let own = "\(ProcessInfo.processInfo.processIdentifier)"
        return ((try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []).filter { id in
            guard let text = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
                let name = text.lastIndex(of: ")")
            else { return false }
            return text[name...].split(separator: " ").dropFirst(2).first == own[...]
        }
    }
}
