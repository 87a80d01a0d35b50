// Every partition's endpoints and registry names, pinned; and what is refused.

import Testing
import TokenStore

@testable import TokenStores

@Suite struct AWSEndpointTests {
    struct Row: Sendable {
        let region: String
        let kind: AWSEndpointKind
        let partition: String
        let sts: String
        let ecr: String
        let registry: String
    }

    /// As botocore 1.43 resolves them, and as AWS's documentation of ECR names registries
    /// (<https://docs.aws.amazon.com/general/latest/gr/ecr.html>).
    static let rows = [
        Row(
            region: "eu-central-1",
            kind: .classic,
            partition: "aws",
            sts: "sts.eu-central-1.amazonaws.com",
            ecr: "api.ecr.eu-central-1.amazonaws.com",
            registry: "111122223333.dkr.ecr.eu-central-1.amazonaws.com"
        ),
        Row(
            region: "eu-central-1",
            kind: .dualstack,
            partition: "aws",
            sts: "sts.eu-central-1.api.aws",
            ecr: "ecr.eu-central-1.api.aws",
            registry: "111122223333.dkr-ecr.eu-central-1.on.aws"
        ),
        Row(
            region: "us-east-2",
            kind: .fips,
            partition: "aws",
            sts: "sts-fips.us-east-2.amazonaws.com",
            ecr: "ecr-fips.us-east-2.amazonaws.com",
            registry: "111122223333.dkr.ecr-fips.us-east-2.amazonaws.com"
        ),
        Row(
            region: "us-west-1",
            kind: .fipsDualstack,
            partition: "aws",
            sts: "sts-fips.us-west-1.api.aws",
            ecr: "ecr-fips.us-west-1.api.aws",
            registry: "111122223333.dkr-ecr-fips.us-west-1.on.aws"
        ),
        Row(
            region: "cn-north-1",
            kind: .classic,
            partition: "aws-cn",
            sts: "sts.cn-north-1.amazonaws.com.cn",
            ecr: "api.ecr.cn-north-1.amazonaws.com.cn",
            registry: "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn"
        ),
        Row(
            region: "cn-northwest-1",
            kind: .dualstack,
            partition: "aws-cn",
            sts: "sts.cn-northwest-1.api.amazonwebservices.com.cn",
            ecr: "ecr.cn-northwest-1.api.amazonwebservices.com.cn",
            registry: "111122223333.dkr-ecr.cn-northwest-1.on.amazonwebservices.com.cn"
        ),
        Row(
            region: "us-gov-west-1",
            kind: .classic,
            partition: "aws-us-gov",
            sts: "sts.us-gov-west-1.amazonaws.com",
            ecr: "api.ecr.us-gov-west-1.amazonaws.com",
            registry: "111122223333.dkr.ecr.us-gov-west-1.amazonaws.com"
        ),
        Row(
            region: "us-gov-west-1",
            kind: .dualstack,
            partition: "aws-us-gov",
            sts: "sts.us-gov-west-1.api.aws",
            ecr: "ecr.us-gov-west-1.api.aws",
            registry: "111122223333.dkr-ecr.us-gov-west-1.on.aws"
        ),
        Row(
            region: "us-gov-east-1",
            kind: .fips,
            partition: "aws-us-gov",
            sts: "sts.us-gov-east-1.amazonaws.com",
            ecr: "ecr-fips.us-gov-east-1.amazonaws.com",
            registry: "111122223333.dkr.ecr-fips.us-gov-east-1.amazonaws.com"
        ),
        Row(
            region: "us-gov-east-1",
            kind: .fipsDualstack,
            partition: "aws-us-gov",
            sts: "sts-fips.us-gov-east-1.api.aws",
            ecr: "ecr-fips.us-gov-east-1.api.aws",
            registry: "111122223333.dkr-ecr-fips.us-gov-east-1.on.aws"
        ),
        Row(
            region: "eusc-de-east-1",
            kind: .classic,
            partition: "aws-eusc",
            sts: "sts.eusc-de-east-1.amazonaws.eu",
            ecr: "api.ecr.eusc-de-east-1.amazonaws.eu",
            registry: "111122223333.dkr.ecr.eusc-de-east-1.amazonaws.eu"
        ),
        Row(
            region: "us-iso-east-1",
            kind: .classic,
            partition: "aws-iso",
            sts: "sts.us-iso-east-1.c2s.ic.gov",
            ecr: "api.ecr.us-iso-east-1.c2s.ic.gov",
            registry: "111122223333.dkr.ecr.us-iso-east-1.c2s.ic.gov"
        ),
        Row(
            region: "us-isob-east-1",
            kind: .classic,
            partition: "aws-iso-b",
            sts: "sts.us-isob-east-1.sc2s.sgov.gov",
            ecr: "api.ecr.us-isob-east-1.sc2s.sgov.gov",
            registry: "111122223333.dkr.ecr.us-isob-east-1.sc2s.sgov.gov"
        ),
        Row(
            region: "eu-isoe-west-1",
            kind: .classic,
            partition: "aws-iso-e",
            sts: "sts.eu-isoe-west-1.cloud.adc-e.uk",
            ecr: "api.ecr.eu-isoe-west-1.cloud.adc-e.uk",
            registry: "111122223333.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk"
        ),
        Row(
            region: "us-isof-south-1",
            kind: .classic,
            partition: "aws-iso-f",
            sts: "sts.us-isof-south-1.csp.hci.ic.gov",
            ecr: "api.ecr.us-isof-south-1.csp.hci.ic.gov",
            registry: "111122223333.dkr.ecr.us-isof-south-1.csp.hci.ic.gov"
        ),
    ]

