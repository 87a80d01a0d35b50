// Tokens of files: plain and JSON, with and without expiry, rotated, missing, half written.

import Foundation
import Logging
import LoopbackSources
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

/// Files that change while a test runs.
private final class ChangingFiles: SecretReader {
    private let state: Mutex<(files: [String: String], reads: [String], afterRead: [(String, String)])>

    init(_ files: [String: String]) { state = Mutex((files, [], [])) }

    var reads: [String] { state.withLock { $0.reads } }

    func set(_ path: String, _ text: String?) { state.withLock { $0.files[path] = text } }

    /// Replaces files right after the next read of one, one change each.
    func afterReads(_ changes: [(String, String)]) { state.withLock { $0.afterRead = changes } }

    func read(_ reference: SecretReference) throws(TokenStoreError) -> Secret {
        let text = state.withLock { state in
            state.reads.append(reference.file)
            let text = state.files[reference.file]
            if !state.afterRead.isEmpty {
                let (path, new) = state.afterRead.removeFirst()
                state.files[path] = new
            }
            return text
        }
        guard let text else {
            throw TokenStoreError(.misconfigured, "\(reference.file) can't be read: No such file", fix: "mount it")
        }
        return Secret(utf8: text)
    }
}

@Suite struct FileStoreTests {
    private static let place = #","gitURL":"https://git.example.com""#
    private static let plain = #""token":{"file":"/t"},"username":"bot""# + place
    private static let json = #""token":{"file":"/t"},"format":"json""# + place
    private static let token = "token-of-the-file-0123"

    private struct Fixture {
        let clock = ManualClock()
        let files: ChangingFiles
        let store: FileStore

        init(_ json: String, _ files: [String: String]) throws {
            self.files = ChangingFiles(files)
            store = try FileStore(
                settings: try FileStoreTests.settings(json),
                context: TokenStoreContext(
                    name: "file",
                    clock: clock,
                    http: ScriptedTransport(),
                    secrets: self.files,
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
                )
            )
        }

        func issue() async throws(TokenStoreError) -> IssuedToken { try await store.issue(ExecFixture.request()) }

        func failure() async throws -> TokenStoreError {
            do throws(TokenStoreError) { _ = try await issue() } catch {
                #expect(!error.description.contains(FileStoreTests.token))
                #expect(error.description.split(whereSeparator: \.isNewline).count == 1)
                #expect(!error.fix.isEmpty)
                return error
            }
            throw ExecFixture.Unexpected()
        }
    }

    private static func settings(_ json: String) throws -> FileSettings {
        try JSONDecoder().decode(FileSettings.self, from: Data("{\(json)}".utf8))
    }

    @Test func theCompatibilitySuite() async throws {
        let end = SystemClock().now.epochSeconds + 900
        let files = [
            "/plain": "\(Self.token)\n", "/user": "bot\n", "/expiry": "\(end)\n",
            "/json": #"{"data":{"token":"\#(Self.token)","user":"bot","end":\#(end)}}"#,
        ]
        for json in [
            #""token":{"file":"/plain"},"usernameFile":"/user","expiryFile":"/expiry""#,
            #""token":{"file":"/json"},"format":"json","tokenKey":"data.token","usernameKey":"data.user","#
                + #""expiryKey":"data.end""#,
        ] {
            let suite = TokenStoreCompatibilitySuite(
                FileStore.self,
                settings: try Self.settings(json + Self.place),
                context: TokenStoreContext(
                    name: "file",
                    clock: SystemClock(),
                    http: ScriptedTransport(),
                    secrets: FixedSecrets(files),
                    logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
                ),
                request: ExecFixture.request()
            )
            #expect(await suite.violations() == [])
        }
    }

    @Test(arguments: [token, token + "\n", token + "\r\n", "\n  \(token)\t\n\n"])
    func aPlainFileHoldsTheTokenAlone(_ text: String) async throws {
        let fixture = try Fixture(Self.plain, ["/t": text])
        let token = try await fixture.issue()
        #expect(token.secret.revealText() == Self.token)
        #expect(token.username == "bot")
        #expect(token.expiresAt == nil)
        #expect(token.handle == nil)
        #expect(token.refreshAfter == .seconds(300))
        #expect(token.grantedScope == ExecFixture.request().scope)
        #expect(fixture.files.reads == ["/t"])
    }

