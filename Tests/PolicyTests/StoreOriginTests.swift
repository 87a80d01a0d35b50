// What makes a store of one name another store: where its tokens are good, and who mints them.

import Policy
import Testing
import TokenStore

@Suite struct StoreOriginTests {
    @Test func everyPlaceAndTheSourceCount() throws {
        let git = try GitServer(webURL: "https://git.example")
        let all = [
            StoreFacts(name: "s", service: TokenService(git: git)),
            StoreFacts(name: "s", service: TokenService(registryHost: "git.example")),
            StoreFacts(name: "s", service: TokenService(otherHost: "git.example")),
            StoreFacts(name: "s", service: TokenService(otherHost: "other.example")),
            StoreFacts(name: "s", service: TokenService(git: git), source: "https://vault.example"),
            StoreFacts(name: "s", service: TokenService(git: git), source: "https://vault.example team"),
        ]
        #expect(Set(all.map(\.origin)).count == all.count)
        #expect(all[0].origin == "https://git.example")
        #expect(!all.contains { $0.origin.isEmpty })
    }
}
