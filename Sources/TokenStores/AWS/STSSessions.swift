// Sessions of a role: short-lived keys that can do no more than one build's session policy says.

import TokenStore

/// The keys of a session, and when they end.
struct AWSSession: Sendable {
    let keys: AWSKeys
    let expiresAt: UTCInstant
}

/// Asks STS for sessions.
struct STSSessions: Sendable {
    let role: AWSRole
    let region: String
    let context: TokenStoreContext

    private static let apiVersion = "2011-06-15"

    private var errors: AWSErrors {
        AWSErrors(
            role: role.arn,
            usesPodToken: role.usesPodToken,
            source: SourceErrors(source: "STS", address: role.sts.text, addressKey: "stsURL")
        )
    }

    /// Assumes the role for a build.
    ///
    /// - Parameter policy: the session policy, as JSON.
    func assume(_ request: TokenRequest, policy: String) async throws(TokenStoreError) -> AWSSession {
        let sessionName = SessionName.of(request.subject)
        let step = step(request.subject)
        let call = try call(request, policy: policy, sessionName: sessionName)
        let answer = try await errors.source.send(call, step.base, over: context.http)
        guard answer.status == 200 else { throw errors.error(answer, step, now: context.clock.now) }
        guard let read = STSAnswer(answer.body, action: action) else {
            throw errors.source.unreadable(answer, step.base)
        }
        guard read.isSession(of: role.arn, named: sessionName) else {
            throw TokenStoreError(
                .malformedAnswer,
                "STS answered with a session of another role or name than \(role.arn.name)",
                fix: "check that stsURL \(role.sts.text) is AWS's Security Token Service"
            )
        }
        guard read.session.expiresAt > context.clock.now else {
            throw TokenStoreError(
                .malformedAnswer,
                "STS answered with a session that has already ended",
                fix: "check the node's clock"
            )
        }
        return read.session
    }

    private var action: String { role.usesPodToken ? "AssumeRoleWithWebIdentity" : "AssumeRole" }

    private func call(
        _ request: TokenRequest,
        policy: String,
        sessionName: String
    ) throws(TokenStoreError) -> HTTPCall {
        var form = FormBody()
        form.add("Action", action)
        form.add("Version", Self.apiVersion)
        form.add("RoleArn", role.arn.text)
        form.add("RoleSessionName", sessionName)
        form.add("DurationSeconds", "\(role.seconds(request.lifetime))")
        form.add("Policy", policy)
        switch role.identity {
        case .podToken(let audience):
            form.add("WebIdentityToken", try AskChecks.subjectToken(request, audience: audience))
            return call(form)
        case .accessKey(let files, let externalID):
            if let externalID { form.add("ExternalId", externalID) }
            let signer = SigV4(keys: try keys(files), region: region, service: "sts")
            return signer.signed(call(form), at: context.clock.now)
        }
    }

    private func call(_ form: FormBody) -> HTTPCall {
        HTTPCall("POST", role.sts.text + "/", headers: [FormBody.contentType], body: form.bytes)
    }

    /// Read at each use: operators rotate keys.
    private func keys(_ files: AWSAccessKeyFiles) throws(TokenStoreError) -> AWSKeys {
        let id = Authorization.trimmed(try context.secrets.read(files.id)).revealText()
        guard Self.isKeyID(id) else {
            throw TokenStoreError(
                .misconfigured,
                "\(files.id.file) holds no id of an access key",
                fix: "write the id alone into it, for example AKIAIOSFODNN7EXAMPLE"
            )
        }
        return AWSKeys(
            accessKeyID: id,
            secretAccessKey: try key(files.secret),
            sessionToken: try files.sessionToken.map { file throws(TokenStoreError) in try key(file) }
        )
    }

    /// The id is sent as it is, so it must not be the secret, which is 40 characters of base64. Ids of users' keys begin
    /// with AKIA, those of sessions with ASIA
    /// (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-prefixes>); the lengths
    /// are those of STS's API.
    private static func isKeyID(_ text: String) -> Bool {
        guard text.hasPrefix("AKIA") || text.hasPrefix("ASIA"), (16...128).contains(text.utf8.count) else {
            return false
        }
        return text.utf8.allSatisfy {
            (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
        }
    }

    private func key(_ reference: SecretReference) throws(TokenStoreError) -> Secret {
        let secret = Authorization.trimmed(try context.secrets.read(reference))
        guard Authorization.isUsable(secret) else {
            throw TokenStoreError(
                .misconfigured,
                "\(reference.file) holds no part of an access key",
                fix: "write one value into it, in one line"
            )
        }
        return secret
    }

    private func step(_ subject: Subject) -> AWSErrors.Step {
        let who = "system:serviceaccount:\(subject.namespace):\(subject.serviceAccount)"
        return AWSErrors.Step(
            base: SourceErrors.Step("assume the role \(role.arn.name)", onNotFound: "check stsURL"),
            denied: role.usesPodToken
                ? "let the role's trust policy take the cluster's issuer with the subject \(who) and the audience "
                    + "of this store's settings"
                : "let the role's trust policy and the access key's own policy allow sts:AssumeRole"
        )
    }
}

/// STS's answer to AssumeRole and AssumeRoleWithWebIdentity.
private struct STSAnswer {
    let session: AWSSession
    private let assumedRole: String

    init?(_ body: [UInt8], action: String) {
        guard let root = PlainXML.parse(body), root.name == "\(action)Response",
            let result = root.children.first(where: { $0.name == "\(action)Result" }),
            let id = result.text("Credentials", "AccessKeyId"), Authorization.isUsable(Secret(utf8: id)),
            let secret = result.text("Credentials", "SecretAccessKey").map({ Secret(utf8: $0) }),
            let token = result.text("Credentials", "SessionToken").map({ Secret(utf8: $0) }),
            Authorization.isUsable(secret), Authorization.isUsable(token),
            let expiresAt = result.text("Credentials", "Expiration").flatMap({ UTCInstant(rfc3339: $0) }),
            let assumedRole = result.text("AssumedRoleUser", "Arn")
        else { return nil }
        session = AWSSession(
            keys: AWSKeys(accessKeyID: id, secretAccessKey: secret, sessionToken: token),
            expiresAt: expiresAt
        )
        self.assumedRole = assumedRole
    }

    /// Whether the session is what was asked for: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    func isSession(of role: RoleARN, named name: String) -> Bool {
        assumedRole == "arn:\(role.partition):sts::\(role.account):assumed-role/\(role.name)/\(name)"
    }
}
