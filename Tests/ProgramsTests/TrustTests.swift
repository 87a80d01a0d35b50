// Which files are run, and which are not.

import Foundation
import Programs
import Support
import Testing
import TokenStore

@Suite struct TrustTests {
    private func refusal(_ path: String, in directory: String) -> String? {
        do throws(ProgramError) { try SubprocessRunner(directory: directory).check(path) } catch {
            #expect(error.code == .notRunnable)
            #expect(error.message.split(whereSeparator: \.isNewline).count == 1)
            return error.message
        }
        return nil
    }

    private func chmod(_ path: String, _ mode: Int) throws {
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
    }

    private func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    private func makeFolder(_ path: String) throws {
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: false,
            attributes: [.posixPermissions: 0o755]
        )
    }

    @Test func aProgramOfTheDirectoryIsTaken() async throws {
        try await withProgramFolder { folder in
            let path = try await folder.script("program", "echo ran")
            #expect(refusal(path, in: folder.path) == nil)
            #expect(refusal(path, in: folder.path + "/") == nil)
            try makeFolder(folder.path + "/below")
            let below = try await folder.script("below/program", "")
            #expect(refusal(below, in: folder.path) == nil)
            try chmod(path, 0o500)
            #expect(refusal(path, in: folder.path) == nil)
        }
    }

    @Test func otherPlacesAreRefused() async throws {
        try await withProgramFolder { folder in
            let program = try await folder.script("program", "echo ran")
            try makeFolder(folder.path + "/bin")
            let directory = folder.path + "/bin"
            #expect(refusal(program, in: directory) == "\(program) is not in \(directory), the directory of programs")
            #expect(refusal("/bin/sh", in: directory)?.contains("is not in") == true)
            #expect(refusal("\(directory)/../program", in: directory)?.contains("is not in") == true)
            #expect(refusal("\(directory)/./program", in: directory)?.contains("is not in") == true)
            #expect(refusal("program", in: directory)?.contains("is not in") == true)
            #expect(refusal(directory, in: directory)?.contains("is not in") == true)
            #expect(refusal("\(directory)x/program", in: directory)?.contains("is not in") == true)
            #expect(refusal("", in: directory)?.contains("is not in") == true)
            #expect(refusal("/bin/sh", in: "bin")?.contains("is no absolute path") == true)
            #expect(refusal("/bin/sh", in: "/usr/../bin")?.contains("is no absolute path") == true)
            let none = "\(directory)/none"
            #expect(refusal(none, in: directory) == "\(none) does not exist: there is no \(none)")
            #expect(refusal("\(none)/program", in: none)?.contains("does not exist: there is no \(none)") == true)
            #expect(
                refusal("\(program)/x", in: folder.path)?.contains("is below \(program), which is no folder") == true
            )
        }
    }

    @Test func linksMayNotLeadOut() async throws {
        try await withProgramFolder { folder in
            let outside = try await folder.script("outside", "echo ran")
            let directory = folder.path + "/bin"
            try makeFolder(directory)
            let inside = try await folder.script("bin/inside", "echo ran")
            try link(directory + "/in", to: "inside")
            try link(directory + "/absolute", to: inside)
            try link(directory + "/around", to: "../bin/inside")
            try link(directory + "/out", to: "../outside")
            try link(directory + "/far", to: outside)
            try link(directory + "/folder", to: "..")
            try link(directory + "/loop", to: "loop")
            try link(directory + "/itself", to: ".")
            try link(folder.path + "/alias", to: "bin")
            for name in ["in", "absolute", "around", "itself/inside"] {
                #expect(refusal("\(directory)/\(name)", in: directory) == nil)
            }
            // The directory itself may be reached over a link.
            #expect(refusal(folder.path + "/alias/in", in: folder.path + "/alias") == nil)
            for name in ["out", "far", "folder/outside"] {
                let path = "\(directory)/\(name)"
                #expect(refusal(path, in: directory) == "\(path) is a link that leads out of \(directory)")
            }
            #expect(refusal(directory + "/loop", in: directory)?.contains("too many links") == true)
        }
    }

    @Test func filesThatOthersCanChangeAreRefused() async throws {
        try await withProgramFolder { folder in
            let path = try await folder.script("program", "echo ran")
            for mode in [0o775, 0o757, 0o777] {
                try chmod(path, mode)
                let words = "\(path) can be written by others: chmod go-w"
                #expect(refusal(path, in: folder.path)?.hasPrefix(words) == true)
            }
            try chmod(path, 0o644)
            #expect(refusal(path, in: folder.path)?.contains("is not executable: chmod +x") == true)
            try makeFolder(folder.path + "/folder")
            #expect(refusal(folder.path + "/folder", in: folder.path)?.contains("is no regular file") == true)
            #expect(mkfifo(folder.path + "/fifo", 0o755) == 0)
            #expect(refusal(folder.path + "/fifo", in: folder.path)?.contains("is no regular file") == true)
        }
    }

    @Test func foldersThatOthersCanChangeAreRefused() async throws {
        try await withProgramFolder { folder in
            let directory = folder.path + "/a"
            try makeFolder(directory)
            try makeFolder(directory + "/b")
            let path = try await folder.script("a/b/program", "echo ran")
            #expect(refusal(path, in: directory) == nil)
            // Sticky will do above the directory of programs, where a link or a folder can't be replaced by others.
            try chmod(folder.path, 0o1777)
            #expect(refusal(path, in: directory) == nil)
            for (changed, mode) in [
                (folder.path, 0o777), (folder.path, 0o775), (directory, 0o777), (directory, 0o1777),
                (directory + "/b", 0o775), (directory + "/b", 0o1777),
            ] {
                try chmod(changed, mode)
                let words = "which others can write to: chmod go-w \(changed)"
                #expect(refusal(path, in: directory)?.hasSuffix(words) == true, "\(changed) \(String(mode, radix: 8))")
                try chmod(changed, 0o755)
            }
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give files away"))
    func filesOfOtherUsersAreRefused() async throws {
        try await withProgramFolder { folder in
            let directory = folder.path + "/bin"
            try makeFolder(directory)
            let path = try await folder.script("bin/program", "echo ran")
            try link(directory + "/link", to: "program")
            #expect(chown(path, 65534, 65534) == 0)
            #expect(refusal(path, in: directory)?.contains("belongs to another user") == true)
            #expect(chown(path, 0, 65534) == 0)
            #expect(refusal(path, in: directory) == nil)
            #expect(lchown(directory + "/link", 65534, 65534) == 0)
            #expect(
                refusal(directory + "/link", in: directory)?.contains("link \(directory)/link, which another") == true
            )
            #expect(chown(directory, 65534, 65534) == 0)
            #expect(refusal(path, in: directory)?.contains("the folder \(directory), which another user owns") == true)
        }
    }

    @Test func whatTheSystemCannotStartIsExplained() async throws {
        try await withProgramFolder { folder in
            func message(_ text: String) async throws -> String {
                let path = try await folder.file("program", text)
                let error = await #expect(throws: ProgramError.self) {
                    try await SubprocessRunner(directory: folder.path).run(ProgramCall(path))
                }
                #expect(error?.code == .notRunnable)
                return error?.message ?? ""
            }
            let interpreter = try await message("#!/nonexistent/sh\n")
            #expect(
                interpreter.hasSuffix("can't be started: the interpreter of its first line or its loader is missing")
            )
            for text in ["no program\n", ""] {
                let words = try await message(text)
                #expect(words.contains("it is neither a program of this machine nor a script that begins with #!"))
            }
        }
    }

    @Test func callsThatTheSystemWouldCutShortAreRefused() async throws {
        try await withProgramFolder { folder in
            let path = try await folder.script("program", "echo ran")
            let runner = SubprocessRunner(directory: folder.path)
            let calls = [
                (ProgramCall(path, ["a\0b"]), "an argument holds a NUL"),
                (ProgramCall(path, environment: ["A=B": "x"]), "a variable's name"),
                (ProgramCall(path, environment: ["": "x"]), "a variable's name"),
                (ProgramCall(path, environment: ["1A": "x"]), "a variable's name"),
                (ProgramCall(path, environment: ["A": "marked\0x"]), "the variable A holds a NUL"),
                (ProgramCall(path, input: Secret([UInt8](repeating: 0, count: 65537))), "its input has 65537 bytes"),
            ]
            for (call, words) in calls {
                let error = await #expect(throws: ProgramError.self) { try await runner.run(call) }
                #expect(error?.code == .notRunnable)
                #expect(error?.message.contains(words) == true)
                #expect(error?.message.contains("marked") == false)
            }
        }
    }
}
