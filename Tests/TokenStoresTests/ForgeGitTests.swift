// The loopback forge in front of real git: who may clone and push with which credential.

import Foundation
import Logging
import LoopbackForge
import Subprocess
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite(.serialized) struct ForgeGitTests {
    struct Outcome { var succeeded: Bool; var error: String }

    /// Runs git with nothing of the machine's configuration and, if given, one credential for all hosts.
    private func git(_ arguments: [String], token: String? = nil, user: String = "x-access-token") async throws
        -> Outcome
    {
        var options = ["-c", "credential.helper="]
        if let token {
            options += ["-c", "credential.helper=!f() { echo username=\(user); echo password=\(token); }; f"]
        }
        let environment: [Environment.Key: String] = [
            "PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": "/nonexistent",
            "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "T", "GIT_AUTHOR_EMAIL": "t@localhost",
            "GIT_COMMITTER_NAME": "T", "GIT_COMMITTER_EMAIL": "t@localhost",
        ]
        let result = try await run(
            .name("git"),
            arguments: Arguments(options + arguments),
            environment: .custom(environment),
            output: .discarded,
            error: .string(limit: 1 << 16)
        )
        return Outcome(succeeded: result.terminationStatus.isSuccess, error: result.standardError)
    }

    private func withDirectory<Result>(_ body: (URL) async throws -> Result) async throws -> Result {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("clone-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        return try await body(directory)
    }

    private func mint(
        _ forge: LoopbackForge,
        _ permissions: [String: AccessLevel] = ["contents": .read]
    ) async throws -> (store: GitHubAppStore, token: IssuedToken) {
        let store = try GitHubAppStore(
            settings: GitHubAppSettings(
                appID: forge.appID,
                privateKey: SecretReference(file: "/key.pem"),
                apiURL: forge.apiURL,
                usabilityProbe: false
            ),
            context: TokenStoreContext(
                name: "github",
                clock: SystemClock(),
                http: ForgeTransport(forge: forge),
                secrets: FixedSecrets(["/key.pem": forge.privateKeyPEM]),
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
            )
        )
        return (store, try await store.issue(StoreFixture.request(["our-org/private"], permissions)))
    }

    @Test func aMintedTokenClonesItsRepositoryOnly() async throws {
        try await withLoopbackForge { forge in
            try await forge.addRepository(
                "our-org/private",
                files: ["src/main.txt": "the source\n", "README.md": "r\n"]
            )
            try await forge.addRepository("our-org/other")
            let (store, token) = try await mint(forge)
            let secret = token.secret.revealText()
            try await withDirectory { directory in
                let target = directory.appendingPathComponent("a").path
                let clone = try await git(["clone", "-q", forge.cloneURL("our-org/private"), target], token: secret)
                #expect(clone.succeeded, "\(clone.error)")
                let text = try String(contentsOfFile: target + "/src/main.txt", encoding: .utf8)
                #expect(text == "the source\n")
                // The name without .git, and in another case, is the same repository.
                let plain = try await git(["ls-remote", forge.webURL + "/Our-Org/Private"], token: secret)
                #expect(plain.succeeded, "\(plain.error)")

                let other = try await git(["ls-remote", forge.cloneURL("our-org/other")], token: secret)
                #expect(!other.succeeded)
                #expect(other.error.contains("not found"))
                let unknown = try await git(["ls-remote", forge.cloneURL("our-org/unknown")], token: secret)
                #expect(!unknown.succeeded)
                let wrong = try await git(["ls-remote", forge.cloneURL("our-org/private")], token: "ghs_wrong")
                #expect(!wrong.succeeded)
                #expect(wrong.error.contains("Authentication failed"))
                let none = try await git(["ls-remote", forge.cloneURL("our-org/private")])
                #expect(!none.succeeded)

                try await store.revoke(try #require(token.handle))
                let revoked = try await git(["ls-remote", forge.cloneURL("our-org/private")], token: secret)
                #expect(!revoked.succeeded)
                #expect(revoked.error.contains("Authentication failed"))
            }
            let served = forge.requests.filter { $0.operation == .git }
            #expect(served.contains { $0.credential == .none && $0.status == 401 })
            #expect(served.contains { $0.credential == .basic && $0.status == 200 })
            #expect(served.allSatisfy { $0.host == forge.host })
        }
    }

    @Test func pushingWantsWriteAccess() async throws {
        try await withLoopbackForge { forge in
            try await forge.addRepository("our-org/private")
            let reader = try await mint(forge).token.secret.revealText()
            let writer = try await mint(forge, ["contents": .write]).token.secret.revealText()
            try await withDirectory { directory in
                let target = directory.appendingPathComponent("a").path
                #expect(
                    try await git(["clone", "-q", forge.cloneURL("our-org/private"), target], token: reader).succeeded
                )
                let empty = ["-C", target, "commit", "-q", "--allow-empty", "-m", "x"]
                #expect(try await git(empty).succeeded)
                let refused = try await git(["-C", target, "push", "-q", "origin", "main"], token: reader)
                #expect(!refused.succeeded)
                #expect(refused.error.contains("403"), "\(refused.error)")
                let taken = try await git(["-C", target, "push", "-q", "origin", "main"], token: writer)
                #expect(taken.succeeded, "\(taken.error)")
            }
        }
    }

    @Test func aPublicRepositoryNeedsNoCredential() async throws {
        try await withLoopbackForge { forge in
            try await forge.addRepository("our-org/public", isPrivate: false)
            #expect(try await git(["ls-remote", forge.cloneURL("our-org/public")]).succeeded)
            #expect(forge.requests.allSatisfy { $0.credential == .none })
            // Paths outside the protocol are not served.
            let paths = [
                "/our-org/public.git/HEAD", "/our-org/public.git/objects/info/packs", "/our-org/../x/info/refs",
            ]
            for path in paths {
                let answer = try await ForgeTransport(forge: forge).send(HTTPCall("GET", forge.webURL + path))
                #expect(answer.status == 404)
            }
        }
    }

    @Test func theAPIIsServedOverHTTP() async throws {
        try await withLoopbackForge { forge in
            try await forge.addRepository("our-org/public", isPrivate: false)
            func curl(_ arguments: [String]) async throws -> (status: TerminationStatus, output: String) {
                let result = try await run(
                    .name("curl"),
                    arguments: Arguments(["-q", "--noproxy", "*", "-sS", "-i"] + arguments),
                    output: .string(limit: 1 << 16),
                    error: .string(limit: 1 << 16)
                )
                return (result.terminationStatus, result.standardOutput)
            }
            let url = forge.apiURL + "/repos/our-org/public"
            let found = try await curl([url])
            #expect(found.output.hasPrefix("HTTP/1.1 200"), "\(found.output)")
            #expect(found.output.contains(#""full_name":"our-org/public""#))
            #expect(found.output.contains("Date: "))
            let refused = try await curl([
                "-X", "DELETE", "-H", "Authorization: Bearer x", forge.apiURL + "/installation/token",
            ])
            #expect(refused.output.hasPrefix("HTTP/1.1 401"), "\(refused.output)")
            let anonymous = try await curl(["-d", "{}", forge.apiURL + "/app/installations/1/access_tokens"])
            #expect(anonymous.output.hasPrefix("HTTP/1.1 401"), "\(anonymous.output)")
            let nameless = try await curl(["-A", "", url])
            #expect(nameless.output.hasPrefix("HTTP/1.1 403"), "\(nameless.output)")
            forge.fail(.repository, .lostAnswer)
            let lost = try await curl([url])
            // 18: the body ended early; 52 and 56: nothing came, or the connection was reset.
            #expect([.exited(18), .exited(52), .exited(56)].contains(lost.status), "\(lost.status)")
            forge.fail(.repository, .rateLimited(retryAfter: "7"))
            #expect(try await curl([url]).output.contains("Retry-After: 7"))
            forge.fail(.repository, .slow(.milliseconds(10)))
            #expect(try await curl([url]).output.hasPrefix("HTTP/1.1 200"))
        }
    }

    @Test func aSubmoduleOnAnotherHostIsAnotherHost() async throws {
        try await withLoopbackForge { second in
            let commit = try await second.addRepository("lib/public", files: ["lib.txt": "lib\n"], isPrivate: false)
            try await withLoopbackForge { forge in
                let submodule = ForgeSubmodule(path: "lib", url: second.cloneURL("lib/public"), commit: commit)
                try await forge.addRepository("our-org/private", submodules: [submodule])
                let secret = try await mint(forge).token.secret.revealText()
                try await withDirectory { directory in
                    let target = directory.appendingPathComponent("a").path
                    let arguments = ["clone", "-q", "--recurse-submodules", forge.cloneURL("our-org/private"), target]
                    let clone = try await git(arguments, token: secret)
                    #expect(clone.succeeded, "\(clone.error)")
                    #expect(try String(contentsOfFile: target + "/lib/lib.txt", encoding: .utf8) == "lib\n")
                }
                #expect(!second.requests.isEmpty)
                #expect(second.requests.allSatisfy { $0.credential == .none && $0.host == second.host })
            }
        }
    }

    @Test func aLargeRepositoryArrivesWhole() async throws {
        try await withLoopbackForge { forge in
            var state: UInt64 = 42
            let noise = (0..<60_000).map { _ in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return String(state, radix: 36)
            }.joined(separator: "\n")
            try await forge.addRepository("our-org/private", files: ["noise.txt": noise])
            let secret = try await mint(forge).token.secret.revealText()
            try await withDirectory { directory in
                let target = directory.appendingPathComponent("a").path
                let clone = try await git(["clone", "-q", forge.cloneURL("our-org/private"), target], token: secret)
                #expect(clone.succeeded, "\(clone.error)")
                #expect(try String(contentsOfFile: target + "/noise.txt", encoding: .utf8) == noise)
            }
        }
    }
}
