// Answers of STS and ECR as they may come, and what each becomes. None of their texts is shown.

import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct AWSAnswerTests {
    static let answers: [(SourceAnswer, TokenStoreError.Code, String)] = [
        (LoopbackAWS.fault(400, "Throttling", "Rate exceeded"), .rateLimited, "STS limits this account's calls until "),
        (LoopbackAWS.fault(503, "ServiceUnavailable", "x"), .unavailable, "STS failed to assume the role builder"),
        (LoopbackAWS.fault(400, "IDPCommunicationError", "x"), .unavailable, "STS can't reach the cluster's issuer"),
        (LoopbackAWS.fault(403, "IDPRejectedClaim", "x"), .refused, "the cluster's issuer rejected the Pod's token"),
        (LoopbackAWS.fault(400, "MalformedPolicyDocument", "x"), .refused, "STS does not take the session policy"),
        (LoopbackAWS.fault(403, "RegionDisabledException", "x"), .misconfigured, "STS is not activated in this region"),
        (LoopbackAWS.fault(400, "ValidationError", "x"), .misconfigured, "STS does not take a parameter of the call"),
        (LoopbackAWS.fault(400, "marked by AWS <b/>", "x"), .refused, "STS does not take the call to assume the role"),
        (
            LoopbackAWS.fault(403, "SomethingNew", "marked"), .refused,
            "STS forbids to assume the role builder (HTTP 403)"
        ),
        (SourceAnswer(502, body: Array("<html>marked".utf8)), .unavailable, "STS failed to assume the role builder"),
        (
            SourceAnswer(200, body: Array("<ListAllMyBucketsResult/>".utf8)), .malformedAnswer,
            "STS's answer to the call"
        ),
        (SourceAnswer(200, body: Array("<!DOCTYPE x><x/>".utf8)), .malformedAnswer, "STS's answer to the call"),
    ]

    @Test(arguments: answers) func ofSTS(answer: SourceAnswer, code: TokenStoreError.Code, text: String) async throws {
        try await AWSFixture.run { fixture in
            fixture.aws.answerNext(answer)
            let error = try await fixture.failure(try fixture.request())
            expect(error, code, text)
            #expect(!"\(error)".contains("marked") && !"\(error)".contains("SomethingNew"))
            #expect((error.retryAt != nil) == (code == .rateLimited))
            #expect(fixture.aws.requests.count == 1)
        }
    }

    static let ecrAnswers: [(SourceAnswer, TokenStoreError.Code, String, Bool)] = [
        (
            LoopbackAWS.jsonFault(400, "ThrottlingException", "x"), .rateLimited, "ECR limits this account's calls",
            false
        ),
        (
            LoopbackAWS.jsonFault(400, "com.amazonaws.ecr#ServerException", "x"), .unavailable, "ECR failed to issue",
            true
        ),
        (
            LoopbackAWS.jsonFault(400, "ExpiredTokenException", "x"), .unavailable,
            "ECR says that the credential to issue a registry password has expired", false
        ),
        (
            LoopbackAWS.jsonFault(400, "UnrecognizedClientException", "x"), .misconfigured,
            "ECR does not accept our signature", false
        ),
        (
            LoopbackAWS.jsonFault(400, "InvalidParameterException", "x"), .misconfigured,
            "ECR does not take a parameter of the call to issue a registry password", false
        ),
        (
            SourceAnswer(200, body: Array("<ListAllMyBuckets/>".utf8)), .malformedAnswer, "ECR's answer to the call",
            true
        ),
        (SourceAnswer.json(200, #"{"authorizationData":[]}"#), .malformedAnswer, "ECR's answer to the call", true),
        (entry("QVdTOnA=", "1e300"), .malformedAnswer, "ECR's answer to the call", true),
        (entry("QVdTOg==", "1900000000"), .malformedAnswer, "ECR's answer to the call", true),
        (entry("bm9jb2xvbg==", "1900000000"), .malformedAnswer, "ECR's answer to the call", true),
        (entry("%%%", "1900000000"), .malformedAnswer, "ECR's answer to the call", true),
        // What moto says.
        (
            entry("QVdTOnBhc3N3b3Jk", "1420070400"), .malformedAnswer,
            "ECR answered with a password that has already expired", false
        ),
    ]

    private static func entry(_ token: String, _ expiresAt: String) -> SourceAnswer {
        .json(200, #"{"authorizationData":[{"authorizationToken":"\#(token)","expiresAt":\#(expiresAt)}]}"#)
    }

    @Test(arguments: ecrAnswers)
    func ofECR(answer: SourceAnswer, code: TokenStoreError.Code, text: String, mayExist: Bool) async throws {
        try await AWSFixture.run { fixture in
            // STS answers as ever; the answer that was planned is ECR's.
            let http = SecondAnswer(base: fixture.context.http, answer: answer)
            var context = fixture.context
            context.http = http
            let store = try ECRStore(settings: fixture.settings(), context: context)
            let request = try fixture.request()
            do throws(TokenStoreError) {
                _ = try await store.issue(request)
                Issue.record("a token was issued")
            } catch {
                expect(error, code, text, tokenMayExist: mayExist)
            }
        }
    }

    /// Kubelet has nothing to do with a node's own key.
    @Test(arguments: [true, false], [true, false])
    func anEndedSessionIsExplainedByItsCredential(hasKey: Bool, isPublic: Bool) async throws {
        try await AWSFixture.run { fixture in
            let answer = LoopbackAWS.jsonFault(400, "ExpiredTokenException", "x")
            var context = fixture.context
            context.http = SecondAnswer(base: fixture.context.http, answer: answer)
            let keys = hasKey ? AWSFixture.keys : nil
            let request = try fixture.request(["our-alias/app"])
            let issue: () async throws(TokenStoreError) -> IssuedToken = { () throws(TokenStoreError) in
                if isPublic {
                    let settings = ECRPublicSettings(
                        roleARN: fixture.aws.options.roleARN,
                        aliases: ["our-alias"],
                        region: fixture.aws.options.region,
                        accessKey: keys,
                        stsURL: fixture.url,
                        ecrURL: fixture.url
                    )
                    return try await ECRPublicStore(settings: settings, context: context).issue(request)
                }
                let settings = fixture.settings { $0.accessKey = keys }
                return try await ECRStore(settings: settings, context: context).issue(request)
            }
            do throws(TokenStoreError) {
                _ = try await issue()
                Issue.record("a token was issued")
            } catch {
                #expect(error.code == .unavailable)
                #expect(error.message.contains("has expired"))
                #expect(error.fix.contains("kubelet") == !hasKey)
                #expect(error.fix.contains("accessKey") == hasKey)
            }
        }
    }

    @Test func aSessionOfAnotherRoleIsRefused() async throws {
        try await AWSFixture.run { fixture in
            let own = try await ownAnswer(fixture)
            for (from, to) in [
                ("assumed-role/builder/", "assumed-role/admin/"), (":111122223333:", ":999900001111:"),
                ("binder.build-1.11111111</Arn>", "other</Arn>"),
            ] {
                fixture.aws.answerNext(SourceAnswer(200, body: Array(own.replacing(from, with: to).utf8)))
                expect(
                    try await fixture.failure(try fixture.request()),
                    .malformedAnswer,
                    "STS answered with a session of another role or name than builder"
                )
            }
            let year = own.replacing(/<Expiration>\d{4}/, with: "<Expiration>2015")
            fixture.aws.answerNext(SourceAnswer(200, body: Array(year.utf8)))
            expect(
                try await fixture.failure(try fixture.request()),
                .malformedAnswer,
                "STS answered with a session that has already ended",
                fix: "clock"
            )
        }
    }

    /// A right answer of STS, as text.
    private func ownAnswer(_ fixture: AWSFixture) async throws -> String {
        _ = try await fixture.issue(try fixture.request())
        let answer = await fixture.aws.answer(fixture.aws.requests[0])
        return String(decoding: answer.body, as: UTF8.self)
    }
}

/// Answers the second call from a plan.
private struct SecondAnswer: HTTPTransport {
    let base: any HTTPTransport
    let answer: SourceAnswer

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        guard call.headers.contains(where: { $0.name == "X-Amz-Target" }) else { return try await base.send(call) }
        return HTTPAnswer(
            status: answer.status,
            headers: answer.headers.map { HTTPField($0.key, $0.value) },
            body: answer.body
        )
    }
}
