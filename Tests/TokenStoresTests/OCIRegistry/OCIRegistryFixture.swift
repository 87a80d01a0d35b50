// A registry, its token server and a store for it, and what the tests of the store share.

import HTTPTransfer
import Logging
import LoopbackSources
import Support
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

enum OCIRegistryFixture {
    static let passwordFile = "/etc/daypass/registry-password"
    static let password = "correct horse battery"

    private static let kept = Box<RegistrySigner?>(nil)

    /// A key that is made once.
    static func signer() async throws -> RegistrySigner {
        if let signer = kept.get() { return signer }
        let signer = try await RegistrySigner.make()
        kept.set(signer)
        return signer
    }

    /// An account that may push two images and read a third.
    static let accounts = [
        "builder": LoopbackTokenServer.Account(
            password: password,
            rights: [
                "binder/app": ["pull", "push", "delete"], "binder/other": ["pull", "push"], "base/image": ["pull"],
            ]
        ),
        "stranger": LoopbackTokenServer.Account(password: "something else", rights: [:]),
    ]

    static func tokenServer(_ clock: any WallClock = SystemClock()) async throws -> LoopbackTokenServer {
        LoopbackTokenServer(signer: try await signer(), accounts: accounts, clock: clock)
    }

    static func settings(
        _ registry: String,
        username: String = "builder",
        tokenServer: String? = nil,
        service: String? = nil,
        hand: String? = nil
    ) -> OCIRegistrySettings {
        OCIRegistrySettings(
            registry: registry,
            tokenServer: tokenServer,
            service: service,
            credential: .init(username: username, password: SecretReference(file: passwordFile)),
            hand: hand
        )
    }

    static func context(
        _ http: any HTTPTransport,
        clock: any WallClock = SystemClock(),
        password: String = password
    ) -> TokenStoreContext {
        TokenStoreContext(
            name: "images",
            clock: clock,
            http: http,
            secrets: FixedSecrets([passwordFile: password + "\n"]),
            logger: quiet
        )
    }

    static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    static func request(
        _ repositories: [String] = ["binder/app"],
        _ actions: Set<RegistryAction> = [.pull, .push]
    ) -> TokenRequest {
        TokenRequest(
            subject: SubjectTokens.subject,
            scope: TokenScope(repositories: repositories, actions: actions)
        )
    }

    /// Runs a registry with its token server, and a real transport to it.
    static func withRegistry(
        _ clock: any WallClock = SystemClock(),
        _ body: (LoopbackRegistry, _ url: String, CurlTransport) async throws -> Void
    ) async throws {
        let registry = LoopbackRegistry(tokenServer: try await tokenServer(clock))
        try await withLoopbackSource({ registry.answer($0) }) { url in
            try await withCurlTransport(HTTPTransferOptions(proxy: .none), logger: quiet) { http in
                try await body(registry, url, http)
            }
        }
    }

    /// The error of an issue that must fail.
    static func issueError(
        _ store: OCIRegistryStore,
        _ request: TokenRequest = request()
    ) async throws -> TokenStoreError {
        do throws(TokenStoreError) {
            let token = try await store.issue(request)
            throw TokenStoreError(.cancelled, "a token was issued: \(token.grantedScope.summary)")
        } catch {
            try #require(!error.message.hasPrefix("a token was issued"), "\(error)")
            #expect(!"\(error)".contains(password))
            #expect(!error.message.contains("\n"))
            return error
        }
    }
}
