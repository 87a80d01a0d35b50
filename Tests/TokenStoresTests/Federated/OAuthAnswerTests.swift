// Answers of token endpoints: what is read out of good ones and of bad ones.

import Testing
import TokenStore

@testable import TokenStores

@Suite struct OAuthAnswerTests {
    private static let now = UTCInstant(epochSeconds: 1_767_225_600)
    private static let errors = OAuthErrors(
        source: SourceErrors(source: "the endpoint", address: "https://x.example", addressKey: "endpoint"),
        fixes: [.invalidScope: "look at scope"]
    )
    private static let step = SourceErrors.Step("issue a token", mints: true)

    @Test(arguments: [
        (400, #"{"error":"invalid_request"}"#, "refused: the endpoint does not take the call or the token in it"),
        (401, #"{"error":"invalid_client"}"#, "misconfigured: the endpoint does not know the client or its credential"),
        (400, #"{"error":"invalid_grant"}"#, "refused: the endpoint does not accept the token that it was shown (HTTP"),
        (
            403, #"{"error":"access_denied"}"#,
            "refused: the endpoint does not grant the token (HTTP 403, access_denied)"
        ),
        (400, #"{"error":"unsupported_grant_type"}"#, "misconfigured: the endpoint does not know this way of asking"),
        (400, #"{"error":"temporarily_unavailable"}"#, "unavailable: the endpoint can't answer now (HTTP 400, tempo"),
        (400, #"{"error":"slow_down"}"#, "rateLimited: the endpoint asks to come back later (HTTP 400, slow_down)"),
        (
            400, #"{"error":"invalid_scope"}"#,
            "refused: the endpoint does not know the scope or does not grant it (HTTP 400, invalid_scope); look at scope"
        ),
        // What is no code of OAuth is judged by its status, and never repeated.
        (400, #"{"error":"hunter2"}"#, "refused: the endpoint does not take the call to issue a token (HTTP 400)"),
        (
            401, #"{"error":{"code":401}}"#,
            "misconfigured: the endpoint does not accept the credential to issue a token"
        ),
        (429, #"{"error":"invalid_client"}"#, "rateLimited: the endpoint limits our calls (HTTP 429) until"),
        (500, #"{"error":"invalid_grant"}"#, "unavailable: the endpoint failed to issue a token (HTTP 500)"),
        (302, "", "misconfigured: https://x.example redirects the call to issue a token elsewhere (HTTP 302)"),
    ])
    func classesErrors(status: Int, body: String, text: String) {
        let error = Self.errors.error(
            HTTPAnswer(status: status, body: Array(body.utf8)),
            Self.step,
            now: Self.now
        )
        #expect("\(error)".hasPrefix(text), "\(error)")
        #expect((error.retryAt != nil) == (error.code == .rateLimited))
        #expect(error.tokenMayExist == (status == 500))
        #expect(!"\(error)".contains("hunter2"))
    }

    @Test(
        arguments: [
            (#"{"access_token":"t","expires_in":60}"#, 60), (#"{"access_token":"t","expires_in":"60"}"#, 60),
            (#"{"access_token":"t","expires_in":59.9}"#, 59), (#"{"access_token":"t"}"#, nil),
            (#"{"access_token":"t","expires_in":null}"#, nil),
        ] as [(String, Int64?)]
    )
    func readsLives(body: String, life: Int64?) throws {
        let answer = try #require(OAuthTokenAnswer(Array(body.utf8)))
        #expect(answer.expiresIn == life.map { .seconds($0) })
        #expect(answer.expiresAt(asked: Self.now) == life.map { Self.now.advanced(by: .seconds($0)) })
    }

    @Test(arguments: [
        "", "[]", "{}", #"{"access_token":""}"#, #"{"access_token":"a b"}"#, #"{"access_token":"a\nb"}"#,
        #"{"access_token":7}"#, #"{"access_token":"t","expires_in":0}"#, #"{"access_token":"t","expires_in":-5}"#,
        #"{"access_token":"t","expires_in":"soon"}"#, #"{"access_token":"t","expires_in":"nan"}"#,
        #"{"access_token":"t","expires_in":1e300}"#,
    ])
    func refusesAnswers(body: String) {
        #expect(OAuthTokenAnswer(Array(body.utf8)) == nil)
    }

    @Test func aTokenIsFoundInAnAnswerThatIsOtherwiseWrong() throws {
        let body = Array(#"{"access_token":"t0ken","expires_in":-5}"#.utf8)
        #expect(OAuthTokenAnswer(body) == nil)
        #expect(OAuthTokenAnswer.token(body) == Secret(utf8: "t0ken"))
    }

    @Test(arguments: [(nil, true), ("Bearer", true), ("bearer", true), ("N_A", true), ("DPoP", false), ("mac", false)])
    func knowsTokensOfUse(type: String?, isBearer: Bool) throws {
        let field = type.map { #","token_type":"\#($0)""# } ?? ""
        let answer = try #require(OAuthTokenAnswer(Array(#"{"access_token":"t"\#(field)}"#.utf8)))
        #expect(answer.isBearer == isBearer)
    }

    @Test func readsTheScope() throws {
        let answer = try #require(OAuthTokenAnswer(Array(#"{"access_token":"t","scope":"a  b:c"}"#.utf8)))
        #expect(answer.scope == ["a", "b:c"])
        #expect(try #require(OAuthTokenAnswer(Array(#"{"access_token":"t"}"#.utf8))).scope == nil)
    }
}