    @Test func eachIssueReadsTheFile() async throws {
        let fixture = try Fixture(Self.plain + #","refreshAfterSeconds":60"#, [:])
        // Whatever writes the file has not started.
        let missing = try await fixture.failure()
        #expect(missing.code == .unavailable)
        #expect(missing.message == "/t can't be read: No such file")
        fixture.files.set("/t", "")
        let none = try await fixture.failure()
        #expect(none.message == "/t is empty")
        fixture.files.set("/t", " \n")
        let empty = try await fixture.failure()
        #expect(empty.code == .unavailable)
        fixture.files.set("/t", "first-token")
        let first = try await fixture.issue()
        #expect(first.secret.revealText() == "first-token")
        #expect(first.refreshAfter == .seconds(60))
        fixture.files.set("/t", "second-token")
        let second = try await fixture.issue()
        #expect(second.secret.revealText() == "second-token")
    }

    @Test func aJWTSaysItsOwnEnd() async throws {
        let fixture = try Fixture(Self.plain, ["/t": ExecGitCredentialTests.jwt + "\n"])
        let token = try await fixture.issue()
        #expect(token.expiresAt == UTCInstant(epochSeconds: 1_767_225_900))
        // Its life says when to look again.
        #expect(token.refreshAfter == nil)
        fixture.clock.advance(by: .seconds(300))
        let error = try await fixture.failure()
        #expect(error.code == .unavailable)
        #expect(error.message == "/t gives a token that expired at 2026-01-01T00:05:00Z")
    }

    @Test(
        arguments: [
            ("1767226200\n", 600), ("2026-01-01T00:10:00Z", 600), ("2026-01-01T01:10:00.5+01:00\n", 600),
            ("soon", nil), ("0", nil), ("-5", nil), ("1767226200000", nil), ("", nil),
        ] as [(String, Int64?)]
    )
    func anExpiryFileIsRead(_ text: String, _ seconds: Int64?) async throws {
        let fixture = try Fixture(Self.plain + #","expiryFile":"/e""#, ["/t": Self.token, "/e": text])
        if let seconds {
            let token = try await fixture.issue()
            #expect(token.expiresAt?.epochSeconds == 1_767_225_600 + seconds)
        } else {
            let error = try await fixture.failure()
            // It may be half of a time that is being written.
            #expect(error.code == .unavailable)
            #expect(error.message.hasPrefix("/e "))
        }
    }

    /// A rotation between the reads must not put a new token beside the old expiry.
    @Test func filesThatChangeTogetherAreReadTogether() async throws {
        let settings = #""token":{"file":"/t"},"usernameFile":"/u","expiryFile":"/e""# + Self.place
        let fixture = try Fixture(settings, ["/t": "old-token", "/u": "old", "/e": "1767226200"])
        // After the token was read, all three are replaced.
        fixture.files.afterReads([("/t", "new-token"), ("/u", "new"), ("/e", "1767229200")])
        let token = try await fixture.issue()
        #expect(token.secret.revealText() == "new-token")
        #expect(token.username == "new")
        #expect(token.expiresAt?.epochSeconds == 1_767_229_200)
        fixture.files.afterReads((0..<100).map { ("/t", "token-\($0)") })
        let restless = try await fixture.failure()
        #expect(restless.message == "/t changes faster than it can be read")
    }

    /// What is wrong beside a token that was replaced meanwhile was half of a rotation: all is read anew.
    @Test(arguments: ["", "17672", "2026-01-"])
    func anErrorAmidARotationIsReadAnew(_ half: String) async throws {
        let settings = #""token":{"file":"/t"},"usernameFile":"/u","expiryFile":"/e""# + Self.place
        let fixture = try Fixture(settings, ["/t": "old-token", "/u": "old", "/e": "1767226200"])
        // Reads: token, user name, expiry (half written by then), token again.
        fixture.files.afterReads([("/t", "new-token"), ("/e", half), ("/e", "1767229200")])
        let token = try await fixture.issue()
        #expect(token.secret.revealText() == "new-token")
        #expect(token.expiresAt?.epochSeconds == 1_767_229_200)
    }

    @Test func aLastingErrorIsReadOnce() async throws {
        let fixture = try Fixture(Self.plain + #","expiryFile":"/e""#, ["/t": Self.token, "/e": "soon"])
        let error = try await fixture.failure()
        #expect(error.code == .unavailable)
        #expect(error.message.contains("holds an expiry that is neither"))
        #expect(fixture.files.reads == ["/t", "/e", "/t"])
    }

    @Test(arguments: [
        (#"{"token":"token-of-the-file-0123","username":"bot","expiry":1767226200}"#, ""),
        (#"{"token":"token-of-the-file-0123","username":"bot","expiry":"2026-01-01T00:10:00Z","x":[null]}"#, ""),
        (#"{"token":"token-of-the-file-0123","username":"bot","expiry":"1767226200"}"#, ""),
        (#"{"token":"token-of-the-file-0123","username":"other","expiry":1767226200.9}"#, #","username":"bot""#),
        (
            #"{"auth":{"access_token":"token-of-the-file-0123","who":"bot"},"end":1767226200,"token":1,"expiry":"x"}"#,
            #","tokenKey":"auth.access_token","usernameKey":"auth.who","expiryKey":"end""#
        ),
    ])
    func aJSONFileHoldsMore(_ text: String, _ more: String) async throws {
        let token = try await Fixture(Self.json + more, ["/t": text]).issue()
        #expect(token.secret.revealText() == Self.token)
        #expect(token.username == "bot")
        #expect(token.expiresAt?.epochSeconds == 1_767_226_200)
    }

    @Test(arguments: [
        (#"{"token":"token-of-the-file-0123""#, "", TokenStoreError.Code.unavailable, "holds no JSON object"),
        (#"["token-of-the-file-0123"]"#, "", .unavailable, "holds no JSON object"),
        ("token-of-the-file-0123", "", .unavailable, "holds no JSON object"),
        (#"{"Token":"token-of-the-file-0123"}"#, "", .misconfigured, "holds no text at token"),
        (#"{"token":17}"#, "", .misconfigured, "holds no text at token"),
        (#"{"token":{"token":"x"}}"#, "", .misconfigured, "holds no text at token"),
        (#"{"token":"x"}"#, #","tokenKey":"token.value""#, .misconfigured, "holds no text at token.value"),
        (#"{"token":"","username":"u"}"#, "", .malformedAnswer, "gives a token that is empty"),
        (#"{"token":"token-of-the-file-0123"}"#, "", .misconfigured, "gives no user name with the token"),
        (#"{"token":"x","username":"a:b"}"#, "", .malformedAnswer, "gives a user name"),
        (#"{"token":"x","username":"u"}"#, #","usernameKey":"login""#, .misconfigured, "holds no text at login"),
        (#"{"token":"x","username":"u"}"#, #","expiryKey":"end""#, .misconfigured, "holds no text at end"),
        (#"{"token":"x","username":"u","end":null}"#, #","expiryKey":"end""#, .misconfigured, "holds no text at end"),
        (#"{"token":"x","username":"u","expiry":true}"#, "", .misconfigured, "holds an expiry that is neither"),
        (
            #"{"token":"x","username":"u","expiry":1767226200000}"#, "", .misconfigured,
            "holds an expiry that is neither"
        ),
        (#"{"token":"x","username":"u","expiry":1}"#, "", .unavailable, "expired at 1970-01-01T00:00:01Z"),
    ])
    func otherFilesAreRefused(
        _ text: String,
        _ more: String,
        _ code: TokenStoreError.Code,
        _ words: String
    ) async throws {
        let error = try await Fixture(Self.json + more, ["/t": text]).failure()
        #expect(error.code == code)
        #expect(error.message.hasPrefix("/t "))
        #expect(error.message.contains(words), "\(error)")
    }

    @Test(arguments: [token + "\n" + token, "a token", "token\u{e9}", "tok\0en"])
    func aFileWithMoreThanATokenIsRefused(_ text: String) async throws {
        let error = try await Fixture(Self.plain, ["/t": text]).failure()
        #expect(error.code == .malformedAnswer)
    }

    @Test(arguments: [
        (#""token":{"file":"/t"},"username":"u""#, "neither gitURL nor registryHost nor otherHost is set"),
        (#""token":{"file":"t"},"username":"u""# + place, "token.file is no absolute path"),
        (#""token":{"file":"/t"},"usernameFile":"u""# + place, "usernameFile is no absolute path"),
        (plain + #","expiryFile":"e""#, "expiryFile is no absolute path"),
        (#""token":{"file":"/t"}"# + place, "neither username nor usernameFile is set"),
        (plain + #","usernameFile":"/u""#, "more than one of username, usernameFile and usernameKey is set"),
        (json + #","usernameFile":"/u","usernameKey":"u""#, "more than one of username, usernameFile and usernameKey"),
        (plain + #","tokenKey":"x""#, "tokenKey, usernameKey and expiryKey are for format json"),
        (json + #","expiryFile":"/e","expiryKey":"e""#, "expiryFile and expiryKey are set"),
        (json + #","tokenKey":"a..b""#, "tokenKey is no key, and no keys with dots between them"),
        (json + #","expiryKey":"""#, "expiryKey is no key, and no keys with dots between them"),
        (#""token":{"file":"/t"},"username":"a:b""# + place, "username is empty, longer than 255 bytes, or holds"),
        (plain + #","refreshAfterSeconds":1"#, "refreshAfterSeconds is 1, and 30 to 86400 are allowed"),
    ])
    func eachMistakeInTheSettingsIsNamed(_ json: String, _ words: String) throws {
        let settings = try Self.settings(json)
        let error = #expect(throws: TokenStoreError.self) { try FileStore.service(for: settings) }
        #expect(error?.code == .misconfigured)
        #expect(error?.message.contains(words) == true, "\(error?.description ?? "")")
        #expect(error?.fix.isEmpty == false)
    }
}
