// The Harbor store against a counterpart that checks what Harbor checks.

import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct HarborStoreTests {
    private static let file = "/etc/daypass/keys/harbor"

    private struct Scene {
        let harbor: LoopbackHarbor
        let source: SourceScene
        let clock: any WallClock

        var settings: HarborSettings {
            HarborSettings(
                url: source.url,
                username: "builder-admin",
                password: SecretReference(file: HarborStoreTests.file)
            )
        }
        var context: TokenStoreContext {
            source.context([HarborStoreTests.file: "correct horse: battery\n"], clock: clock)
        }
        func store() throws -> HarborStore { try HarborStore(settings: settings, context: context) }
    }

    private func withScene(
        clock: any WallClock = SystemClock(),
        prefix: String = "robot$",
        _ body: (Scene) async throws -> Void
    ) async throws {
        let harbor = LoopbackHarbor(clock: clock, prefix: prefix)
        harbor.add(account: "builder-admin", password: "correct horse: battery")
        harbor.add(project: "other", administrators: [])
        harbor.add(project: "binder", administrators: ["builder-admin"])
        try await SourceScene.with({ harbor.handle($0) }) { source in
            try await body(Scene(harbor: harbor, source: source, clock: clock))
        }
    }

    private static func request(
        _ repositories: [String] = ["binder/user/image"],
        _ actions: Set<RegistryAction> = [.pull, .push],
        lifetime: Duration? = nil,
        name: String? = nil
    ) -> TokenRequest {
        SourceScene.request(repositories, actions: actions, lifetime: lifetime, name: name)
    }

    @Test func keepsTheContract() async throws {
        try await withScene { scene in
            let suite = TokenStoreCompatibilitySuite(
                HarborStore.self,
                settings: scene.settings,
                context: scene.context,
                request: Self.request()
            )
            let violations = await suite.violations()
            #expect(violations == [])
            #expect(scene.harbor.deleted > 2)
        }
    }

    @Test func aRobotIsOfTheProjectAndLivesForDays() async throws {
        let clock = ManualClock()
        try await withScene(clock: clock, prefix: "bot_") { scene in
            let request = Self.request(
                ["binder/a", "binder/b"],
                [.push],
                lifetime: .seconds(86401),
                name: "daypass-0123"
            )
            let token = try await scene.store().issue(request)
            #expect(token.username == "bot_binder+daypass-0123")
            #expect(token.expiresAt == clock.now.advanced(by: .seconds(2 * 86400)))
            #expect(token.grantedScope == request.scope)
            let call = try #require(scene.source.http.calls.first)
            #expect(call.method == "POST")
            #expect(call.url == "\(scene.source.url)/api/v2.0/robots")
            #expect(
                String(decoding: call.body ?? [], as: UTF8.self)
                    == #"{"description":"a build's, by Daypass","disable":false,"duration":2,"level":"project","#
                    + #""name":"daypass-0123","permissions":[{"access":[{"action":"push","resource":"repository"}],"#
                    + #""kind":"project","namespace":"binder"}]}"#
            )
            let secret = token.secret.revealText()
            #expect(scene.harbor.actions(of: token.username, secret, in: "binder") == ["push"])
            #expect(scene.harbor.actions(of: token.username, secret, in: "other") == [])
            clock.advance(by: .seconds(2 * 86400))
            #expect(scene.harbor.actions(of: token.username, secret, in: "binder") == nil)
        }
    }

    @Test func aLostAnswerIsFoundByItsName() async throws {
        try await withScene { scene in
            scene.harbor.addOthers(150, project: "binder") { "x\($0).daypass-7-lost" }
            let store = try scene.store()
            let lost = Self.request(name: "daypass-7-lost")
            scene.source.http.loseNextAnswer()
            let error = try await storeError { () async throws(TokenStoreError) in try await store.issue(lost) }
            #expect(error.code == .unavailable)
            #expect(error.tokenMayExist)
            let found = try #require(try await scene.store().find(lost.tokenName, scope: lost.scope))
            #expect(found.map(\.identifier) == ["161"])
            // A second try under the same name meets the first one's robot.
            let again = try await storeError { () async throws(TokenStoreError) in try await store.issue(lost) }
            #expect(again.message.contains("a robot of this name already"))
            #expect(again.tokenMayExist)
            try await store.revoke(found[0])
            #expect(scene.harbor.robots.count == 150)
            #expect(try await store.find(lost.tokenName, scope: lost.scope) == [])
            #expect(scene.harbor.requests.filter { $0.hasPrefix("GET /api/v2.0/robots") }.count == 4)
        }
    }

    @Test func refusalsSayWhatToDo() async throws {
        try await withScene { scene in
            let store = try scene.store()
            func error(_ request: TokenRequest) async throws -> TokenStoreError {
                try await storeError { () async throws(TokenStoreError) in try await store.issue(request) }
            }
            for project in ["other", "nowhere"] {
                let forbidden = try await error(Self.request(["\(project)/x"]))
                #expect(forbidden.code == .refused)
                #expect(forbidden.message == "Harbor forbids to create a robot in the project \(project) (HTTP 403)")
                #expect(forbidden.fix.contains("make builder-admin its administrator"))
            }
            let bad = try await error(Self.request(name: "-"))
            #expect(bad.code == .refused)
            #expect(!"\(bad)".contains("marked"))
            scene.harbor.add(account: "builder-admin", password: "another")
            let unauthorised = try await error(Self.request())
            #expect(unauthorised.code == .misconfigured)
            #expect(unauthorised.fix.contains("the password in \(Self.file)"))
            #expect(scene.harbor.robots.isEmpty)
            let search = try await storeError { () async throws(TokenStoreError) in
                try await store.find("daypass-1", scope: Self.request().scope)
            }
            #expect(search.code == .misconfigured)
        }
    }

    @Test func whatNoRobotCanDoIsRefused() async throws {
        let cases: [(TokenRequest, String)] = [
            (Self.request(["binder/x", "other/x"]), "reaches one Harbor project, and the scope names 2"),
            (Self.request(["binder"]), "no name of a Harbor repository"),
            (Self.request(["binder/"]), "no name of a Harbor repository"),
            (Self.request(["Binder/x"]), "no name of a Harbor repository"),
            (Self.request(["../x"]), "no name of a Harbor repository"),
            (Self.request(["binder/x"], [.delete]), "pull and push only"),
        ]
        for (request, text) in cases {
            let http = ScriptedTransport()
            let store = try Self.scripted(http)
            let error = try await storeError { () async throws(TokenStoreError) in try await store.issue(request) }
            #expect(error.code == .refused)
            #expect(error.message.contains(text), "\(error)")
            #expect(http.calls.isEmpty)
        }
    }

    private static func scripted(_ http: ScriptedTransport) throws -> HarborStore {
        try HarborStore(
            settings: HarborSettings(
                url: "https://harbor.example.com",
                username: "admin",
                password: SecretReference(file: file)
            ),
            context: SourceScene.context(http, [file: "secret-password"], clock: ManualClock())
        )
    }

    /// More than was asked for: the robot is deleted, and is not handed out.
    @Test(arguments: [
        #""name":"robot$binder+daypass-1","expires_at":-1"#,
        #""name":"robot$binder+daypass-1""#,
        // 2026-01-04, when one day was asked for.
        #""name":"robot$binder+daypass-1","expires_at":1767484800"#,
        #""name":"robot$other+daypass-1","expires_at":1767312000"#,
    ])
    func aWrongRobotIsDeleted(fields: String) async throws {
        let http = ScriptedTransport()
        http.then(201, json: #"{"id":9,"secret":"Aa1robotsecret",\#(fields)}"#)
        http.then(200)
        let store = try Self.scripted(http)
        let error = try await storeError { () async throws(TokenStoreError) in
            try await store.issue(Self.request(name: "daypass-1"))
        }
        #expect(error.code == .malformedAnswer)
        #expect(!error.tokenMayExist)
        #expect(
            http.calls.map { "\($0.method) \($0.url)" }.last == "DELETE https://harbor.example.com/api/v2.0/robots/9"
        )
    }

    @Test func aRobotThatIsGoneIsRevoked() async throws {
        for (status, body, isGone) in [
            (200, "", true), (404, #"{"errors":[{"code":"NOT_FOUND","message":"x"}]}"#, true),
            (404, "<html>404</html>", false), (403, #"{"errors":[{"code":"FORBIDDEN","message":"x"}]}"#, false),
        ] {
            let http = ScriptedTransport()
            http.then(status, json: body)
            let store = try Self.scripted(http)
            do throws(TokenStoreError) {
                try await store.revoke(RevocationHandle(identifier: "9"))
                #expect(isGone)
            } catch {
                #expect(!isGone)
            }
        }
        let store = try Self.scripted(ScriptedTransport())
        let foreign = try await storeError { () async throws(TokenStoreError) in
            try await store.revoke(RevocationHandle(identifier: "../projects/1"))
        }
        #expect(foreign.code == .refused)
    }

    @Test func wrongSettingsAreNamed() throws {
        let right = HarborSettings(
            url: "https://harbor.example.com:8443",
            username: "admin",
            password: SecretReference(file: Self.file)
        )
        #expect(try HarborStore.service(for: right).registryHost == "harbor.example.com:8443")
        for (change, expected) in [
            ({ $0.url = "harbor.example.com" }, "url can't be used"),
            ({ $0.url = "https://harbor.example.com/api/v2.0" }, "url has a path"),
            ({ $0.username = "a:b" }, "username is empty, or holds a colon"),
            ({ $0.registryHost = "a/b" }, "registryHost is no host name"),
        ] as [((inout HarborSettings) -> Void, String)] {
            var settings = right
            change(&settings)
            do throws(TokenStoreError) {
                _ = try HarborStore.service(for: settings)
                Issue.record("\(expected) did not come")
            } catch {
                #expect(error.code == .misconfigured)
                #expect(error.message.contains(expected), "\(error)")
            }
        }
    }
}
