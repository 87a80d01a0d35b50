// What is refused before anything is minted, with the text that a user sees.

import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

@Suite struct FilePlanTests {
    private func problem(_ asks: [FileAsk], _ tokens: [PlannedToken]? = nil) throws -> String? {
        let known = try tokens ?? [Sample.git(), Sample.registry()]
        let problems = FilePlan.problems(asks, tokens: known)
        if let first = problems.first {
            #expect(throws: first) { try FilePlan(asks, tokens: known) }
            #expect(first.description.utf8.count < Refusal.longestLine, "the line would be cut: \(first.description)")
        } else {
            _ = try FilePlan(asks, tokens: known)
        }
        return problems.first?.description
    }

    @Test(arguments: [
        ("", "FileInvalid: file \"\": the path is empty; name a file, for example .gitconfig"),
        ("../x", "FileInvalid: file \"../x\": the path has a .. element; stay inside the volume"),
        ("a/../x", "FileInvalid: file \"a/../x\": the path has a .. element; stay inside the volume"),
        ("..", "FileInvalid: file \"..\": the path has a .. element; stay inside the volume"),
        (
            "..data",
            "FileInvalid: file \"..data\": its first element begins with .., which the driver keeps for itself; rename it"
        ),
        (
            "...x/y",
            "FileInvalid: file \"...x/y\": its first element begins with .., which the driver keeps for itself; rename it"
        ),
        ("/x", "FileInvalid: file \"/x\": the path is absolute; write it relative to the volume, without the first /"),
        ("a/../\u{301}b", "FileInvalid: file \"a/..?b\": the path has a .. element; stay inside the volume"),
        (
            "/\u{301}b",
            "FileInvalid: file \"?b\": the path is absolute; write it relative to the volume, without the first /"
        ),
        (
            "..\u{301}c",
            "FileInvalid: file \".?c\": its first element begins with .., which the driver keeps for itself; rename it"
        ),
        (
            "a//\u{301}b",
            "FileInvalid: file \"a/?b\": the path has an empty or . element; write it plainly, as in folder/file"
        ),
        ("a//b", "FileInvalid: file \"a//b\": the path has an empty or . element; write it plainly, as in folder/file"),
        ("a/", "FileInvalid: file \"a/\": the path has an empty or . element; write it plainly, as in folder/file"),
        ("./a", "FileInvalid: file \"./a\": the path has an empty or . element; write it plainly, as in folder/file"),
        (
            "a/./b",
            "FileInvalid: file \"a/./b\": the path has an empty or . element; write it plainly, as in folder/file"
        ),
        (".", "FileInvalid: file \".\": the path has an empty or . element; write it plainly, as in folder/file"),
        ("a\0", "FileInvalid: file \"a?\": the path holds a control character; use printable characters only"),
        ("a\nb", "FileInvalid: file \"a?b\": the path holds a control character; use printable characters only"),
    ])
    func badPath(path: String, message: String) throws {
        #expect(try problem([FileAsk(path: path, format: "token", tokens: ["source"])]) == message)
    }

