// Tokens and user names that would end a line and begin another, and files that must not print.

import Crypto
import MountRequests
import Refusals
import Rendering
import Testing
import TokenStore

@Suite struct UnusableAnswersTests {
    private static let lines = [
        "git-credential", "git-credentials", "netrc", "askpass", "env", "json", "docker-config",
    ]

    private func refusal(_ format: String, _ issued: IssuedToken) throws -> Refusal? {
        let token = PlannedToken(
            name: "source",
            service: TokenService(git: try GitServer(webURL: "https://github.com"), registryHost: "ghcr.io"),
            scope: TokenScope(repositories: ["o/r"])
        )
        let plan = try FilePlan([FileAsk(path: "f", format: format, tokens: ["source"])], tokens: [token])
        do throws(Refusal) {
            _ = try plan.render(["source": issued])
            return nil
        } catch {
            return error
        }
    }

    @Test(arguments: lines, ["a\nquit=1", "a\r", "a\0b", "a\u{7f}", "a\u{85}b", "\t", ""])
    func badToken(format: String, secret: String) throws {
        let refusal = try #require(try refusal(format, Sample.issued(secret)))
        #expect(refusal.reason == .storeAnswerUnusable)
        #expect(
            refusal.message.hasPrefix("the store's answer for the token \"source\" does not fit \(format): its token ")
        )
        #expect(!refusal.description.contains("quit"))
    }

    @Test(arguments: lines + ["username"], ["a\npassword=x", "a:b", "a\0", ""])
    func badUserName(format: String, user: String) throws {
        let refusal = try #require(try refusal(format, Sample.issued(user: user)))
        #expect(refusal.reason == .storeAnswerUnusable)
        #expect(refusal.message.contains("its user name "))
        #expect(!refusal.description.contains("password=x"))
    }

    @Test(arguments: lines)
    func tokenThatIsNoText(format: String) throws {
        var issued = Sample.issued()
        issued.secret = Secret([0xC3, 0x28])
        #expect(try refusal(format, issued)?.message.hasSuffix("its token is no UTF-8 text") == true)
    }

    @Test(arguments: ["a b", "a\"b", "a'b", "a\\b", "#a", "ü"])
    func netrcHasNoEscapes(secret: String) throws {
        #expect(try refusal("netrc", Sample.issued(secret))?.reason == .storeAnswerUnusable)
        #expect(try refusal("netrc", Sample.issued(user: secret))?.reason == .storeAnswerUnusable)
    }

    /// A shell takes these files apart.
    @Test(arguments: ["askpass", "env"], ["ü", "a'\u{301}b", "a\u{a0}b"])
    func scriptsAreASCII(format: String, text: String) throws {
        #expect(try refusal(format, Sample.issued(text))?.message.hasSuffix("its token holds non-ASCII text") == true)
        let user = try refusal(format, Sample.issued(user: text))
        #expect(user?.message.hasSuffix("its user name holds non-ASCII text") == true)
    }

    @Test(arguments: ["token", "password"])
    func emptyBareToken(format: String) throws {
        #expect(try refusal(format, Sample.issued(""))?.reason == .storeAnswerUnusable)
    }

    @Test func tokenLongerThanALineOfGit() throws {
        let longest = String(repeating: "x", count: 65_534 - "password=".count)
        #expect(try refusal("git-credential", Sample.issued(longest)) == nil)
        #expect(try refusal("git-credential", Sample.issued(longest + "x"))?.reason == .storeAnswerUnusable)
        #expect(try refusal("token", Sample.issued(longest + "x")) == nil)
    }
}

@Suite struct RenderedFileTests {
    private let file = RenderedFile(path: "token", mode: 0o444, contents: Array("ghs_Token123".utf8))

    @Test func neverPrintsItsContents() {
        var dumped = ""
        dump(file, to: &dumped)
        let bytes = file.contents.map(String.init).joined(separator: ", ")
        for text in ["\(file)", String(reflecting: file), dumped, "\([file])", "\(Optional(file) as Any)"] {
            #expect(!text.contains("ghs_") && !text.contains(bytes), "\(text)")
            #expect(text.contains("token"))
        }
    }

    @Test func versionsChangeWithTheBytesAndTellNothing() {
        let versioner = ObjectVersioner(key: SymmetricKey(data: Array(repeating: UInt8(7), count: 32)))
        let version = versioner.version(of: file)
        #expect(
            version.count == 22
                && version.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_".contains($0)) }
        )
        #expect(versioner.version(of: file) == version)
        let others = [
            RenderedFile(path: "token", mode: 0o444, contents: Array("ghs_Token124".utf8)),
            RenderedFile(path: "token", mode: 0o400, contents: file.contents),
            RenderedFile(path: "tokeng", mode: 0o444, contents: Array("hs_Token123".utf8)),
            RenderedFile(path: "token2", mode: 0o444, contents: file.contents),
            RenderedFile(path: "token", mode: 0o444, contents: []),
        ]
        #expect(Set(others.map(versioner.version) + [version]).count == 6)
        let shifted = [("a", "0444x"), ("a0444", "x")].map {
            RenderedFile(path: $0.0, mode: 0o444, contents: Array($0.1.utf8))
        }
        #expect(Set(shifted.map(versioner.version)).count == 2, "where one field ends counts")
        let otherNode = ObjectVersioner(key: SymmetricKey(data: Array(repeating: UInt8(8), count: 32)))
        #expect(otherNode.version(of: file) != version)
    }
}
