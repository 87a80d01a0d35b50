// The protocol of kubelet's credential providers: what is sent, which entry is used, what is refused.

import Foundation
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct ExecKubeletProviderTests {
    private static let program = ExecFixture.program
    private static let token = ExecFixture.token

    private static func settings(_ host: String = "registry.example.com", _ more: String = "") -> String {
        #""protocol":"kubelet-credential-provider","registryHost":"\#(host)""# + more
    }

    /// A provider's answer; each of `keys` has a credential whose user name is the key's place in the list.
    private static func answer(
        _ keys: [String] = ["registry.example.com"],
        apiVersion: String = "credentialprovider.kubelet.k8s.io/v1",
        kind: String = "CredentialProviderResponse",
        cacheKeyType: String = #""Registry""#,
        cacheDuration: String = #""6h0m0s""#,
        auth: String? = nil
    ) -> String {
        let entries = keys.enumerated().map { #""\#($1)":{"username":"u\#($0)","password":"\#(token)"}"# }
        let auth = auth ?? "{\(entries.joined(separator: ","))}"
        return #"{"kind":"\#(kind)","apiVersion":"\#(apiVersion)","cacheKeyType":\#(cacheKeyType),"#
            + #""cacheDuration":\#(cacheDuration),"auth":\#(auth)}"#
    }

    @Test func theRequestIsKubeletsOwn() async throws {
        let fixture = try ExecFixture(Self.settings("registry.example.com:5000", #","arguments":["get-credentials"]"#))
        _ = try await fixture.issue(Self.answer(["registry.example.com:5000"]))
        let call = try #require(fixture.programs.calls.first)
        #expect(call.arguments == ["get-credentials"])
        #expect(
            call.input.revealText()
                == #"{"apiVersion":"credentialprovider.kubelet.k8s.io/v1","image":"registry.example.com:5000/team/app","#
                + #""kind":"CredentialProviderRequest"}"#
        )
    }

    @Test func thePodsTokenIsSentWhereAnAudienceIsSet() async throws {
        let subjects = try SubjectTokens()
        let fixture = try ExecFixture(
            Self.settings(
                "registry.example.com",
                #","audience":"registry","serviceAccountAnnotations":{"example.com/role":"builder"}"#
            )
        )
        #expect(ExecStore.subjectTokenAudience(for: fixture.settings) == "registry")
        let signed = try subjects.token(audience: "registry")
        _ = try await fixture.issue(Self.answer(), for: ExecFixture.request(subjectToken: signed))
        struct Sent: Decodable {
            let serviceAccountToken: String
            let serviceAccountAnnotations: [String: String]
        }
        let input = try #require(fixture.programs.calls.first).input
        let sent = try JSONDecoder().decode(Sent.self, from: Data(input.reveal()))
        let claims = try subjects.verify(sent.serviceAccountToken, audience: "registry")
        #expect(claims.sub.hasSuffix(":binder:builder"))
        #expect(sent.serviceAccountAnnotations == ["example.com/role": "builder"])
        let error = try await fixture.failure(Self.answer())
        #expect(error.code == .misconfigured)
        #expect(error.message.contains("for the audience registry did not come"))
    }

    @Test func withoutAnAudienceNoTokenIsSent() async throws {
        let fixture = try ExecFixture(Self.settings())
        #expect(ExecStore.subjectTokenAudience(for: fixture.settings) == nil)
        _ = try await fixture.issue(Self.answer(), for: ExecFixture.request(subjectToken: "not-for-it"))
        #expect(fixture.programs.calls.first?.input.revealText().contains("not-for-it") == false)
    }

    /// The keys, the registry, and the place of the key that must be taken; nil where none is for the image team/app.
    @Test(
        arguments: [
            (["registry.example.com"], "registry.example.com", 0),
            (["https://registry.example.com"], "registry.example.com", 0),
            (["http://registry.example.com/v1/", "other"], "registry.example.com", 0),
            (["registry.example.com/v2/"], "registry.example.com", 0),
            (["registry.example.com/"], "registry.example.com", 0),
            (["*.example.com"], "registry.example.com", 0),
            (["registry.*.com"], "registry.example.com", 0),
            (["reg*.exam*le.c*m"], "registry.example.com", 0),
            (["*.dkr.ecr.*.amazonaws.com"], "111122223333.dkr.ecr.eu-central-1.amazonaws.com", 0),
            (["*.azurecr.io", "*.azurecr.cn"], "me.azurecr.io", 0),
            (["registry.example.com/team", "registry.example.com"], "registry.example.com", 0),
            (["registry.example.com", "registry.example.com/team/app"], "registry.example.com", 1),
            (["registry.example.com/other", "registry.example.com/te"], "registry.example.com", 1),
            (["*.example.com/team/app", "registry.example.com"], "registry.example.com", 1),
            (["registry.example.com:5000"], "registry.example.com:5000", 0),
            (["*.example.com:5000"], "registry.example.com:5000", 0),
            (["registry.example.com:5000", "registry.example.com"], "registry.example.com", 1),
            (["index.docker.io"], "docker.io", 0),
            (["https://index.docker.io/v1/", "registry.example.com"], "index.docker.io", 0),
            (["index.docker.io", "docker.io/team"], "docker.io", 1),
            (["registry.example.com:5000"], "registry.example.com", nil),
            (["registry.example.com"], "registry.example.com:5000", nil),
            (["registry.example.com:*"], "registry.example.com:5000", nil),
            (["*.com"], "registry.example.com", nil),
            (["*"], "registry.example.com", nil),
            (["*.*.*.com"], "registry.example.com", nil),
            (["example.com"], "registry.example.com", nil),
            (["registry.example.com/team/app/more"], "registry.example.com", nil),
            (["registry.example.com/*"], "registry.example.com", nil),
            (["registry.example.com/Team"], "registry.example.com", nil),
            (["Registry.example.com"], "registry.example.com", nil),
            (
                ["registry.example.com?x", "[registry].example.com", "user@registry.example.com", ""],
                "registry.example.com", nil
            ),
            (["index.docker.io"], "registry.example.com", nil),
            ([], "registry.example.com", nil),
        ] as [([String], String, Int?)]
    )
    func theEntryIsTheOneThatKubeletWouldUse(_ keys: [String], _ host: String, _ place: Int?) async throws {
        let fixture = try ExecFixture(Self.settings(host))
        if let place {
            let token = try await fixture.issue(Self.answer(keys))
            #expect(token.username == "u\(place)")
            #expect(token.secret.revealText() == Self.token)
        } else {
            let error = try await fixture.failure(Self.answer(keys))
            #expect(error.code == .refused)
            #expect(error.message.hasPrefix("\(Self.program) has no credential for "))
        }
    }

    @Test func severalRepositoriesNeedOneEntry() async throws {
        let two = ExecFixture.request(["team/app", "team/lib"])
        let fixture = try ExecFixture(Self.settings())
        let token = try await fixture.issue(Self.answer(["registry.example.com/team"]), for: two)
        #expect(token.grantedScope == two.scope)
        let keys = ["registry.example.com/team/app", "registry.example.com"]
        let error = try await fixture.failure(Self.answer(keys), for: two)
        #expect(error.code == .refused)
        #expect(error.message == "\(Self.program) has no one credential for all 2 repositories")
    }

    @Test(
        arguments: [
            (#""5m""#, 300), (#""6h0m0s""#, 21600), (#""1h30m""#, 5400), (#""1.5h""#, 5400), (#""300ms""#, 0),
            (#""+90s""#, 90),
            ("null", nil), ("0", nil), (#""0s""#, nil), (#""0""#, nil),
        ] as [(String, Int?)]
    )
    func theCacheDurationSaysWhenToAskAgain(_ duration: String, _ seconds: Int?) async throws {
        let token = try await ExecFixture(Self.settings()).issue(Self.answer(cacheDuration: duration))
        #expect(token.refreshAfter?.components.seconds == seconds.map { Int64($0) })
        #expect(token.expiresAt == nil)
        let own = try ExecFixture(Self.settings("registry.example.com", #","refreshAfterSeconds":60"#))
        let sooner = try await own.issue(Self.answer(cacheDuration: duration))
        #expect(sooner.refreshAfter == .seconds(60))
    }

    @Test(arguments: [
        ("", TokenStoreError.Code.malformedAnswer, "does not write JSON"),
        ("helper-token-0123456789", .malformedAnswer, "does not write JSON"),
        (answer() + "{}", .malformedAnswer, "does not write JSON"),
        ("{}", .malformedAnswer, "does not answer with a CredentialProviderResponse of credentialprovider.kubelet"),
        (answer(apiVersion: "credentialprovider.kubelet.k8s.io/v1beta1"), .malformedAnswer, "does not answer with a"),
        (answer(kind: "CredentialProviderRequest"), .malformedAnswer, "does not answer with a CredentialProviderRes"),
        (answer(cacheKeyType: #""registry""#), .malformedAnswer, "cacheKeyType that is none of Image, Registry and"),
        (answer(cacheKeyType: "null"), .malformedAnswer, "cacheKeyType that is none of Image, Registry and Global"),
        (answer(cacheKeyType: "1"), .malformedAnswer, "fields are of wrong types"),
        (answer(cacheDuration: #""soon""#), .malformedAnswer, "fields are of wrong types"),
        (answer(cacheDuration: #""-5m""#), .malformedAnswer, "fields are of wrong types"),
        (answer(cacheDuration: "300"), .malformedAnswer, "fields are of wrong types"),
        (answer(cacheDuration: #""""#), .malformedAnswer, "fields are of wrong types"),
        (answer(auth: "[]"), .malformedAnswer, "fields are of wrong types"),
        (answer(auth: "null"), .refused, "has no credential for registry.example.com/team/app"),
        (
            answer(auth: #"{"registry.example.com":{"password":"helper-token-0123456789"}}"#), .misconfigured,
            "no user name"
        ),
        (answer(auth: #"{"registry.example.com":{"username":"u"}}"#), .malformedAnswer, "gives a token that is empty"),
        (answer(auth: #"{"registry.example.com":null}"#), .malformedAnswer, "fields are of wrong types"),
    ])
    func otherAnswersAreRefused(_ output: String, _ code: TokenStoreError.Code, _ words: String) async throws {
        let error = try await ExecFixture(Self.settings()).failure(output)
        #expect(error.code == code)
        #expect(error.message.contains(words), "\(error)")
        #expect(!error.fix.isEmpty)
    }

    @Test func aFailureIsNotAnswered() async throws {
        let error = try await ExecFixture(Self.settings()).failure(Self.answer(), status: 1)
        #expect(error.code == .unavailable)
    }
}
