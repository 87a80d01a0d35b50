// The stores of AWS against the loopback counterpart, over the real transport.

import HTTPTransfer
import Logging
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

/// What the tests of the stores of AWS share.
struct AWSFixture {
    let aws: LoopbackAWS
    /// Where STS, ECR, ECR Public and CodeCommit are.
    let url: String
    let context: TokenStoreContext
    let log: LogCapture

    static let secrets = FixedSecrets([
        "/aws/id": "AKIAIOSFODNN7EXAMPLE\n",
        "/aws/secret": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        "/aws/unknown": "AKIAUNKNOWNUNKNOWN01",
        "/aws/wrong": "wrongXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n",
        "/aws/letters": "wJalrXUtnFEMIxK7MDENGxbPxRfiCYEXAMPLEKEY\n",
        "/aws/lower": "AKIAiosfodnn7example",
        "/aws/short": "AKIAIOSFODNN7EX",
        "/aws/role": "AROAIOSFODNN7EXAMPLE",
        "/aws/two-lines": "one\ntwo\n",
    ])

    /// Made once: keys take a noticeable part of a second.
    private static let tokens = Result { try SubjectTokens() }

    static func run(
        _ options: LoopbackAWSOptions = LoopbackAWSOptions(),
        clock: any WallClock = SystemClock(),
        _ body: (AWSFixture) async throws -> Void
    ) async throws {
        let aws = LoopbackAWS(options, tokens: try tokens.get())
        let log = LogCapture()
        try await withLoopbackSource({ await aws.answer($0) }) { url in
            try await withCurlTransport(HTTPTransferOptions(environment: [:]), logger: log.logger) { http in
                let context = TokenStoreContext(
                    name: "push",
                    clock: clock,
                    http: http,
                    secrets: secrets,
                    logger: log.logger
                )
                try await body(AWSFixture(aws: aws, url: url, context: context, log: log))
            }
        }
    }

    func settings(_ change: (inout ECRSettings) -> Void = { _ in }) -> ECRSettings {
        var settings = ECRSettings(
            region: aws.options.region,
            roleARN: aws.options.roleARN,
            stsURL: url,
            ecrURL: url
        )
        change(&settings)
        return settings
    }

    func request(
        _ repositories: [String] = ["binder/app"],
        _ actions: Set<RegistryAction> = [.pull, .push],
        permissions: [String: AccessLevel] = [:],
        audience: String = "sts.amazonaws.com",
        subject: Subject = SubjectTokens.subject,
        lifetime: Duration? = nil
    ) throws -> TokenRequest {
        TokenRequest(
            subject: subject,
            scope: TokenScope(repositories: repositories, permissions: permissions, actions: actions),
            lifetime: lifetime,
            subjectToken: Secret(
                utf8: try aws.tokens.token(for: subject, audience: audience, at: context.clock.now)
            )
        )
    }

    /// A token of the store for private registries.
    func issue(
        _ request: TokenRequest,
        _ change: (inout ECRSettings) -> Void = { _ in }
    ) async throws(TokenStoreError) -> IssuedToken {
        try await ECRStore(settings: settings(change), context: context).issue(request)
    }

    /// The error of an issue that must fail.
    func failure(
        _ request: TokenRequest,
        _ change: (inout ECRSettings) -> Void = { _ in }
    ) async throws -> TokenStoreError {
        do throws(TokenStoreError) {
            _ = try await issue(request, change)
        } catch {
            let secret = request.subjectToken?.revealText() ?? ""
            #expect(secret.isEmpty || !"\(error)".contains(secret))
            return error
        }
        Issue.record("a token was issued")
        throw StoreFixture.Unexpected()
    }

    func resource(_ repository: String) -> String {
        "arn:aws:ecr:\(aws.options.region):\(aws.options.account):repository/\(repository)"
    }
}

extension AWSFixture {
    static let keys = AWSAccessKeyFiles(
        id: SecretReference(file: "/aws/id"),
        secret: SecretReference(file: "/aws/secret")
    )
}

/// Expects an error of this class, text and advice.
func expect(
    _ error: TokenStoreError,
    _ code: TokenStoreError.Code,
    _ message: String,
    fix: String = "",
    tokenMayExist: Bool = false,
    _ location: SourceLocation = #_sourceLocation
) {
    #expect(error.code == code, "\(error)", sourceLocation: location)
    #expect(error.message.hasPrefix(message), "\(error)", sourceLocation: location)
    #expect(error.fix.contains(fix), "\(error)", sourceLocation: location)
    #expect(error.tokenMayExist == tokenMayExist, sourceLocation: location)
}
