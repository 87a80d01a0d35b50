// GitHub App tokens signed without a key on the node: by Transit, and by a program. The forge verifies what they sign.

import Foundation
import Logging
import LoopbackForge
import LoopbackSources
import Support
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite(.serialized) struct AppSignerTests {
    private let fixture: VaultFixture
    private static let jwtFile = "/var/run/secrets/vault/token"

    init() throws {
        fixture = try VaultFixture()
        fixture.vault.setRole(
            "daypass",
            LoopbackVault.Role(
                subject: "system:serviceaccount:kube-system:daypass",
                policy: ["transit/sign/github-app/sha2-256": ["update"]]
            )
        )
    }

    private func transit(key: String = "github-app", auth: VaultAuthSettings? = nil) -> TransitSettings {
        TransitSettings(
            address: VaultTransport.address,
            key: key,
            auth: auth
                ?? VaultAuthSettings(method: .jwt, role: "daypass", jwtFile: SecretReference(file: Self.jwtFile))
        )
    }

    private func context(
        _ forge: LoopbackForge,
        clock: any WallClock,
        programs: any ProgramRunner = NoPrograms()
    ) throws -> TokenStoreContext {
        let daypass = Subject(namespace: "kube-system", serviceAccount: "daypass", podName: "d", podUID: "u")
        let own = try fixture.subjects.token(
            for: daypass,
            audience: "vault",
            at: fixture.clock.now,
            lifetime: .seconds(86_400)
        )
        return TokenStoreContext(
            name: "github",
            clock: clock,
            http: SplitTransport(vault: fixture.transport, forge: ForgeTransport(forge: forge)),
            secrets: FixedSecrets([Self.jwtFile: own]),
            programs: programs,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        )
    }

    private func withForge(_ body: (LoopbackForge) async throws -> Void) async throws {
        let clock = fixture.clock
        try await withLoopbackForge(ForgeOptions(now: { Int(clock.now.epochSeconds) })) { forge in
            try await forge.addRepository("our-org/private")
            try await body(forge)
        }
    }

    private func settings(
        _ forge: LoopbackForge,
        transit: TransitSettings? = nil,
        signer: ProgramSignerSettings? = nil
    ) -> GitHubAppSettings {
        GitHubAppSettings(
            appID: forge.appID,
            transit: transit,
            signer: signer,
            apiURL: forge.apiURL,
            usabilityProbe: false
        )
    }

    @Test func transitSigns() async throws {
        try await withForge { forge in
            fixture.vault.addTransitKey("github-app", pem: forge.privateKeyPEM)
            let store = try GitHubAppStore(
                settings: settings(forge, transit: transit()),
                context: context(forge, clock: fixture.clock)
            )
            let token = try await store.issue(StoreFixture.request())
            #expect(forge.tokens.map(\.value) == [token.secret.revealText()])
            let seen = fixture.vault.seen
            #expect(
                seen.map(\.line) == [
                    "POST /v1/auth/jwt/login", "POST /v1/transit/sign/github-app/sha2-256",
                    "POST /v1/auth/token/revoke-self",
                ],
                "one signature serves the look-up and the mint"
            )
            #expect(seen[1].body.contains(#""prehashed":false,"signature_algorithm":"pkcs1v15""#))
            #expect(fixture.vault.logins == 0)
            // It is signed anew when it is old, not for each mint.
            _ = try await store.issue(StoreFixture.request())
            #expect(fixture.vault.loginCount == 1)
            fixture.clock.advance(by: .seconds(300))
            _ = try await store.issue(StoreFixture.request())
            #expect(fixture.vault.loginCount == 2)
        }
    }

    @Test func theContractIsKeptWithTransit() async throws {
        try await withForge { forge in
            fixture.vault.addTransitKey("github-app", pem: forge.privateKeyPEM)
            var suite = TokenStoreCompatibilitySuite(
                GitHubAppStore.self,
                settings: settings(forge, transit: transit()),
                context: try context(forge, clock: fixture.clock),
                request: StoreFixture.request()
            )
            suite.impliedPermissions = ["metadata": .read]
            #expect(await suite.violations() == [])
            #expect(forge.mintCount > 2)
        }
    }

    @Test func transitsFailuresAreExplained() async throws {
        try await withForge { forge in
            func error(_ transit: TransitSettings) async -> TokenStoreError? {
                await VaultFixture.error {
                    let store = try GitHubAppStore(
                        settings: settings(forge, transit: transit),
                        context: context(forge, clock: fixture.clock)
                    )
                    _ = try await store.issue(StoreFixture.request())
                }
            }
            let missing = await error(transit())
            #expect(missing?.code == .misconfigured)
            #expect(missing?.message == "Vault has no RSA key for transit/sign/github-app/sha2-256 (HTTP 400)")
            let forbidden = await error(transit(key: "other"))
            #expect(forbidden?.fix == "give role daypass update on transit/sign/other/sha2-256")
            fixture.vault.addTransitKey("github-app", pem: try StoreFixture.otherPEM.get())
            let strange = await error(transit())
            #expect(strange?.code == .misconfigured)
            #expect(
                strange?.fix
                    == "check that appID and the key github-app of Vault's Transit belong to one App and that the key "
                    + "was not deleted there"
            )
            #expect(fixture.vault.logins == 0)
            fixture.vault.setSealed(true)
            #expect(await error(transit())?.code == .unavailable)
        }
    }

    @Test func aProgramSigns() async throws {
        try await withForge { forge in
            try await withSigner(forge.privateKeyPEM) { program in
                let runner = SupportRunner()
                let signer = ProgramSignerSettings(program: program, arguments: ["sha256"], environment: ["A": "b"])
                let store = try GitHubAppStore(
                    settings: settings(forge, signer: signer),
                    context: context(forge, clock: fixture.clock, programs: runner)
                )
                let token = try await store.issue(StoreFixture.request())
                #expect(forge.tokens.map(\.value) == [token.secret.revealText()])
                let calls = runner.calls.withLock(\.self)
                #expect(calls.count == 1)
                #expect(calls.first?.path == program)
                #expect(calls.first?.arguments == ["sha256"])
                #expect(calls.first?.environment == ["A": "b"])
                // A header and claims, and nothing that is a secret.
                #expect(calls.first?.input.revealText().split(separator: ".").count == 2)
            }
        }
    }

    @Test func anEllipticCurveIsRefused() async throws {
        let curve = try await runProgram("openssl", ["ecparam", "-genkey", "-noout", "-name", "prime256v1"]).output
        try await withForge { forge in
            try await withSigner(curve) { program in
                let store = try GitHubAppStore(
                    settings: settings(forge, signer: ProgramSignerSettings(program: program, arguments: ["sha256"])),
                    context: context(forge, clock: fixture.clock, programs: SupportRunner())
                )
                let error = await VaultFixture.error { _ = try await store.issue(StoreFixture.request()) }
                #expect(error?.code == .misconfigured)
                #expect(error?.message.contains("is no RSA signature of 2048 bits or more") == true)
                #expect(forge.mintCount == 0)
            }
        }
    }

    @Test(arguments: [
        (FixedRunner.Answer.fails(.notRunnable), "misconfigured", "the signer /s can't be run"),
        (.fails(.noResources), "unavailable", "the system has no resources to run the signer /s"),
        (.fails(.timedOut), "unavailable", "the signer /s took longer than 10 s"),
        (.fails(.tooMuchOutput), "malformedAnswer", "the signer /s writes too much to be a signature"),
        (.fails(.cancelled), "cancelled", "the run of the signer /s was cancelled"),
        (.ends(3, "hunter2hunter2"), "unavailable", "the signer /s ended with status 3"),
        (.ends(nil, ""), "unavailable", "the signer /s was ended by a signal"),
        (.ends(0, "no base64"), "malformedAnswer", "the signer /s wrote no base64 on one line"),
        (.ends(0, ""), "malformedAnswer", "the signer /s wrote no base64 on one line"),
        (
            .ends(0, "aHVudGVyMmh1bnRlcjI=\n"), "misconfigured",
            "the signature by the key of /s has 14 bytes, and is no RSA signature of 2048 bits or more"
        ),
    ])
    func aProgramsFailuresAreExplained(answer: FixedRunner.Answer, code: String, message: String) async throws {
        try await withForge { forge in
            let store = try GitHubAppStore(
                settings: settings(forge, signer: ProgramSignerSettings(program: "/s")),
                context: context(forge, clock: fixture.clock, programs: FixedRunner(answer: answer))
            )
            let error = await VaultFixture.error { _ = try await store.issue(StoreFixture.request()) }
            #expect(error?.code.description == code)
            #expect(error?.message == message)
            #expect(error?.tokenMayExist == false)
            #expect(!"\(error?.description ?? "hunter2")".contains("hunter2") as Bool)
        }
    }

    /// The store is not made when its program can't be run, so the start and `daypass check` say so.
    @Test func aProgramThatCannotBeRunIsFoundAtOnce() async throws {
        try await withForge { forge in
            let error = await VaultFixture.error {
                _ = try GitHubAppStore(
                    settings: settings(forge, signer: ProgramSignerSettings(program: "/s")),
                    context: context(forge, clock: fixture.clock, programs: NoSuchProgram())
                )
            }
            #expect(error?.code == .misconfigured)
            #expect(error?.message == "signer: /s is not there")
            #expect(error?.fix == "check that it is there, executable, and changed by its owner only")
        }
    }

    @Test(arguments: [
        (#""appID":"1""#, "nothing signs for the App"),
        (#""appID":"1","privateKey":{"file":"/k"},"signer":{"program":"/s"}"#, "2 things sign for the App"),
        (#""appID":"1","signer":{"program":"s"}"#, "signer.program is no absolute path"),
        (
            #""appID":"1","transit":{"address":"https://v","key":"k","auth":{"method":"jwt","role":"r"}}"#,
            "transit.auth.jwtFile is missing, and the App's token is not that of one Pod"
        ),
        (
            #""appID":"1","transit":{"address":"https://v","key":"a/b","auth":"#
                + #"{"method":"jwt","role":"r","jwtFile":{"file":"/t"}}}"#,
            "transit.key is no name of a key"
        ),
        (
            #""appID":"1","transit":{"address":"http://v","key":"k","auth":"#
                + #"{"method":"jwt","role":"r","jwtFile":{"file":"/t"}}}"#,
            "transit.address can't be used: the server's URL must be https (http is taken on a loopback address only)"
        ),
    ])
    func settingsAreChecked(json: String, message: String) throws {
        let settings = try JSONDecoder().decode(GitHubAppSettings.self, from: Data("{\(json)}".utf8))
        do throws(TokenStoreError) {
            _ = try GitHubAppStore.service(for: settings)
            Issue.record("taken")
        } catch {
            #expect(error.code == .misconfigured)
            #expect(error.message == message)
            #expect(!error.fix.isEmpty)
        }
    }

    /// A script that signs with openssl, as an operator would write one.
    private func withSigner(_ pem: String, _ body: (String) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "signer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let key = folder.appending(path: "key.pem")
        try Data(pem.utf8).write(to: key)
        let script = folder.appending(path: "sign")
        try Data("#!/bin/sh\nopenssl dgst \"-$1\" -sign '\(key.path)' -binary | openssl base64 -A\n".utf8).write(
            to: script
        )
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: script.path)
        try await body(script.path)
    }
}

/// Runs programs for real, through the tests' own runner.
private final class SupportRunner: ProgramRunner {
    let calls = Mutex<[ProgramCall]>([])

    func run(_ call: ProgramCall) async throws(ProgramError) -> ProgramOutput {
        calls.withLock { $0.append(call) }
        do {
            let outcome = try await runProgram(call.path, call.arguments, input: call.input.revealText())
            return ProgramOutput(status: Int(outcome.code), output: Secret(utf8: outcome.output))
        } catch {
            throw ProgramError(.notRunnable, "it can't be run")
        }
    }
}

/// Answers without a program.
struct FixedRunner: ProgramRunner {
    enum Answer: Sendable {
        case fails(ProgramError.Code)
        case ends(Int?, String)
    }

    let answer: Answer

    func run(_ call: ProgramCall) async throws(ProgramError) -> ProgramOutput {
        switch answer {
        case .fails(let code): throw ProgramError(code, "scripted")
        case .ends(let status, let output): ProgramOutput(status: status, output: Secret(utf8: output))
        }
    }
}

/// Finds no program, and would run any.
struct NoSuchProgram: ProgramRunner {
    func check(_ path: String) throws(ProgramError) { throw ProgramError(.notRunnable, "\(path) is not there") }

    func run(_ call: ProgramCall) async throws(ProgramError) -> ProgramOutput {
        ProgramOutput(status: 0, output: Secret(utf8: "username=u\npassword=p\n"))
    }
}

/// Calls to the counterpart of Vault and to the forge.
private struct SplitTransport: HTTPTransport {
    let vault: VaultTransport
    let forge: ForgeTransport

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        if call.url.hasPrefix(VaultTransport.address) { return try await vault.send(call) }
        return try await forge.send(call)
    }
}
