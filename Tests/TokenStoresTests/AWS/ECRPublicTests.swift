// ECR Public: whose repositories a build may push to, and the contract.

import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct ECRPublicTests {
    private func settings(_ fixture: AWSFixture) -> ECRPublicSettings {
        ECRPublicSettings(
            roleARN: fixture.aws.options.roleARN,
            aliases: ["our-alias", "d1a2b3c4"],
            stsURL: fixture.url,
            ecrURL: fixture.url
        )
    }

    private func issue(
        _ fixture: AWSFixture,
        _ repositories: [String],
        _ actions: Set<RegistryAction>
    ) async throws -> IssuedToken {
        try await ECRPublicStore(settings: settings(fixture), context: fixture.context)
            .issue(try fixture.request(repositories, actions))
    }

    @Test func keepsTheContract() async throws {
        try await AWSFixture.run { fixture in
            let suite = TokenStoreCompatibilitySuite(
                ECRPublicStore.self,
                settings: settings(fixture),
                context: fixture.context,
                request: try fixture.request(["our-alias/app"], [.pull, .push])
            )
            #expect(await suite.violations() == [])
        }
    }

    @Test func pushesToNamedRepositoriesOnly() async throws {
        try await AWSFixture.run { fixture in
            let password = try await issue(fixture, ["our-alias/team/app"], [.push]).secret.revealText()
            func allows(_ action: String, _ name: String) -> Bool {
                fixture.aws.allows(password, action, on: "arn:aws:ecr-public::111122223333:repository/\(name)")
            }
            #expect(allows("ecr-public:PutImage", "team/app"))
            #expect(!allows("ecr-public:PutImage", "team/other"))
            #expect(!allows("ecr-public:BatchDeleteImage", "team/app"))
            let call = fixture.aws.requests[1]
            #expect(call.headers["x-amz-target"] == "SpencerFrontendService.GetAuthorizationToken")
            #expect(call.headers["authorization"]?.contains("/us-east-1/ecr-public/aws4_request") == true)
        }
    }

    @Test func pullsFromEverybodyAndPushesToNobodyElse() async throws {
        try await AWSFixture.run { fixture in
            let password = try await issue(fixture, ["docker/library/alpine"], [.pull]).secret.revealText()
            let own = "arn:aws:ecr-public::111122223333:repository/library/alpine"
            #expect(!fixture.aws.allows(password, "ecr-public:PutImage", on: own))
            for names in [["docker/library/alpine"], ["our-alias/app", "other/app"], ["our-alias"]] {
                do throws(TokenStoreError) {
                    let store = try ECRPublicStore(settings: settings(fixture), context: fixture.context)
                    var request = TokenRequest(subject: SubjectTokens.subject, scope: TokenScope())
                    request.scope = TokenScope(repositories: names, actions: [.pull, .push])
                    _ = try await store.issue(request)
                    Issue.record("\(names) was granted")
                } catch {
                    #expect(error.code == .refused)
                    #expect(error.message.contains("is not below an alias of this store's settings"))
                }
            }
            #expect(fixture.aws.passwordCount == 1)
        }
    }

    @Test func aRoleWithoutBearerTokensIsExplained() async throws {
        var options = LoopbackAWSOptions()
        options.roleActions.remove("sts:GetServiceBearerToken")
        try await AWSFixture.run(options) { fixture in
            do {
                _ = try await issue(fixture, ["our-alias/app"], [.push])
                Issue.record("a token was issued")
            } catch let error as TokenStoreError {
                #expect(error.code == .refused)
                #expect(error.fix.hasSuffix("ecr-public:GetAuthorizationToken on * and sts:GetServiceBearerToken"))
            }
        }
    }
}
