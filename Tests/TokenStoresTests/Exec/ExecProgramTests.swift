// The exec store with real programs: scripts that speak each protocol, git's own helpers, and programs that misbehave.

import Foundation
import Logging
import LoopbackSources
import Programs
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite(.timeLimit(.minutes(10))) struct ExecProgramTests {
    private func context(_ runner: SubprocessRunner, secrets: [String: String] = [:]) -> TokenStoreContext {
        TokenStoreContext(
            name: "helper",
            clock: SystemClock(),
            http: ScriptedTransport(),
            secrets: FixedSecrets(secrets),
            programs: runner,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    private func issue(
        _ program: String,
        _ json: String,
        in directory: String,
        _ request: TokenRequest = ExecFixture.request()
    ) async throws -> IssuedToken {
        let settings = try ExecFixture.settings(json, program: program)
        return try await ExecStore(settings: settings, context: context(SubprocessRunner(directory: directory)))
            .issue(request)
    }

    /// Each is a whole helper: it checks what it reads, and needs the secret of its environment.
    private static let helpers: [(name: String, settings: String, script: String)] = [
        (
            "git", #""protocol":"git-credential","gitURL":"https://git.example.com""#,
            """
            [ "$1" = get ] || exit 0
            while IFS='=' read -r key value && [ -n "$key" ]; do
                case "$key" in host) host=$value;; protocol) protocol=$value;; esac
            done
            [ "$protocol://$host" = https://git.example.com ] || exit 0
            echo username=robot
            echo "password=minted-with-$KEY-$$"
            echo "password_expiry_utc=$(($(/bin/date +%s) + 900))"
            """
        ),
        (
            "docker", #""protocol":"docker-credential-helper","registryHost":"registry.example.com""#,
            """
            [ "$1" = get ] || { echo "Unknown credential action"; exit 1; }
            server=$(/bin/cat)
            [ "$server" = registry.example.com ] || { echo 'credentials not found in native keychain'; exit 1; }
            printf '{"ServerURL":"%s","Username":"<token>","Secret":"minted-with-%s-%s"}\\n' "$server" "$KEY" "$$"
            """
        ),
        (
            "kubelet",
            #""protocol":"kubelet-credential-provider","registryHost":"registry.example.com","audience":"registry""#,
            """
            request=$(/bin/cat)
            case "$request" in *'"image":"registry.example.com/team/app"'*) ;; *) echo "bad image" >&2; exit 1;; esac
            case "$request" in *'"serviceAccountToken":"the-pods-token-of-the-test"'*) ;; *) exit 1;; esac
            printf '{"kind":"CredentialProviderResponse","apiVersion":"credentialprovider.kubelet.k8s.io/v1",'
            printf '"cacheKeyType":"Registry","cacheDuration":"1h",'
            printf '"auth":{"*.example.com":{"username":"robot","password":"minted-with-%s-%s"}}}' "$KEY" "$$"
            """
        ),
    ]

    @Test(arguments: helpers.map(\.name))
    func theCompatibilitySuite(_ name: String) async throws {
        let helper = try #require(Self.helpers.first { $0.name == name })
        try await withProgramFolder { folder in
            let program = try await folder.script(name, helper.script)
            let settings = helper.settings + #","environment":{"KEY":{"file":"/key"}}"#
            let suite = TokenStoreCompatibilitySuite(
                ExecStore.self,
                settings: try ExecFixture.settings(settings, program: program),
                context: context(
                    SubprocessRunner(directory: folder.path),
                    secrets: ["/key": "the-key-of-the-helper\n"]
                ),
                request: ExecFixture.request(subjectToken: "the-pods-token-of-the-test")
            )
            // The token holds the key, so a script that leaks its environment would be noticed, too.
            #expect(await suite.violations() == [])
        }
    }

    @Test func gitsOwnStoreAnswers() async throws {
        try await withProgramFolder { folder in
            try await folder.file(
                "credentials",
                """
                https://bot:the%2Btoken-of-the-file@git.example.com
                https://other:other-token-of-the-file@git.example.com/team/app.git
                https://bot:token-of-another-host@other.example
                """,
                mode: "0600"
            )
            let store =
                #""protocol":"git-credential","environment":{"HOME":"/nonexistent","GIT_CONFIG_NOSYSTEM":"1"},"#
                + #""arguments":["credential-store","--file","\#(folder.path)/credentials"],"#
            let git = #""gitURL":"https://git.example.com""#
            let token = try await issue("/usr/bin/git", store + git, in: "/usr/bin")
            #expect(token.username == "bot")
            #expect(token.secret.revealText() == "the+token-of-the-file")
            // With a path git's store gives what it has for that path, and nothing else.
            let path = try await issue(
                "/usr/bin/git",
                store + git + #","repositoryPath":"repository.git""#,
                in: "/usr/bin"
            )
            #expect(path.username == "other")
            let named = try await issue("/usr/bin/git", store + git + #","username":"other""#, in: "/usr/bin")
            #expect(named.secret.revealText() == "other-token-of-the-file")
            for (none, words) in [
                (git + #","repositoryPath":"repository""#, "has no credential for git.example.com"),
                (#""gitURL":"https://none.example""#, "has no credential for none.example"),
            ] {
                let error = await #expect(throws: TokenStoreError.self) {
                    try await issue("/usr/bin/git", store + none, in: "/usr/bin")
                }
                #expect(error?.code == .refused)
                #expect(error?.message == "/usr/bin/git \(words)")
            }
        }
    }

    @Test func gitsOwnCacheAnswers() async throws {
        try await withProgramFolder { folder in
            let sockets = "\(folder.path)/s"
            try FileManager.default.createDirectory(
                atPath: sockets,
                withIntermediateDirectories: false,
                attributes: [.posixPermissions: 0o700]
            )
            let cache = ["credential-cache", "--socket", "\(sockets)/socket"]
            let stored = try await runProgram(
                "/usr/bin/git",
                cache + ["--timeout", "300", "store"],
                input: "protocol=https\nhost=git.example.com\nusername=bot\npassword=the-cached-token\n\n"
            )
            #expect(stored.code == 0, "\(stored.text)")
            let words = cache.map { "\"\($0)\"" }.joined(separator: ",")
            let settings =
                #""protocol":"git-credential","gitURL":"https://git.example.com","arguments":[\#(words)],"#
                + #""environment":{"HOME":"/nonexistent"}"#
            let token = try await issue("/usr/bin/git", settings, in: "/usr/bin")
            #expect(token.username == "bot")
            #expect(token.secret.revealText() == "the-cached-token")
            let ended = try await runProgram("/usr/bin/git", cache + ["exit"])
            #expect(ended.code == 0, "\(ended.text)")
            let error = await #expect(throws: TokenStoreError.self) {
                try await issue("/usr/bin/git", settings, in: "/usr/bin")
            }
            #expect(error?.code == .refused)
        }
    }

    @Test func programsThatMisbehaveAreNamed() async throws {
        try await withProgramFolder { folder in
            func failure(_ script: String, _ more: String = "") async throws -> TokenStoreError {
                let program = try await folder.script("program", script)
                let settings = #""protocol":"git-credential","gitURL":"https://git.example.com""# + more
                let error = await #expect(throws: TokenStoreError.self) {
                    try await issue(program, settings, in: folder.path)
                }
                return try #require(error)
            }
            let cases: [(String, String, TokenStoreError.Code, String)] = [
                ("sleep 1000 & sleep 1000", #","timeoutSeconds":1"#, .unavailable, "had not ended after 1.0 seconds"),
                ("while :; do echo a=0123456789; done", "", .malformedAnswer, "wrote more than 65536 bytes"),
                ("while :; do echo 0123456789 >&2; done", "", .malformedAnswer, "wrote more than 65536 bytes"),
                ("echo secret-of-the-script; echo secret-of-the-script >&2; exit 3", "", .unavailable, "status 3"),
                ("kill -SEGV $$", "", .unavailable, "was ended by a signal"),
                (#"printf 'username=u\npassword=a\000b\n'"#, "", .malformedAnswer, "writes a NUL"),
                ("echo Password:", "", .malformedAnswer, "writes a line that is no key=value"),
            ]
            for (script, more, code, words) in cases {
                let error = try await failure(script, more)
                #expect(error.code == code, "\(error)")
                #expect(error.message.contains(words), "\(error)")
                #expect(!error.description.contains("secret-of-the-script"))
            }
            let missing = await #expect(throws: TokenStoreError.self) {
                try await issue(
                    folder.path + "/none",
                    #""protocol":"git-credential","gitURL":"https://git.example.com""#,
                    in: folder.path
                )
            }
            #expect(missing?.code == .misconfigured)
            let outside = await #expect(throws: TokenStoreError.self) {
                try await issue(
                    "/bin/cat",
                    #""protocol":"git-credential","gitURL":"https://git.example.com""#,
                    in: folder.path
                )
            }
            #expect(outside?.message == "/bin/cat is not in \(folder.path), the directory of programs")
        }
    }
}
