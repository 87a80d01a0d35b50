// Settings of the stores of AWS: what is taken, and each message of what is not.

import Foundation
import Testing
import TokenStore
import TokenStores

@Suite struct ECRSettingsTests {
    private static let role = "arn:aws:iam::111122223333:role/ci/builder"

    private func failure(_ body: () throws(TokenStoreError) -> TokenService) -> TokenStoreError? {
        do throws(TokenStoreError) {
            _ = try body()
            return nil
        } catch {
            return error
        }
    }

    private func decode<Settings: Decodable>(_ type: Settings.Type, _ json: String) throws -> Settings {
        try JSONDecoder().decode(type, from: Data("{\(json)}".utf8))
    }

    @Test func takesWhatIsRight() throws {
        let settings = try decode(
            ECRSettings.self,
            #""region":"us-gov-west-1","roleARN":"arn:aws-us-gov:iam::111122223333:role/ci/builder","#
                + #""registryID":"444455556666","endpoint":"fips-dualstack","sessionSeconds":43200,"audience":"a""#
        )
        let service = try ECRStore.service(for: settings)
        #expect(service.registryHost == "444455556666.dkr-ecr-fips.us-gov-west-1.on.aws")
        #expect(service.git == nil)
        #expect(ECRStore.subjectTokenAudience(for: settings) == "a")
        let plain = try decode(ECRSettings.self, #""region":"eu-west-1","roleARN":"\#(Self.role)""#)
        #expect(ECRStore.subjectTokenAudience(for: plain) == "sts.amazonaws.com")
        let long = String(repeating: "a", count: 256)
        let longest = try decode(
            ECRSettings.self,
            #""region":"eu-west-1","roleARN":"\#(Self.role)","audience":"\#(long)""#
        )
        #expect(try ECRStore.service(for: longest).registryHost != nil)
        let keys = #""accessKey":{"id":{"file":"/id"},"secret":{"file":"/secret"}},"externalID":"x:1/2""#
        let own = try decode(ECRSettings.self, #""region":"eu-west-1","roleARN":"\#(Self.role)",\#(keys)"#)
        #expect(ECRStore.subjectTokenAudience(for: own) == nil)
        #expect(try ECRStore.service(for: own).registryHost == "111122223333.dkr.ecr.eu-west-1.amazonaws.com")
    }

    @Test(arguments: [
        (#""region":"europe""#, "region is no region of AWS that is known"),
        (#""roleARN":"builder""#, "roleARN is not the ARN of a role"),
        (#""roleARN":"arn:aws:iam::111122223333:user/builder""#, "roleARN is not the ARN of a role"),
        (#""roleARN":"arn:aws:sts::111122223333:role/builder""#, "roleARN is not the ARN of a role"),
        (#""roleARN":"arn:aws:iam::1111:role/builder""#, "roleARN is not the ARN of a role"),
        (#""roleARN":"arn:aws:iam::111122223333:role/""#, "roleARN is not the ARN of a role"),
        (#""roleARN":"arn:aws:iam::111122223333:role//x""#, "roleARN is not the ARN of a role"),
        (#""roleARN":"arn:aws:iam::111122223333:role/a b""#, "roleARN is not the ARN of a role"),
        (#""roleARN":"arn:aws:iam:eu-west-1:111122223333:role/a""#, "roleARN is not the ARN of a role"),
        (#""roleARN":"arn:azure:iam::111122223333:role/a""#, "roleARN is not the ARN of a role"),
        (
            #""roleARN":"arn:aws-cn:iam::111122223333:role/a""#,
            "roleARN is of the partition aws-cn, and eu-west-1 is in aws"
        ),
        (#""registryID":"12""#, "registryID is no account of AWS"),
        (#""registryID":"11112222333x""#, "registryID is no account of AWS"),
        (#""endpoint":"fips""#, "endpoint is fips, and eu-west-1 has no FIPS endpoints"),
        (#""sessionSeconds":899"#, "sessionSeconds is 899, and STS takes 900 to 43200"),
        (#""sessionSeconds":43201"#, "sessionSeconds is 43201, and STS takes 900 to 43200"),
        (
            #""sessionSeconds":3601,"accessKey":{"id":{"file":"/i"},"secret":{"file":"/s"},"sessionToken":{"file":"/t"}}"#,
            "sessionSeconds is 3601, and STS takes 900 to 3600"
        ),
        (#""externalID":"x1""#, "externalID goes with accessKey only"),
        (
            #""externalID":"x","accessKey":{"id":{"file":"/i"},"secret":{"file":"/s"}}"#,
            "externalID is not of 2 to 1224 letters, digits and _+=,.@:/-"
        ),
        (
            #""audience":"x","accessKey":{"id":{"file":"/i"},"secret":{"file":"/s"}}"#,
            "audience and accessKey exclude each other"
        ),
        (#""audience":"""#, "audience is empty or longer than 256 bytes"),
        (#""audience":"\#(String(repeating: "a", count: 257))""#, "audience is empty or longer than 256 bytes"),
        (#""stsURL":"http://sts.example""#, "stsURL can't be used: the server's URL must be https"),
        (#""ecrURL":"ecr.example""#, "ecrURL can't be used: it is no URL"),
    ])
    func refusesPrivate(json: String, text: String) throws {
        let base = [#""region":"eu-west-1""#, #""roleARN":"\#(Self.role)""#].filter {
            !json.hasPrefix(String($0.prefix { $0 != ":" }))
        }
        let settings = try decode(ECRSettings.self, (base + [json]).joined(separator: ","))
        let error = try #require(failure { () throws(TokenStoreError) in try ECRStore.service(for: settings) })
        #expect(error.code == .misconfigured)
        #expect(error.message.hasPrefix(text), "\(error)")
        #expect(!error.fix.isEmpty)
    }

    @Test func refusesAnUnknownEndpointKind() {
        #expect(throws: (any Error).self) {
            try decode(ECRSettings.self, #""region":"eu-west-1","roleARN":"\#(Self.role)","endpoint":"ipv6""#)
        }
    }

    @Test(arguments: [
        (#""aliases":["a/b"]"#, "an entry of aliases is no alias of a public registry"),
        (#""aliases":["A"]"#, "an entry of aliases is no alias of a public registry"),
        (#""aliases":["*"]"#, "an entry of aliases is no alias of a public registry"),
        (#""aliases":[""]"#, "an entry of aliases is no alias of a public registry"),
        (#""endpoint":"fips""#, "endpoint is fips, and ECR Public has no FIPS endpoints"),
        (#""region":"cn-north-1""#, "region is in aws-cn, and ECR Public is in the partition aws only"),
    ])
    func refusesPublic(json: String, text: String) throws {
        let settings = try decode(ECRPublicSettings.self, #""roleARN":"\#(Self.role)",\#(json)"#)
        let error = try #require(failure { () throws(TokenStoreError) in try ECRPublicStore.service(for: settings) })
        #expect(error.message == text)
        #expect(error.code == .misconfigured)
    }

    @Test func publicRegistryHosts() throws {
        let settings = try decode(ECRPublicSettings.self, #""roleARN":"\#(Self.role)""#)
        #expect(try ECRPublicStore.service(for: settings).registryHost == "public.ecr.aws")
        let dual = try decode(ECRPublicSettings.self, #""roleARN":"\#(Self.role)","endpoint":"dualstack""#)
        #expect(try ECRPublicStore.service(for: dual).registryHost == "ecr-public.aws.com")
    }

    @Test func codeCommitServers() throws {
        let settings = try decode(CodeCommitSettings.self, #""region":"eu-west-1","roleARN":"\#(Self.role)""#)
        let service = try CodeCommitStore.service(for: settings)
        #expect(service.git?.origin == "https://git-codecommit.eu-west-1.amazonaws.com")
        #expect(service.registryHost == nil)
        let name = try service.repository("https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/My.Repo_1")
        #expect(name == "v1/repos/My.Repo_1")
        let wrong = try decode(
            CodeCommitSettings.self,
            #""region":"eu-west-1","roleARN":"\#(Self.role)","gitURL":"https://x.example/path""#
        )
        let error = try #require(failure { () throws(TokenStoreError) in try CodeCommitStore.service(for: wrong) })
        #expect(error.message.hasPrefix("gitURL can't be used: the server's URL must end after the host"))
    }

    @Test func kindsAndCapabilities() {
        #expect(
            [ECRStore.kind, ECRPublicStore.kind, CodeCommitStore.kind] == [
                "aws-ecr", "aws-ecr-public", "aws-codecommit",
            ]
        )
        let kinds = BuiltinStores.all.map { $0.kind }
        for kind in ["aws-ecr", "aws-ecr-public", "aws-codecommit"] { #expect(kinds.contains(kind)) }
        // Twelve hours at the registry whatever the session's length: nothing that could be promised.
        if case .chosen = ECRStore.capabilities.life { Issue.record("a password's life can't be chosen") }
        #expect(ECRStore.capabilities.revocation == .unsupported)
    }
}
