// What the stores of ECR send, and what a password of theirs can do and can't.

import Foundation
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct ECRIssueTests {
    @Test func sendsExactlyWhatIsAsked() async throws {
        try await AWSFixture.run { fixture in
            let request = try fixture.request(["binder/b", "binder/a"], [.pull, .push], lifetime: .seconds(900))
            let before = fixture.context.clock.now
            let token = try await fixture.issue(request)
            let calls = fixture.aws.requests
            try #require(calls.count == 2)
            #expect(calls[0].method == "POST" && calls[0].path == "/" && calls[0].query.isEmpty)
            #expect(calls[0].headers["authorization"] == nil)
            let form = Dictionary(calls[0].form.map { ($0.name, $0.value) }) { first, _ in first }
            #expect(
                form.filter { $0.key != "Policy" } == [
                    "Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15",
                    "RoleArn": "arn:aws:iam::111122223333:role/builder", "RoleSessionName": "binder.build-1.11111111",
                    "DurationSeconds": "900", "WebIdentityToken": request.subjectToken?.revealText() ?? "",
                ]
            )
            let repositories = "arn:aws:ecr:eu-central-1:111122223333:repository/binder/"
            #expect(
                form["Policy"]
                    == #"{"Statement":[{"Action":["ecr:GetAuthorizationToken"],"Effect":"Allow","Resource":["*"]},"#
                    + #"{"Action":["ecr:BatchCheckLayerAvailability","ecr:BatchGetImage","ecr:CompleteLayerUpload","#
                    + #""ecr:GetDownloadUrlForLayer","ecr:InitiateLayerUpload","ecr:PutImage","ecr:UploadLayerPart"],"#
                    + #""Effect":"Allow","Resource":["\#(repositories)a","\#(repositories)b"]}],"#
                    + #""Version":"2012-10-17"}"#
            )
            #expect(calls[1].headers["x-amz-target"] == "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken")
            #expect(calls[1].headers["content-type"] == "application/x-amz-json-1.1")
            #expect(calls[1].headers["x-amz-security-token"] != nil)
            #expect(String(decoding: calls[1].body, as: UTF8.self) == "{}")
            #expect(
                calls[1].headers["authorization"]?.contains(
                    "/eu-central-1/ecr/aws4_request, "
                        + "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target, "
                ) == true
            )
            #expect(token.username == "AWS")
            // Split at the first colon: the password has one of its own.
            #expect(token.secret.revealText().contains(":"))
            #expect(token.grantedScope == request.scope)
            #expect(token.handle == nil)
            // With the session, not after twelve hours.
            let life = before.duration(to: try #require(token.expiresAt))
            #expect(life <= .seconds(910) && life >= .seconds(890))
            #expect(!fixture.log.text.contains(token.secret.revealText()))
        }
    }

    private static let reaches: [(Set<RegistryAction>, [String], [String])] = [
        (
            [.pull], ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"],
            ["ecr:PutImage", "ecr:BatchDeleteImage"]
        ),
        ([.push], ["ecr:PutImage", "ecr:UploadLayerPart", "ecr:InitiateLayerUpload"], ["ecr:GetDownloadUrlForLayer"]),
        ([.delete], ["ecr:BatchDeleteImage"], ["ecr:PutImage", "ecr:BatchGetImage"]),
    ]

    @Test(arguments: reaches)
    func reachesNoFurther(actions: Set<RegistryAction>, can: [String], cannot: [String]) async throws {
        try await AWSFixture.run { fixture in
            let token = try await fixture.issue(try fixture.request(["binder/app"], actions))
            let password = token.secret.revealText()
            for action in can {
                #expect(fixture.aws.allows(password, action, on: fixture.resource("binder/app")), "\(action)")
            }
            for action in cannot {
                #expect(!fixture.aws.allows(password, action, on: fixture.resource("binder/app")), "\(action)")
            }
            for other in ["binder/app2", "binder", "binder/app/x", "other/app"] {
                for action in can { #expect(!fixture.aws.allows(password, action, on: fixture.resource(other))) }
            }
        }
    }

    private static let extras: [(RegistryAction, String, creates: Bool, caches: Bool, allowed: Bool)] = [
        (.push, "ecr:CreateRepository", false, true, false),
        (.push, "ecr:CreateRepository", true, false, true),
        (.pull, "ecr:CreateRepository", true, false, false),
        (.pull, "ecr:BatchImportUpstreamImage", true, false, false),
        (.pull, "ecr:BatchImportUpstreamImage", false, true, true),
        (.push, "ecr:BatchImportUpstreamImage", true, true, false),
    ]

    @Test(arguments: extras) func createsOnlyWhereTheSettingsSay(
        asked: RegistryAction,
        action: String,
        creates: Bool,
        caches: Bool,
        allowed: Bool
    ) async throws {
        var options = LoopbackAWSOptions()
        options.roleActions.formUnion(["ecr:CreateRepository", "ecr:BatchImportUpstreamImage"])
        try await AWSFixture.run(options) { fixture in
            let token = try await fixture.issue(try fixture.request(["binder/app"], [asked])) { settings in
                settings.createRepositories = creates
                settings.pullThroughCache = caches
            }
            let password = token.secret.revealText()
            #expect(fixture.aws.allows(password, action, on: fixture.resource("binder/app")) == allowed)
            #expect(!fixture.aws.allows(password, action, on: fixture.resource("binder/other")))
        }
    }

    @Test func anotherAccountsRegistry() async throws {
        try await AWSFixture.run { fixture in
            _ = try await fixture.issue(try fixture.request()) { $0.registryID = "444455556666" }
            let policy = fixture.aws.requests[0].form("Policy") ?? ""
            #expect(policy.contains("arn:aws:ecr:eu-central-1:444455556666:repository/binder/app"))
        }
    }

    @Test(
        arguments: [
            (nil, nil, 3600), (nil, 7200, 7200), (Duration.seconds(60), 7200, 900), (.seconds(5000), nil, 5000),
            (.seconds(100_000), nil, 43_200),
        ] as [(Duration?, Int?, Int)]
    )
    func sessionLength(lifetime: Duration?, setting: Int?, seconds: Int) async throws {
        try await AWSFixture.run { fixture in
            _ = try await fixture.issue(try fixture.request(lifetime: lifetime)) { $0.sessionSeconds = setting }
            #expect(fixture.aws.requests[0].form("DurationSeconds") == "\(seconds)")
        }
    }

    @Test func sessionNamesAreTakenWhateverThePodIsCalled() async throws {
        var options = LoopbackAWSOptions()
        let long = String(repeating: "x", count: 253)
        options.trusted = ["system:serviceaccount:\(long):builder", "system:serviceaccount:n:builder"]
        try await AWSFixture.run(options) { fixture in
            for (namespace, pod, uid) in [(long, long, "abcdefgh-1"), ("n", "p", ""), ("n", "a/b c:d", "\u{e9}")] {
                let subject = Subject(namespace: namespace, serviceAccount: "builder", podName: pod, podUID: uid)
                _ = try await fixture.issue(try fixture.request(subject: subject))
            }
            #expect(
                fixture.aws.sessionNames == [
                    "n.a-b-c-d.--", "n.p.", String(repeating: "x", count: 55) + ".abcdefgh",
                ]
            )
        }
    }

    @Test func refusesTooManyRepositoriesAndSaysHowManyFit() async throws {
        try await AWSFixture.run { fixture in
            let names = (10..<60).map { "binder/repository-\($0)" }
            let error = try await fixture.failure(try fixture.request(names))
            #expect(error.code == .refused)
            #expect(error.message.hasPrefix("the session policy for 50 repositories has "))
            #expect(fixture.aws.requests.isEmpty)
            let fitting = try #require(error.fix.split(separator: " ").compactMap { Int($0) }.first)
            _ = try await fixture.issue(try fixture.request(Array(names.prefix(fitting))))
            let more = try await fixture.failure(try fixture.request(Array(names.prefix(fitting + 1))))
            #expect(more.fix == "ask for at most \(fitting) of these repositories in one token")
        }
    }

    private static let impossible: [(TokenScope, String)] = [
        (TokenScope(), "the scope is empty"),
        (TokenScope(repositories: ["a/b"], permissions: ["contents": .read]), "a token of ECR has registry actions"),
        (
            TokenScope(repositories: ["a/b"], permissions: ["contents": .read], actions: [.pull]),
            "a token of ECR has registry actions"
        ),
        (TokenScope(repositories: ["a/*"], actions: [.pull]), "a repository of the scope has no name that ECR allows"),
        (TokenScope(repositories: ["a/b?"], actions: [.pull]), "a repository of the scope has no name that ECR allows"),
        (
            TokenScope(repositories: ["a/b:tag"], actions: [.pull]),
            "a repository of the scope has no name that ECR allows"
        ),
        (TokenScope(repositories: ["A/b"], actions: [.pull]), "a repository of the scope has no name that ECR allows"),
        (
            TokenScope(repositories: ["a/${x}"], actions: [.pull]),
            "a repository of the scope has no name that ECR allows"
        ),
        (
            TokenScope(repositories: ["a/\"b"], actions: [.pull]),
            "a repository of the scope has no name that ECR allows"
        ),
    ]

    @Test(arguments: impossible) func refusesScopesWithoutSendingThem(scope: TokenScope, text: String) async throws {
        try await AWSFixture.run { fixture in
            var request = try fixture.request()
            request.scope = scope
            let error = try await fixture.failure(request)
            #expect(error.code == .refused)
            #expect(error.message.hasPrefix(text), "\(error)")
            #expect(fixture.aws.requests.isEmpty)
        }
    }

    @Test func namesThatBeginLikeAHostAreTaken() async throws {
        try await AWSFixture.run { fixture in
            let token = try await fixture.issue(try fixture.request(["quay.io/org/x"], [.pull]))
            let password = token.secret.revealText()
            #expect(fixture.aws.allows(password, "ecr:BatchGetImage", on: fixture.resource("quay.io/org/x")))
        }
    }

    @Test func nothingIsRevoked() async throws {
        try await AWSFixture.run { fixture in
            let store = try ECRStore(settings: fixture.settings(), context: fixture.context)
            await #expect(throws: TokenStoreError.self) { try await store.revoke(RevocationHandle(identifier: "x")) }
            let found = try await store.find("x", scope: TokenScope())
            #expect(found == nil)
            #expect(fixture.aws.requests.isEmpty)
        }
    }
}
