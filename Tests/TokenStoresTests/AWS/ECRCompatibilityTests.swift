// The stores of ECR keep the contract of TokenStore, over the real transport.

import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct ECRCompatibilityTests {
    @Test func privateRegistryWithThePodsToken() async throws {
        try await AWSFixture.run { fixture in
            let suite = TokenStoreCompatibilitySuite(
                ECRStore.self,
                settings: fixture.settings(),
                context: fixture.context,
                request: try fixture.request()
            )
            #expect(await suite.violations() == [])
            #expect(fixture.aws.passwordCount > 2)
        }
    }

    @Test func privateRegistryWithAnAccessKey() async throws {
        var options = LoopbackAWSOptions()
        options.externalID = "daypass:build/1"
        try await AWSFixture.run(options) { fixture in
            let settings = fixture.settings { settings in
                settings.accessKey = AWSFixture.keys
                settings.externalID = "daypass:build/1"
            }
            let suite = TokenStoreCompatibilitySuite(
                ECRStore.self,
                settings: settings,
                context: fixture.context,
                request: try fixture.request()
            )
            #expect(await suite.violations() == [])
            #expect(fixture.aws.passwordCount > 2)
        }
    }
}