    @Test func pathLengths() throws {
        let element = String(repeating: "e", count: 255)
        let longest = Array(repeating: element, count: 16).joined(separator: "/")
        #expect(longest.utf8.count == 4095)
        #expect(try problem([FileAsk(path: longest, format: "token", tokens: ["source"])]) == nil)
        let tooLong = try problem([FileAsk(path: longest + "/x", format: "token", tokens: ["source"])])
        #expect(try #require(tooLong).contains("longer than 4096 bytes"))
        let longElement = try problem([FileAsk(path: "a/e" + element, format: "token", tokens: ["source"])])
        #expect(try #require(longElement).contains("longer than 255 bytes"))
        let wide = String(repeating: "é", count: 128)
        #expect(
            try #require(try problem([FileAsk(path: wide, format: "token", tokens: ["source"])])).contains("255 bytes")
        )
    }

    @Test(arguments: [".gitconfig", "a", "a/b/c", "a..b", "a/..b", ".x/.y", "with space", "grün"])
    func goodPath(path: String) throws {
        #expect(try problem([FileAsk(path: path, format: "token", tokens: ["source"])]) == nil)
    }

    @Test(arguments: [
        (["a", "a"], "file \"a\": the path is asked for twice; name each file once"),
        (
            ["a", "a/b"],
            "file \"a/b\": it clashes with \"a\": one would be a file and a folder at once; rename one of them"
        ),
        (
            ["a", "a/\u{301}c"],
            "file \"a?c\": it clashes with \"a\": one would be a file and a folder at once; rename one of them"
        ),
        (
            ["a/b/c", "a/b"],
            "file \"a/b\": it clashes with \"a/b/c\": one would be a file and a folder at once; rename one of them"
        ),
    ])
    func clash(paths: [String], message: String) throws {
        let asks = paths.map { FileAsk(path: $0, format: "token", tokens: ["source"]) }
        #expect(try problem(asks) == "FileInvalid: " + message)
    }

    /// The kernel knows bytes: two spellings of one letter are two files.
    @Test func spellingsOfOneLetterAreTwoFiles() throws {
        let asks = ["\u{e9}", "e\u{301}"].map { FileAsk(path: $0, format: "token", tokens: ["source"]) }
        #expect(try problem(asks) == nil)
        let twice = try problem([asks[0], asks[1], asks[1]])
        #expect(twice?.contains("asked for twice") == true)
    }

    @Test func allFilesTogetherAreBounded() throws {
        let asks = ["a", "b"].map { FileAsk(path: $0, format: "token", tokens: ["source"]) }
        let plan = try FilePlan(asks, tokens: [Sample.git()])
        let half = String(repeating: "x", count: 512 << 10)
        #expect(try plan.render(["source": Sample.issued(half)]).count == 2)
        let refusal = #expect(throws: Refusal.self) { try plan.render(["source": Sample.issued(half + "x")]) }
        #expect(
            refusal?.description
                == "FileInvalid: file \"b\": with it the files are larger than 1048576 bytes together; ask for fewer files, "
                + "tokens or repositories, or shorten merge"
        )
    }

    /// What holds no token is counted before a token is minted.
    @Test func largeConfigurationsAreRefusedAhead() throws {
        let long = String(repeating: "r", count: 2000)
        let token = try Sample.git(repositories: (0..<100).map { "o/\(long)\($0)" })
        func asks(_ count: Int) -> [FileAsk] {
            (0..<count).flatMap { Sample.gitFiles("c\($0)", credential: "k\($0)", scope: "repository") }
        }
        #expect(try problem(asks(2), [token]) == nil)
        #expect(try problem(asks(3), [token])?.contains("larger than 1048576 bytes") == true)
        let wide = try Sample.git(repositories: (0..<300).map { "o/\(long)\($0)" })
        #expect(try problem(asks(1), [wide])?.contains("larger than 1048576 bytes") == true)
    }

    /// An offline check can't judge what only a Pod knows, and judges the rest.
    @Test func whatIsStillToComeIsNotJudged() throws {
        func problems(_ change: (inout FileAsk) -> Void, with others: [FileAsk] = []) throws -> [String] {
            var ask = FileAsk(path: "c", format: "gitconfig", tokens: ["source"])
            change(&ask)
            let credential = FileAsk(path: "k", format: "git-credential", tokens: ["source"])
            return FilePlan.problems([ask, credential] + others, tokens: [try Sample.git()]).map(\.message)
        }
        let attribute = "${x}"
        #expect(try problems { $0.scope = attribute }.count == 1)
        #expect(try problems { ($0.scope, $0.symbolic) = (attribute, [.scope]) } == [])
        #expect(try problems { ($0.mountPath, $0.symbolic) = (attribute, [.mountPath]) } == [])
        #expect(try problems { ($0.format, $0.symbolic) = (attribute, [.format]) } == [])
        #expect(try problems { ($0.path, $0.symbolic) = (attribute, [.path]) } == [])
        #expect(try problems { ($0.tokens, $0.symbolic) = ([attribute], [.tokens]) } == [])
        #expect(try problems { ($0.format, $0.merge, $0.symbolic) = ("docker-config", attribute, [.merge]) }.count == 1)
        #expect(
            try problems { ($0.merge, $0.symbolic) = (attribute, [.merge]) }.first?.contains("has no merge") == true
        )
        #expect(try problems { ($0.scope, $0.mountPath, $0.symbolic) = ("all", attribute, [.mountPath]) }.count == 1)
        #expect(try problems { ($0.path, $0.format, $0.symbolic) = ("../x", attribute, [.format]) }.count == 1)
        let ask = FileAsk(path: "c", format: "\(attribute)", tokens: ["source"], symbolic: [.format])
        #expect(throws: Refusal.self) { try FilePlan([ask], tokens: [Sample.git()]) }
    }

    @Test func namesThatOnlyLookAlikeAreNoClash() throws {
        #expect(
            try problem(["a", "ab", "a.b/c", "A"].map { FileAsk(path: $0, format: "token", tokens: ["source"]) }) == nil
        )
    }

    @Test(arguments: [
        (0o1777, "token", "the mode 1777 is not between 0001 and 0777; leave it out, or write 0444"),
        (0, "token", "the mode 0000 is not between 0001 and 0777; leave it out, or write 0444"),
        (-1, "token", "the mode -1 is not between 0001 and 0777; leave it out, or write 0444"),
        (1 << 23, "token", "the mode 40000000 is not between 0001 and 0777; leave it out, or write 0444"),
        (0o222, "token", "nobody can read a file of mode 0222; leave it out, or write 0444"),
        (
            0o444, "askpass",
            "git runs an askpass file, and mode 0444 lets nobody run it; leave the mode out, or write 0555"
        ),
    ])
    func badMode(mode: Int, format: String, message: String) throws {
        let ask = FileAsk(path: "f", format: format, tokens: ["source"], mode: mode)
        #expect(try problem([ask]) == "FileInvalid: file \"f\": " + message)
    }

    @Test func modes() throws {
        let asks = [
            FileAsk(path: "a", format: "token", tokens: ["source"]),
            FileAsk(path: "b", format: "askpass", tokens: ["source"]),
            FileAsk(path: "c", format: "token", tokens: ["source"], mode: 0o400),
        ]
        let files = try FilePlan(asks, tokens: [Sample.git()]).render(["source": Sample.issued()])
        #expect(files.map(\.mode) == [0o444, 0o555, 0o400])
        #expect(files.map(\.path) == ["a", "b", "c"])
    }

    @Test func unknownFormat() throws {
        let near = try problem([FileAsk(path: "f", format: "git-config", tokens: ["source"])])
        #expect(
            near
                == "FileInvalid: file \"f\": there is no format \"git-config\"; did you mean gitconfig? formats: gitconfig, "
                + "git-credential, git-credentials, netrc, askpass, docker-config, containers-auth, token, username, "
                + "password, env, json, expiry, mustache"
        )
        let far = try #require(try problem([FileAsk(path: "f", format: "spreadsheet\n", tokens: ["source"])]))
        #expect(far.hasPrefix("FileInvalid: file \"f\": there is no format \"spreadsheet?\"; formats: gitconfig, "))
    }

    @Test func unknownToken() throws {
        #expect(
            try problem([FileAsk(path: "f", format: "token", tokens: ["sorce"])])
                == "FileInvalid: file \"f\": there is no token \"sorce\"; did you mean \"source\"? known tokens: \"source\", \"image\""
        )
        #expect(
            try problem([FileAsk(path: "f", format: "token", tokens: [])])
                == "FileInvalid: file \"f\": it names no token; write tokens: [name]; the request's tokens: \"source\", \"image\""
        )
        #expect(
            try problem([FileAsk(path: "f", format: "env", tokens: ["source", "source"])])
                == "FileInvalid: file \"f\": it names the token \"source\" twice; name it once"
        )
    }

    @Test(arguments: ["git-credential", "token", "username", "password"])
    func oneTokenOnly(format: String) throws {
        #expect(
            try problem([FileAsk(path: "f", format: format, tokens: ["source", "image"])])
                == "FileInvalid: file \"f\": the format \(format) holds one token, and it names 2; ask for one file for each token"
        )
    }

    @Test(arguments: ["gitconfig", "git-credential", "git-credentials", "askpass"])
    func needsGitServer(format: String) throws {
        let text = try #require(try problem([FileAsk(path: "f", format: format, tokens: ["image"])]))
        #expect(
            text.hasPrefix("FileInvalid: file \"f\": the token \"image\" opens no git server, which \(format) is for; ")
        )
    }

    @Test(arguments: ["docker-config", "containers-auth"])
    func needsRegistry(format: String) throws {
        let text = try #require(try problem([FileAsk(path: "f", format: format, tokens: ["source"])]))
        #expect(
            text.hasPrefix("FileInvalid: file \"f\": the token \"source\" opens no registry, which \(format) is for; ")
        )
    }

    @Test func netrcNeedsAHost() throws {
        let nowhere = PlannedToken(name: "n", service: TokenService(), scope: TokenScope())
        let ask = FileAsk(path: "f", format: "netrc", tokens: ["n"])
        #expect(
            try problem([ask], [nowhere])
                == "FileInvalid: file \"f\": the token \"n\" belongs to no host; use the format token"
        )
    }

    @Test func optionsOfOtherFormats() throws {
        let asks = [
            FileAsk(path: "a", format: "token", tokens: ["source"], scope: "host"),
            FileAsk(path: "b", format: "askpass", tokens: ["source"], mountPath: "/creds"),
            FileAsk(path: "c", format: "netrc", tokens: ["source"], rewriteSSH: false),
            FileAsk(path: "d", format: "env", tokens: ["source"], merge: "{}"),
        ]
        #expect(
            try FilePlan.problems(asks, tokens: [Sample.git()]).map(\.message) == [
                "file \"a\": the format token has no scope", "file \"b\": the format askpass has no mountPath",
                "file \"c\": the format netrc has no rewriteSSH", "file \"d\": the format env has no merge",
            ]
        )
    }

    @Test func everyProblemIsTold() throws {
        let asks = [
            FileAsk(path: "/x", format: "nonsense", tokens: []),
            FileAsk(path: "ok", format: "token", tokens: ["source"]),
            FileAsk(path: "y", format: "nonsense", tokens: []),
        ]
        let problems = FilePlan.problems(asks, tokens: [try Sample.git()])
        #expect(
            problems.map(\.message) == [
                "file \"/x\": the path is absolute", "file \"y\": there is no format \"nonsense\"",
            ]
        )
    }

    @Test func noFiles() throws {
        #expect(
            try problem([])
                == "ParameterMissing: \"files\" is empty; list at least one, for example { path: token, format: token, tokens: [source] }"
        )
    }

    @Test func sharedHosts() throws {
        let tokens = try [Sample.git("a"), Sample.git("b", repositories: ["our-org/y"])]
        for format in ["git-credentials", "netrc", "askpass"] {
            let text = try #require(try problem([FileAsk(path: "f", format: format, tokens: ["a", "b"])], tokens))
            #expect(text.hasPrefix("FileInvalid: file \"f\": the tokens \"a\" and \"b\" share the host "), "\(text)")
        }
        let registries = [Sample.registry("a"), Sample.registry("b", at: "ghcr.io")]
        #expect(
            try problem([FileAsk(path: "f", format: "docker-config", tokens: ["a", "b"])], registries)
                == "FileInvalid: file \"f\": the tokens \"a\" and \"b\" share the registry \"ghcr.io\"; docker knows hosts only; ask for a file for each, or use containers-auth"
        )
        let hub = [Sample.registry("a", at: "docker.io"), Sample.registry("b", at: "registry-1.docker.io")]
        #expect(try problem([FileAsk(path: "f", format: "docker-config", tokens: ["a", "b"])], hub) != nil)
        let ports = try [Sample.git("a", at: "http://127.0.0.1:81"), Sample.git("b", at: "http://127.0.0.1:82")]
        #expect(try problem([FileAsk(path: "f", format: "netrc", tokens: ["a", "b"])], ports) != nil)
        #expect(try problem([FileAsk(path: "f", format: "git-credentials", tokens: ["a", "b"])], ports) == nil)
    }

    @Test func variableNames() throws {
        let tokens = try [Sample.git("a-b"), Sample.git("a_b"), Sample.git("1st")]
        let clash = try #require(try problem([FileAsk(path: "f", format: "env", tokens: ["a-b", "a_b"])], tokens))
        #expect(clash.contains("share the variable prefix \"A_B\""))
        let digit = try #require(try problem([FileAsk(path: "f", format: "env", tokens: ["1st"])], tokens))
        #expect(digit.contains("a variable can't begin as the token \"1st\" does"))
    }

    @Test func aTokenThatWasNeverIssuedIsADefect() throws {
        let plan = try FilePlan([FileAsk(path: "f", format: "token", tokens: ["source"])], tokens: [Sample.git()])
        let refusal = #expect(throws: Refusal.self) { try plan.render([:]) }
        #expect(refusal?.reason == .defect)
    }
}
