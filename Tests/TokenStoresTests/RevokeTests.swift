// Ending a token before its time.

import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct RevokeTests {
    private let handle = RevocationHandle(identifier: "42-1-ab", secret: Secret(utf8: StoreFixture.token))

    @Test(arguments: [204, 401]) func aTokenThatIsGoneIsASuccess(status: Int) async throws {
        let fixture = try StoreFixture()
        fixture.http.then(status, json: #"{"message":"Bad credentials"}"#)
        try await fixture.store.revoke(handle)
        let call = try #require(fixture.http.calls.first)
        #expect("\(call.method) \(call.url)" == "DELETE https://api.github.com/installation/token")
        #expect(call.authorization == Secret(utf8: "Bearer \(StoreFixture.token)"))
        #expect(call.body == nil)
    }

    @Test(arguments: [
        (500, TokenStoreError.Code.unavailable), (403, .refused), (404, .misconfigured), (200, .malformedAnswer),
        (429, .rateLimited), (302, .misconfigured), (422, .malformedAnswer),
    ])
    func anythingElseIsNot(status: Int, code: TokenStoreError.Code) async throws {
        let fixture = try StoreFixture()
        fixture.http.then(status)
        let error = try #require(await error { try await fixture.store.revoke(handle) })
        #expect(error.code == code)
        #expect(!error.tokenMayExist)
        #expect(!"\(error)".contains("ghs_"))
    }

    @Test func transportErrorsAreClassed() async throws {
        let fixture = try StoreFixture()
        let error = try #require(await error { try await fixture.store.revoke(handle) })
        #expect(error.code == .unavailable)
    }

    @Test func aHandleWithoutTheTokenIsOfNoUse() async throws {
        let fixture = try StoreFixture()
        let error = try #require(await error { try await fixture.store.revoke(RevocationHandle(identifier: "x")) })
        #expect(error.message == "GitHub revokes a token only when it is presented, and it was not kept")
        #expect(fixture.http.calls.isEmpty)
    }

    private func error(_ body: () async throws -> Void) async -> TokenStoreError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? TokenStoreError
        }
    }
}
