// A counterpart of AWS: STS, ECR, ECR Public and CodeCommit, as far as a build's tokens go. It verifies what they verify.

import Foundation
import Synchronization
package import TokenStore

/// What a loopback AWS knows from the start, and what it shall do wrong.
package struct LoopbackAWSOptions: Sendable {
    package var partition = "aws"
    package var account = "111122223333"
    package var region = "eu-central-1"
    package var roleName = "builder"
    package var audience = "sts.amazonaws.com"
    /// The subjects that the role's trust policy takes.
    package var trusted: Set<String> = ["system:serviceaccount:binder:builder"]
    /// What the role's own policies allow; actions of repositories reach all of them.
    package var roleActions: Set<String> = [
        "ecr:GetAuthorizationToken", "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage",
        "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload",
        "ecr:PutImage", "ecr:BatchDeleteImage", "ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken",
        "ecr-public:BatchCheckLayerAvailability", "ecr-public:InitiateLayerUpload", "ecr-public:UploadLayerPart",
        "ecr-public:CompleteLayerUpload", "ecr-public:PutImage", "codecommit:GitPull", "codecommit:GitPush",
    ]
    /// The role's maximum session duration, in seconds.
    package var longestSession = 43_200
    /// How many characters of a session policy fit, once packed.
    package var packedLimit = 2048
    /// Whether AWS reaches the cluster's keys.
    package var reachesKeys = true
    /// A user's access key, which may assume the role when it gives the external id.
    package var userKey = (id: "AKIAIOSFODNN7EXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
    package var externalID: String?
    package var now: @Sendable () -> UTCInstant = { SystemClock().now }

    package init() {}

    package var roleARN: String { "arn:\(partition):iam::\(account):role/\(roleName)" }
}

/// The counterpart: hand ``answer(_:)`` to `withLoopbackSource`.
package final class LoopbackAWS: Sendable {
    /// A session of the role.
    struct Session: Sendable {
        let name: String
        let secretKey: String
        let token: String
        let policy: SessionPolicyDocument
        let expiresAt: UTCInstant
    }

    struct State {
        var sessions: [String: Session] = [:]
        /// The sessions behind registry passwords.
        var passwords: [String: Session] = [:]
        var requests: [SourceRequest] = []
        var counter = 0
        var answers: [SourceAnswer] = []
    }

    package let options: LoopbackAWSOptions
    package let tokens: SubjectTokens
    let state = Mutex(State())

    package init(_ options: LoopbackAWSOptions = LoopbackAWSOptions(), tokens: SubjectTokens) {
        self.options = options
        self.tokens = tokens
    }

    /// What was asked, in order.
    package var requests: [SourceRequest] { state.withLock { $0.requests } }
    /// How many registry passwords were given.
    package var passwordCount: Int { state.withLock { $0.passwords.count } }
    /// The names of all sessions.
    package var sessionNames: [String] { state.withLock { $0.sessions.values.map(\.name).sorted() } }

    /// The next request is answered with this, whatever it is.
    package func answerNext(_ answer: SourceAnswer) { state.withLock { $0.answers.append(answer) } }

    /// Whether a registry takes a password for an action on a resource: what the role and its session policy both allow.
    package func allows(_ password: String, _ action: String, on resource: String) -> Bool {
        guard let session = state.withLock({ $0.passwords[password] }), options.now() < session.expiresAt else {
            return false
        }
        return allows(session, action, on: resource)
    }

    func allows(_ session: Session, _ action: String, on resource: String) -> Bool {
        options.roleActions.contains(action) && session.policy.allows(action, on: resource)
    }

    package func answer(_ request: SourceRequest) async -> SourceAnswer {
        var answer = route(request)
        answer.headers["Date"] = Self.date(options.now())
        return answer
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT`.
    private static func date(_ now: UTCInstant) -> String {
        let formatter = DateFormatter()
        formatter.locale = Locale(identifier: "en_US_POSIX")
        formatter.timeZone = TimeZone(identifier: "GMT")
        formatter.dateFormat = "EEE, dd MMM yyyy HH:mm:ss 'GMT'"
        return formatter.string(from: Date(timeIntervalSince1970: Double(now.epochSeconds)))
    }

    private func route(_ request: SourceRequest) -> SourceAnswer {
        let planned: SourceAnswer? = state.withLock { state in
            state.requests.append(request)
            return state.answers.isEmpty ? nil : state.answers.removeFirst()
        }
        if let planned { return planned }
        if request.method == "GET", request.path.hasPrefix("/v1/repos/") { return git(request) }
        guard request.method == "POST", request.path == "/" else { return SourceAnswer(404) }
        if let target = request.headers["x-amz-target"] { return authorizationToken(request, target: target) }
        return securityToken(request)
    }

    func next() -> Int {
        state.withLock { state in
            state.counter += 1
            return state.counter
        }
    }
}
