// The real thing: Debian's docker-registry, skopeo, and the files that Daypass writes.

import HTTPTransfer
import LoopbackSources
import Rendering
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite(.serialized) struct OCIRegistrySkopeoTests {
    /// A registry that trusts a token server, and what the tests do with both.
    private struct Scene {
        let registry: DockerRegistry
        let tokenServer: LoopbackTokenServer
        let realm: String
        let http: CurlTransport

        func image(_ repository: String, _ tag: String = "1") -> String {
            "docker://\(registry.host)/\(repository):\(tag)"
        }

        /// A token of our store for the real registry, with its place in a file plan.
        func token(
            _ hand: String,
            _ repositories: [String] = ["binder/app"],
            _ actions: Set<RegistryAction> = [.pull, .push]
        ) async throws -> (PlannedToken, IssuedToken) {
            // The token server's port is another than the registry's, but the host is the same.
            let settings = OCIRegistryFixture.settings(registry.url, hand: hand)
            let store = try OCIRegistryStore(settings: settings, context: OCIRegistryFixture.context(http))
            let request = OCIRegistryFixture.request(repositories, actions)
            let planned = PlannedToken(
                name: "image",
                service: try OCIRegistryStore.service(for: settings),
                scope: request.scope
            )
            return (planned, try await store.issue(request))
        }
    }

    private func withScene(_ body: (Scene, Skopeo) async throws -> Void) async throws {
        let tokenServer = try await OCIRegistryFixture.tokenServer()
        try await withLoopbackSource({ tokenServer.answer($0) }) { url in
            let realm = "\(url)/token"
            try await withCurlTransport(HTTPTransferOptions(proxy: .none), logger: OCIRegistryFixture.quiet) { http in
                try await DockerRegistry.run(.tokens(realm: realm, tokenServer)) { registry in
                    try await Skopeo.run { skopeo in
                        let scene = Scene(registry: registry, tokenServer: tokenServer, realm: realm, http: http)
                        try await body(scene, skopeo)
                    }
                }
            }
        }
    }

    @Test(arguments: ["docker-config", "containers-auth"])
    func anIdentityTokenPushesAndPulls(format: String) async throws {
        try await withScene { scene, skopeo in
            let token = try await scene.token("identity-token")
            let file = try skopeo.mount("config.json", format, [token])
            let image = try await skopeo.makeImage()

            let anonymous = try await skopeo.copy(image, scene.image("binder/app"))
            #expect(anonymous.code != 0, "without the file nothing is pushed")
            let push = try await skopeo.copy(image, scene.image("binder/app"), "--authfile", file)
            #expect(push.code == 0, "\(push.text)")
            let pull = try await skopeo.copy(
                scene.image("binder/app"),
                skopeo.back,
                "--authfile",
                file
            )
            #expect(pull.code == 0, "\(pull.text)")
            #expect(skopeo.digest("back") == skopeo.digest("image"))
            #expect(skopeo.digest("back") != nil)
            // skopeo presented the refresh token, and nothing else.
            let uses = scene.tokenServer.books.minted.filter { $0.clientID == "containers/image" }
            #expect(uses.allSatisfy { $0.way == .refresh && $0.account == "builder" })
            #expect(uses.contains { $0.granted == ["repository:binder/app:pull,push"] })

            let other = try await skopeo.copy(image, scene.image("else/where"), "--authfile", file)
            #expect(other.code != 0)
            #expect(other.text.contains("requested access to the resource is denied"), "\(other.text)")

            scene.tokenServer.withdrawRefreshTokens()
            let late = try await skopeo.copy(image, scene.image("binder/app", "2"), "--authfile", file)
            #expect(late.code != 0)
            #expect(late.text.contains("obtain access token"), "\(late.text)")
        }
    }

    @Test(arguments: RegistrySigner.KeyStyle.allCases)
    func aRegistryTokenPushesAndPullsItsRepositoriesOnly(style: RegistrySigner.KeyStyle) async throws {
        try await withScene { scene, skopeo in
            scene.tokenServer.change { $0.keyStyle = style }
            let token = try await scene.token("registry-token", ["base/image", "binder/app"], [.pull])
            let writer = try await scene.token("registry-token")
            let bearer = writer.1.secret.revealText()
            let image = try await skopeo.makeImage()
            let mintedBefore = scene.tokenServer.books.minted.count

            let push = try await skopeo.copy(image, scene.image("binder/app"), "--dest-registry-token", bearer)
            #expect(push.code == 0, "\(push.text)")
            let reader = token.1.secret.revealText()
            let pull = try await skopeo.copy(scene.image("binder/app"), skopeo.back, "--src-registry-token", reader)
            #expect(pull.code == 0, "\(pull.text)")
            #expect(skopeo.digest("back") == skopeo.digest("image"))

            // The account may push there; this token may not.
            let other = try await skopeo.copy(image, scene.image("binder/other"), "--dest-registry-token", bearer)
            #expect(other.code != 0)
            #expect(other.text.contains("requested access to the resource is denied"), "\(other.text)")
            let write = try await skopeo.copy(image, scene.image("binder/app", "2"), "--dest-registry-token", reader)
            #expect(write.code != 0, "a token to pull does not push")
            #expect(scene.tokenServer.books.minted.count == mintedBefore, "skopeo asked for no token of its own")
        }
    }

    @Test func anExpiredRegistryTokenIsRefused() async throws {
        // The registry gives 60 s of leeway, so the token ended ten minutes ago: it was made by a clock of then, for a
        // store that lives by the same clock.
        let past = ManualClock(now: SystemClock().now.advanced(by: .seconds(-900)))
        let tokenServer = try await OCIRegistryFixture.tokenServer(past)
        try await withLoopbackSource({ tokenServer.answer($0) }) { url in
            try await withCurlTransport(HTTPTransferOptions(proxy: .none), logger: OCIRegistryFixture.quiet) { http in
                try await DockerRegistry.run(.tokens(realm: "\(url)/token", tokenServer)) { registry in
                    try await Skopeo.run { skopeo in
                        let store = try OCIRegistryStore(
                            settings: OCIRegistryFixture.settings(registry.url),
                            context: OCIRegistryFixture.context(http, clock: past)
                        )
                        let old = try await store.issue(OCIRegistryFixture.request())
                        past.set(to: SystemClock().now)
                        let fresh = try await store.issue(OCIRegistryFixture.request())
                        let image = try await skopeo.makeImage()
                        let target = "docker://\(registry.host)/binder/app:1"
                        let late = try await skopeo.copy(
                            image,
                            target,
                            "--dest-registry-token",
                            old.secret.revealText()
                        )
                        #expect(late.code != 0)
                        #expect(late.text.contains("unauthorized") || late.text.contains("denied"), "\(late.text)")
                        let good = try await skopeo.copy(
                            image,
                            target,
                            "--dest-registry-token",
                            fresh.secret.revealText()
                        )
                        #expect(good.code == 0, "\(good.text)")
                    }
                }
            }
        }
    }

    /// An opaque token is tried at the registry; the real one answers the trial as the store expects.
    @Test func theTrialOfATokenIsUnderstoodByTheRealRegistry() async throws {
        try await withScene { scene, skopeo in
            let blind = JWTWithoutAccess(base: scene.http)
            let settings = OCIRegistryFixture.settings(scene.registry.url)
            let store = try OCIRegistryStore(settings: settings, context: OCIRegistryFixture.context(blind))
            let all: Set<RegistryAction> = [.pull, .push, .delete]
            let issued = try await store.issue(OCIRegistryFixture.request(["binder/app"], all))
            #expect(issued.grantedScope.actions == all)
            let error = try await OCIRegistryFixture.issueError(
                store,
                OCIRegistryFixture.request(["base/image", "binder/other"], all)
            )
            let left = "base/image:delete base/image:push binder/other:delete"
            #expect(error.message.hasSuffix("left out \(left)"), "\(error)")
        }
    }

    /// One config.json for two registries that want their tokens in different forms: skopeo copies from one to the other.
    @Test(arguments: ["docker-config", "containers-auth"])
    func oneFileForTwoRegistries(format: String) async throws {
        // bcrypt of "mirror-password".
        let entry = "mirror:$2b$05$oZ0usPOMcYtOIOBblH/EJurNawxyoFxzJ/o7lhZmdMi5.4.lcx.4i\n"
        try await withScene { scene, skopeo in
            try await DockerRegistry.run(.passwords(entry)) { mirror in
                let image = try await scene.token("identity-token")
                let basic = (
                    PlannedToken(
                        name: "mirror",
                        service: TokenService(registryHost: mirror.host),
                        scope: TokenScope(repositories: ["mirror/app"], actions: [.push])
                    ),
                    IssuedToken(
                        username: "mirror",
                        secret: Secret(utf8: "mirror-password"),
                        expiresAt: nil,
                        grantedScope: TokenScope(repositories: ["mirror/app"], actions: [.push])
                    )
                )
                let file = try skopeo.mount("config.json", format, [image, basic])
                let source = scene.image("binder/app")
                let push = try await skopeo.copy(try await skopeo.makeImage(), source, "--authfile", file)
                #expect(push.code == 0, "\(push.text)")
                let target = "docker://\(mirror.host)/mirror/app:1"
                let copy = try await skopeo.copy(source, target, "--authfile", file)
                #expect(copy.code == 0, "\(copy.text)")
                let pull = try await skopeo.copy(target, skopeo.back, "--authfile", file)
                #expect(pull.code == 0, "\(pull.text)")
                #expect(skopeo.digest("back") == skopeo.digest("image"))

                let alone = try skopeo.mount("alone.json", format, [image])
                let refused = try await skopeo.copy(source, "\(target)-2", "--authfile", alone)
                #expect(refused.code != 0, "each registry's own entry is what opens it")
            }
        }
    }
}

/// A transport that hides from the store what tokens say of themselves, as servers with opaque tokens do: it wraps each
/// token that comes, and unwraps it on the way to the registry.
private struct JWTWithoutAccess: HTTPTransport {
    let base: CurlTransport

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        var call = call
        if let value = call.authorization?.revealText(), value.hasPrefix("Bearer opaque!") {
            let token = value.dropFirst("Bearer opaque!".count).replacing("!", with: ".")
            call.authorization = Secret(utf8: "Bearer \(token)")
        }
        var answer = try await base.send(call)
        guard call.url.contains("/token?") else { return answer }
        let text = String(decoding: answer.body, as: UTF8.self)
        let hidden = text.split(separator: "\"", omittingEmptySubsequences: false).map { part in
            part.split(separator: ".").count == 3 ? "opaque!\(part.replacing(".", with: "!"))" : String(part)
        }
        answer.body = Array(hidden.joined(separator: "\"").utf8)
        return answer
    }
}
