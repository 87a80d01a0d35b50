// The store keeps the contract of TokenStore, over real HTTP, with each kind of token.

import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct OCIRegistryCompatibilityTests {
    @Test(arguments: zip(["registry-token", "identity-token"], [true, false]))
    func keepsTheContract(hand: String, isOpaque: Bool) async throws {
        try await OCIRegistryFixture.withRegistry { registry, url, http in
            registry.tokenServer.change { $0.areTokensOpaque = isOpaque }
            let suite = TokenStoreCompatibilitySuite(
                OCIRegistryStore.self,
                settings: OCIRegistryFixture.settings(url, hand: hand),
                context: OCIRegistryFixture.context(http),
                request: OCIRegistryFixture.request(["binder/app", "binder/other"])
            )
            #expect(await suite.violations() == [])
            let books = registry.tokenServer.books
            #expect(books.minted.count > 2)
            #expect(books.minted.allSatisfy { $0.isOffline == (hand == "identity-token") })
            #expect(books.refreshTokens.isEmpty == (hand == "registry-token"))
        }
    }

    @Test func saysWhatItsTokensAre() {
        let narrow = OCIRegistryStore.capabilities(for: OCIRegistryFixture.settings("https://r.example"))
        #expect(narrow == OCIRegistryStore.capabilities)
        let settings = OCIRegistryFixture.settings("https://r.example", hand: "identity-token")
        #expect(OCIRegistryStore.capabilities(for: settings).sharesTokens, "a server may have one for all")
        #expect(OCIRegistryStore.reach(for: OCIRegistryFixture.settings("https://r.example")) == .exact)
        let wide = OCIRegistryStore.reach(
            for: OCIRegistryFixture.settings("https://r.example", hand: "identity-token")
        )
        #expect(wide == .wider("everything that the account builder may do at the registry"))
    }
}
