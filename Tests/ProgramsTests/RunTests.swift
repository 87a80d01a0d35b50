// Runs of real programs: what they are given, and what is taken of them.

import Foundation
import Programs
import Support
import Testing
import TokenStore

@Suite struct RunTests {
    /// Runs a script in a folder of its own.
    private func run(
        _ lines: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        input: [UInt8] = [],
        timeout: Duration = .seconds(60),
        outputLimit: Int = 64 << 10
    ) async throws -> ProgramOutput {
        try await withProgramFolder { folder in
            let path = try await folder.script("program", lines)
            return try await SubprocessRunner(directory: folder.path).run(
                ProgramCall(
                    path,
                    arguments,
                    environment: environment,
                    input: Secret(input),
                    timeout: timeout,
                    outputLimit: outputLimit
                )
            )
        }
    }

    @Test func argumentsAreGivenAsTheyAre() async throws {
        let arguments = ["get", "two words", "$HOME", "`id`", "*", "", "-n", "a\nb", "'\"\\", "\u{e9}"]
        let output = try await run(#"for word in "$@"; do printf '<%s>' "$word"; done"#, arguments)
        #expect(output.output.revealText() == arguments.map { "<\($0)>" }.joined())
        #expect(output.status == 0)
    }

    @Test func aBinarySeesTheNameThatWasWritten() async throws {
        try await withProgramFolder { folder in
            let shell = URL(filePath: "/bin/sh").resolvingSymlinksInPath().path
            let copied = try await runProgram("/usr/bin/install", ["-m", "0755", shell, folder.path + "/real"])
            try #require(copied.code == 0)
            let link = folder.path + "/link"
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "real")
            let call = ProgramCall(link, ["-c", "echo \"$0\""])
            let output = try await SubprocessRunner(directory: folder.path).run(call)
            #expect(output.output.revealText() == link + "\n")
        }
    }

    @Test func theEnvironmentIsExactlyTheGivenOne() async throws {
        setenv("DAYPASS_TEST_INHERITED", "yes", 1)
        let bare = try await run("/usr/bin/env", environment: [:])
        // The shell sets these itself.
        let own: Set<Substring> = ["PWD", "OLDPWD", "SHLVL", "_"]
        func names(_ output: ProgramOutput) -> Set<Substring> {
            Set(output.output.revealText().split(separator: "\n").compactMap { $0.split(separator: "=").first })
        }
        #expect(names(bare).subtracting(own) == [])
        let given = try await run(
            #"printf '%s|%s|%s' "$ONE" "$TWO" "${PATH-no path}""#,
            environment: ["ONE": "1", "TWO": "a=b\nc"]
        )
        #expect(given.output.revealText().hasPrefix("1|a=b\nc|"))
        #expect(!given.output.revealText().contains(ProcessInfo.processInfo.environment["PATH"] ?? "-"))
    }

    @Test func inputIsReadToItsEnd() async throws {
        let bytes = (0..<SubprocessRunner.largestInput).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let output = try await run("/bin/cat", input: bytes)
        #expect(output.output.reveal() == bytes)
        let ended = try await run("/bin/cat; echo end")
        #expect(ended.output.revealText() == "end\n")
    }

    @Test func bothOutputsAreTakenApartAsBytes() async throws {
        let output = try await run(#"printf 'a\000\377b'; printf 'c\r\n\200' >&2; exit 3"#)
        #expect(output.output.reveal() == [0x61, 0, 0xFF, 0x62])
        #expect(output.errors.reveal() == [0x63, 0x0D, 0x0A, 0x80])
        #expect(output.status == 3)
    }

    @Test func aSignalIsNoStatus() async throws {
        let output = try await run("echo before; kill -TERM $$")
        #expect(output.status == nil)
        #expect(output.output.revealText() == "before\n")
    }

    @Test func itRunsInTheRootFolderInASessionOfItsOwn() async throws {
        let output = try await run(
            "pwd; read -r pid name state parent group session rest < /proc/$$/stat; echo $pid $group $session"
        )
        let lines = output.output.revealText().split(separator: "\n")
        try #require(lines.count == 2)
        #expect(lines[0] == "/")
        let ids = lines[1].split(separator: " ")
        #expect(ids.count == 3)
        #expect(Set(ids).count == 1, "process, group and session are one: \(lines[1])")
    }

    @Test func noFileOfOursIsOpen() async throws {
        // Without FD_CLOEXEC, as a careless library would have it.
        let leak = open("/dev/null", O_RDONLY)
        defer { close(leak) }
        let output = try await run("exec /bin/ls -1 /proc/self/fd")
        let open = output.output.revealText().split(separator: "\n").compactMap { Int($0) }
        // The last one is the folder that ls reads.
        #expect(open == [0, 1, 2, 3], "\(output.output.revealText())")
    }

    @Test func signalsHaveTheirDefaults() async throws {
        await #expect(processExitsWith: .success) {
            signal(SIGPIPE, SIG_IGN)
            signal(SIGTERM, SIG_IGN)
            try await withProgramFolder { folder in
                let path = try await folder.script("program", "exec /bin/grep -E '^Sig(Ign|Blk)' /proc/self/status")
                let output = try await SubprocessRunner(directory: folder.path).run(ProgramCall(path))
                let words = output.output.revealText().split(whereSeparator: \.isWhitespace)
                let masks = words.compactMap { UInt64($0, radix: 16) }
                #expect(masks.count == 2)
                // The C library keeps the signals 32 and 33 for itself.
                for mask in masks { #expect(mask & 0x7FFF_FFFF == 0, "\(words)") }
            }
        }
    }

    @Test(arguments: ["exec <&-; echo done", "exit 0", "echo done"])
    func aProgramThatDoesNotReadHarmsNobody(_ lines: String) async throws {
        let output = try await run(lines, input: [UInt8](repeating: 1, count: SubprocessRunner.largestInput))
        #expect(output.status == 0)
    }

    @Test func outputOfTheVeryLimitIsTaken() async throws {
        let lines = "/usr/bin/head -c 1000 /dev/zero; /usr/bin/head -c 1000 /dev/zero >&2"
        let output = try await run(lines, outputLimit: 1000)
        #expect(output.output.count == 1000)
        #expect(output.errors.count == 1000)
    }
}