    @Test(arguments: rows) func isThere(row: Row) throws {
        let endpoints = try AWSEndpoints(region: row.region, kind: row.kind)
        #expect(endpoints.partition.name == row.partition)
        #expect(endpoints.sts == "https://" + row.sts)
        #expect(endpoints.ecr == "https://" + row.ecr)
        #expect(endpoints.registry(account: "111122223333") == row.registry)
        // And the store's service is that registry.
        let arn = "arn:\(row.partition):iam::111122223333:role/builder"
        let settings = ECRSettings(region: row.region, roleARN: arn, endpoint: row.kind)
        #expect(try ECRStore.service(for: settings) == TokenService(registryHost: row.registry))
    }

    @Test(arguments: [
        "us-east-1", "eu-south-2", "ap-southeast-7", "sa-east-1", "ca-west-1", "me-central-1", "af-south-1",
        "il-central-1", "mx-central-1", "us-gov-east-1", "cn-north-1", "us-iso-west-1", "us-isof-east-1",
    ])
    func knowsRegions(region: String) { #expect(AWSPartition.of(region: region) != nil) }

    @Test(arguments: [
        "", "us", "us-east", "us-east-", "us-east-x", "us-1", "-east-1", "US-EAST-1", "us-east-1.evil.example",
        "us-east-1/",
        "xx-east-1", "us-east--1", "us-east-1 ", "us-gov-iso-east-1", "us-e@st-1", "us-east-1-1",
    ])
    func refusesOtherTexts(region: String) {
        #expect(AWSPartition.of(region: region) == nil)
        #expect(throws: TokenStoreError.self) { try AWSEndpoints(region: region, kind: .classic) }
    }

    @Test(arguments: [
        ("eu-central-1", AWSEndpointKind.fips, "endpoint is fips, and eu-central-1 has no FIPS endpoints"),
        ("cn-north-1", .fips, "endpoint is fips, and cn-north-1 has no FIPS endpoints"),
        ("eu-west-1", .fipsDualstack, "endpoint is fips-dualstack, and eu-west-1 has no FIPS endpoints"),
        ("eusc-de-east-1", .dualstack, "endpoint is dualstack, and no dual-stack endpoints are known in aws-eusc"),
        ("us-iso-east-1", .dualstack, "endpoint is dualstack, and no dual-stack endpoints are known in aws-iso"),
    ])
    func refusesWhatARegionDoesNotHave(region: String, kind: AWSEndpointKind, text: String) {
        do throws(TokenStoreError) {
            _ = try AWSEndpoints(region: region, kind: kind)
            Issue.record("taken")
        } catch {
            #expect(error.code == .misconfigured)
            #expect(error.message == text)
        }
    }
}
