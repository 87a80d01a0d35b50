// What AWS refuses, and the error that comes of it: its class, its text, its advice.

import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct AWSErrorTests {
    @Test func tokensOfOthersAreExplained() async throws {
        try await AWSFixture.run { fixture in
            let other = try await fixture.failure(try fixture.request(audience: "vault"))
            expect(
                other,
                .misconfigured,
                "STS does not take the Pod's token (InvalidIdentityToken, HTTP 400)",
                fix: "register the cluster's issuer as an IAM OIDC provider"
            )
            // Another cluster's token, with a signature of its own.
            var request = try fixture.request()
            request.subjectToken = Secret(utf8: try SubjectTokens().token(audience: "sts.amazonaws.com"))
            expect(try await fixture.failure(request), .misconfigured, "STS does not take the Pod's token")
            // A service account that the role does not trust.
            let subject = Subject(namespace: "other", serviceAccount: "x", podName: "p", podUID: "u")
            expect(
                try await fixture.failure(try fixture.request(subject: subject)),
                .refused,
                "STS does not let us assume the role builder (AccessDenied, HTTP 403)",
                fix: "with the subject system:serviceaccount:other:x"
            )
            // A role that is not there.
            expect(
                try await fixture.failure(try fixture.request()) {
                    $0.roleARN = "arn:aws:iam::111122223333:role/other"
                },
                .refused,
                "STS does not let us assume the role other"
            )
            // A token that has ended.
            request.subjectToken = Secret(
                utf8: try fixture.aws.tokens.token(
                    audience: "sts.amazonaws.com",
                    at: fixture.context.clock.now.advanced(by: .seconds(-7200))
                )
            )
            expect(
                try await fixture.failure(request),
                .unavailable,
                "STS says that the credential to assume the role builder has expired",
                fix: "kubelet brings a new token"
            )
            request.subjectToken = nil
            expect(
                try await fixture.failure(request),
                .misconfigured,
                "the Pod's service account token for the audience sts.amazonaws.com did not come",
                fix: "tokenRequests"
            )
            #expect(fixture.aws.passwordCount == 0)
        }
    }

    @Test func anIssuerThatAWSDoesNotReachIsTriedAgain() async throws {
        var options = LoopbackAWSOptions()
        options.reachesKeys = false
        try await AWSFixture.run(options) { fixture in
            expect(
                try await fixture.failure(try fixture.request()),
                .unavailable,
                "STS could not fetch the cluster's keys (InvalidIdentityToken, HTTP 400)",
                fix: "must be public"
            )
        }
    }

    @Test func limitsOfTheRoleAndOfThePolicyAreExplained() async throws {
        var options = LoopbackAWSOptions()
        options.longestSession = 3600
        options.packedLimit = 600
        try await AWSFixture.run(options) { fixture in
            expect(
                try await fixture.failure(try fixture.request(lifetime: .seconds(7200))),
                .misconfigured,
                "the session is longer than the role builder allows (ValidationError, HTTP 400)",
                fix: "raise the role's maximum session duration"
            )
            expect(
                try await fixture.failure(try fixture.request((0..<9).map { "binder/repository-\($0)" })),
                .refused,
                "the session policy for this build's repositories is too large for STS (PackedPolicyTooLarge",
                fix: "fewer repositories"
            )
        }
    }

    @Test func aRoleThatMayNotLogInIsExplained() async throws {
        var options = LoopbackAWSOptions()
        options.roleActions.remove("ecr:GetAuthorizationToken")
        try await AWSFixture.run(options) { fixture in
            expect(
                try await fixture.failure(try fixture.request()),
                .refused,
                "ECR does not let us issue a registry password (AccessDeniedException, HTTP 400)",
                fix: "give the role builder the action ecr:GetAuthorizationToken on *"
            )
        }
    }

    @Test func wrongKeysAndClocksAreExplained() async throws {
        try await AWSFixture.run { fixture in
            func failure(_ change: (inout AWSAccessKeyFiles) -> Void) async throws -> TokenStoreError {
                try await fixture.failure(try fixture.request()) { settings in
                    var keys = AWSFixture.keys
                    change(&keys)
                    settings.accessKey = keys
                }
            }
            expect(
                try await failure { $0.secret.file = "/aws/wrong" },
                .misconfigured,
                "STS does not accept our signature (SignatureDoesNotMatch, HTTP 403)",
                fix: "files of accessKey"
            )
            expect(
                try await failure { $0.id.file = "/aws/unknown" },
                .misconfigured,
                "STS does not accept our signature (InvalidClientTokenId, HTTP 403)"
            )
            // The two files of the key, one for the other: nothing is sent.
            let sent = fixture.aws.requests.count
            for file in ["secret", "letters", "lower", "short", "role"] {
                expect(
                    try await failure { $0.id.file = "/aws/\(file)" },
                    .misconfigured,
                    "/aws/\(file) holds no id of an access key"
                )
            }
            expect(
                try await failure { $0.secret.file = "/aws/two-lines" },
                .misconfigured,
                "/aws/two-lines holds no part of an access key"
            )
            #expect(fixture.aws.requests.count == sent)
            expect(try await failure { $0.id.file = "/aws/none" }, .misconfigured, "/aws/none does not exist")
            expect(
                try await fixture.failure(try fixture.request()) { settings in
                    settings.accessKey = AWSFixture.keys
                    settings.externalID = "another"
                },
                .refused,
                "STS does not let us assume the role builder",
                fix: "allow sts:AssumeRole"
            )
            #expect(fixture.aws.passwordCount == 0)
        }
        // The node's clock is behind: AWS's is what the Date field says.
        let clock = ManualClock(now: SystemClock().now.advanced(by: .seconds(-1000)))
        try await AWSFixture.run(clock: clock) { fixture in
            let error = try await fixture.failure(try fixture.request())
            expect(error, .misconfigured, "this node's clock is ", fix: "NTP")
            #expect(error.message.contains("behind AWS's (InvalidSignatureException, HTTP 400)"))
        }
    }
}
