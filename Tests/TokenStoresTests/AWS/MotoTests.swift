// The ECR store against moto with its authentication on: signatures, users' and roles' policies and trust are verified by
// code that we did not write. What moto leaves out (the Pod's token, lengths, session policies) the loopback AWS checks.

import Foundation
import HTTPTransfer
import Logging
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting

@testable import TokenStores

@Suite(
    .serialized,
    .enabled("moto could not be installed: scripts/install-moto needs PyPI") { await MotoServer.isInstalled },
    .moto
) struct MotoTests {
    /// The keys of a user that may assume roles.
    private struct User {
        let id: String
        let secret: String
    }

    private func moto() throws -> MotoServer { try #require(MotoServer.current) }

    /// A role of its own for each test, which may log in to ECR or may not.
    private func makeRole(_ moto: MotoServer, mayLogIn: Bool = true, trust: String = "") async throws -> String {
        try await moto.verifySignatures(after: 1_000_000)
        let name = "builder-" + String(UInt64.random(in: 1 << 60 ... .max), radix: 36)
        let trust =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"#
            + #""Action":"sts:AssumeRole"\#(trust)}]}"#
        try await moto.iam("CreateRole", ["RoleName": name, "AssumeRolePolicyDocument": trust])
        let action = mayLogIn ? "ecr:GetAuthorizationToken" : "ecr:DescribeRepositories"
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"\#(action)","Resource":"*"}]}"#
        try await moto.iam("PutRolePolicy", ["RoleName": name, "PolicyName": "p", "PolicyDocument": policy])
        return "arn:aws:iam::\(MotoServer.account):role/\(name)"
    }

    private func makeUser(_ moto: MotoServer) async throws -> User {
        let name = "node-" + String(UInt64.random(in: 1 << 60 ... .max), radix: 36)
        try await moto.iam("CreateUser", ["UserName": name])
        let policy =
            #"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}]}"#
        try await moto.iam("PutUserPolicy", ["UserName": name, "PolicyName": "p", "PolicyDocument": policy])
        let key = try #require(try await moto.iam("CreateAccessKey", ["UserName": name]).first("AccessKey"))
        return User(id: try #require(key.text("AccessKeyId")), secret: try #require(key.text("SecretAccessKey")))
    }

    /// Issues at moto, with its answer's year corrected unless told otherwise.
    private func issue(
        _ moto: MotoServer,
        role: String,
        user: User? = nil,
        externalID: String? = nil,
        change: ChangingTransport.Change? = .expiry
    ) async throws -> IssuedToken {
        let keys = AWSAccessKeyFiles(id: SecretReference(file: "/id"), secret: SecretReference(file: "/secret"))
        let settings = ECRSettings(
            region: "eu-central-1",
            roleARN: role,
            accessKey: user == nil ? nil : keys,
            externalID: externalID,
            stsURL: moto.url,
            ecrURL: moto.url
        )
        let log = LogCapture()
        return try await withCurlTransport(HTTPTransferOptions(environment: [:]), logger: log.logger) { http in
            let context = TokenStoreContext(
                name: "push",
                clock: SystemClock(),
                http: ChangingTransport(base: http, change: change),
                secrets: FixedSecrets(["/id": user?.id ?? "", "/secret": user?.secret ?? ""]),
                logger: log.logger
            )
            return try await ECRStore(settings: settings, context: context).issue(
                TokenRequest(
                    subject: SubjectTokens.subject,
                    scope: TokenScope(repositories: ["binder/app"], actions: [.pull, .push]),
                    subjectToken: Secret(utf8: "moto.does-not.read-it")
                )
            )
        }
    }

    private func failure(_ body: () async throws -> IssuedToken) async throws -> TokenStoreError {
        do {
            _ = try await body()
        } catch let error as TokenStoreError {
            return error
        }
        Issue.record("a token was issued")
        throw StoreFixture.Unexpected()
    }

    @Test func theSessionsSignatureIsAccepted() async throws {
        let moto = try moto()
        let role = try await makeRole(moto)
        // AssumeRoleWithWebIdentity comes without a signature, and nothing else does.
        try await moto.verifySignatures(after: 1)
        let token = try await issue(moto, role: role)
        #expect(token.username == "AWS")
        #expect(token.secret.revealText() == "\(MotoServer.account)-auth-token")
        #expect(token.expiresAt.map { $0 > SystemClock().now } == true)
    }

    @Test(arguments: [ChangingTransport.Change.signature, .date, .body, .sessionToken])
    func whatWasChangedOnTheWayIsNotAccepted(change: ChangingTransport.Change) async throws {
        let moto = try moto()
        let role = try await makeRole(moto)
        try await moto.verifySignatures(after: 1)
        let error = try await failure { try await issue(moto, role: role, change: change) }
        #expect(error.code == .misconfigured)
        #expect(error.message.hasPrefix("ECR does not accept our signature ("), "\(error)")
    }

    @Test func aPasswordOfThePastIsNotHandedOut() async throws {
        let moto = try moto()
        let role = try await makeRole(moto)
        try await moto.verifySignatures(after: 1)
        let error = try await failure { try await issue(moto, role: role, change: nil) }
        #expect(error.code == .malformedAnswer)
        #expect(error.message == "ECR answered with a password that has already expired")
    }

    @Test func aRoleThatMayNotLogIn() async throws {
        let moto = try moto()
        let role = try await makeRole(moto, mayLogIn: false)
        try await moto.verifySignatures(after: 1)
        let error = try await failure { try await issue(moto, role: role) }
        #expect(error.code == .refused)
        #expect(error.message.hasPrefix("ECR does not let us issue a registry password (AccessDenied"), "\(error)")
    }

    @Test func aUsersKeyAssumesTheRole() async throws {
        let moto = try moto()
        let role = try await makeRole(moto, trust: #","Condition":{"StringEquals":{"sts:ExternalId":"build/1"}}"#)
        let user = try await makeUser(moto)
        try await moto.verifySignatures(after: 0)
        let token = try await issue(moto, role: role, user: user, externalID: "build/1")
        #expect(token.username == "AWS")
        let wrong = User(id: user.id, secret: "another" + user.secret.dropFirst(7))
        let error = try await failure { try await issue(moto, role: role, user: wrong, externalID: "build/1") }
        #expect(error.message == "STS does not accept our signature (SignatureDoesNotMatch, HTTP 403)")
        let unknown = User(id: "AKIAUNKNOWNUNKNOWN01", secret: user.secret)
        let stranger = try await failure { try await issue(moto, role: role, user: unknown, externalID: "build/1") }
        #expect(stranger.message == "STS does not accept our signature (InvalidClientTokenId, HTTP 403)")
        let denied = try await failure { try await issue(moto, role: role, user: user, externalID: "build/2") }
        #expect(denied.code == .refused)
        #expect(denied.message.hasPrefix("STS does not let us assume the role builder-"), "\(denied)")
    }
}

/// Changes a call to ECR, or ECR's answer: moto's passwords ended in 2015.
struct ChangingTransport: HTTPTransport {
    enum Change: Sendable { case expiry, signature, date, body, sessionToken }

    let base: any HTTPTransport
    let change: Change?

    func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
        guard call.headers.contains(where: { $0.name == "X-Amz-Target" }) else { return try await base.send(call) }
        var call = call
        func set(_ name: String, _ value: (String) -> String) {
            call.headers = call.headers.map { $0.name == name ? HTTPField($0.name, value($0.value)) : $0 }
        }
        switch change {
        case .signature:
            let text = call.authorization?.revealText() ?? ""
            call.authorization = Secret(utf8: text.dropLast() + (text.hasSuffix("0") ? "1" : "0"))
        case .date: set("X-Amz-Date") { String($0.dropLast(2)) + ($0.hasSuffix("0Z") ? "1Z" : "0Z") }
        case .body: call.body = Array(#"{"registryIds":["999900001111"]}"#.utf8)
        case .sessionToken: set("X-Amz-Security-Token") { _ in "another" }
        case .expiry, nil: break
        }
        var answer = try await base.send(call)
        if change == .expiry {
            let text = String(decoding: answer.body, as: UTF8.self)
            let soon = SystemClock().now.advanced(by: .seconds(43_200)).epochSeconds
            answer.body = Array(text.replacing(/"expiresAt": ?[0-9.]+/, with: "\"expiresAt\":\(soon)").utf8)
        }
        return answer
    }
}
