// The Security Token Service of the loopback AWS.

import Foundation
import Synchronization
import TokenStore

extension LoopbackAWS {
    /// Answers AssumeRoleWithWebIdentity, which nobody signs, and AssumeRole, which somebody must.
    func securityToken(_ request: SourceRequest) -> SourceAnswer {
        guard request.headers["content-type"] == "application/x-www-form-urlencoded",
            request.form("Version") == "2011-06-15", let action = request.form("Action")
        else { return Self.fault(400, "InvalidAction", "Could not find operation") }
        switch action {
        case "AssumeRoleWithWebIdentity":
            guard request.headers["authorization"] == nil else {
                return Self.fault(400, "InvalidAction", "signed")
            }
            return tokenFault(request) ?? session(request, action)
        case "AssumeRole":
            if let fault = signatureFault(request, service: "sts", region: options.region) {
                // STS speaks of signatures in words of its own.
                let code =
                    switch fault.code {
                    case "UnrecognizedClientException": "InvalidClientTokenId"
                    case "InvalidSignatureException": "SignatureDoesNotMatch"
                    case "MissingAuthenticationTokenException": "MissingAuthenticationToken"
                    default: fault.code
                    }
                return Self.fault(403, code, fault.text)
            }
            guard request.form("ExternalId") == options.externalID else {
                return Self.fault(403, "AccessDenied", "User is not authorized to perform: sts:AssumeRole")
            }
            return session(request, action)
        default: return Self.fault(400, "InvalidAction", "Could not find operation")
        }
    }

    private func tokenFault(_ request: SourceRequest) -> SourceAnswer? {
        guard let token = request.form("WebIdentityToken"), (4...20_000).contains(token.utf8.count) else {
            return Self.fault(400, "ValidationError", "Value at 'webIdentityToken' failed to satisfy constraint")
        }
        guard options.reachesKeys else {
            return Self.fault(
                400,
                "InvalidIdentityToken",
                "Couldn't retrieve verification key from your identity provider,"
            )
        }
        do throws(SubjectTokens.Rejection) {
            let claims = try tokens.verify(token, audience: options.audience, now: options.now())
            guard options.trusted.contains(claims.sub) else { return denied }
            return nil
        } catch {
            switch error {
            case .expired:
                return Self.fault(400, "ExpiredTokenException", "Token expired: current date/time must be before")
            case .wrongAudience: return Self.fault(400, "InvalidIdentityToken", "Incorrect token audience")
            case .wrongIssuer:
                return Self.fault(400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account")
            default: return Self.fault(400, "InvalidIdentityToken", "The ID Token provided is not a valid JWT.")
            }
        }
    }

    private var denied: SourceAnswer {
        Self.fault(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
    }

    private func session(_ request: SourceRequest, _ action: String) -> SourceAnswer {
        guard request.form("RoleArn") == options.roleARN else { return denied }
        guard let name = request.form("RoleSessionName"), (2...64).contains(name.utf8.count),
            name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "_+=,.@-".contains($0)) })
        else {
            return Self.fault(400, "ValidationError", "Value at 'roleSessionName' failed to satisfy constraint")
        }
        guard let seconds = Int(request.form("DurationSeconds") ?? "3600"), (900...43_200).contains(seconds) else {
            return Self.fault(400, "ValidationError", "Value at 'durationSeconds' failed to satisfy constraint")
        }
        guard seconds <= options.longestSession else {
            let text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            return Self.fault(400, "ValidationError", text)
        }
        var policy = SessionPolicyDocument.everything
        if let text = request.form("Policy") {
            guard text.utf8.count <= 2048 else {
                return Self.fault(400, "ValidationError", "Value at 'policy' failed to satisfy constraint")
            }
            guard text.utf8.count <= options.packedLimit else {
                return Self.fault(400, "PackedPolicyTooLarge", "Packed policy consumes 120% of allotted space")
            }
            policy = try? SessionPolicyDocument(text)
        }
        guard let policy else { return Self.fault(400, "MalformedPolicyDocument", "Syntax errors in policy.") }
        let number = next()
        let id = "ASIALOOPBACK\(String(format: "%08d", number))"
        let session = Session(
            name: name,
            secretKey: "loopback/secret+\(number)/" + String(UInt64.random(in: 1 << 60 ... .max), radix: 36),
            token: "FwoGZXIvYXdzE//" + String(UInt64.random(in: 1 << 60 ... .max), radix: 36) + "+a/b==",
            policy: policy,
            expiresAt: options.now().advanced(by: .seconds(seconds))
        )
        state.withLock { $0.sessions[id] = session }
        return SourceAnswer(
            200,
            headers: ["Content-Type": "text/xml"],
            body: Array(sessionXML(id, session, action).utf8)
        )
    }

    private func sessionXML(_ id: String, _ session: Session, _ action: String) -> String {
        """
        <\(action)Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
          <\(action)Result>
            <Credentials>
              <SessionToken>\(session.token)</SessionToken>
              <SecretAccessKey>\(session.secretKey)</SecretAccessKey>
              <Expiration>\(session.expiresAt.rfc3339)</Expiration>
              <AccessKeyId>\(id)</AccessKeyId>
            </Credentials>
            <AssumedRoleUser>
              <Arn>arn:\(options.partition):sts::\(options.account):assumed-role/\(options.roleName)/\(session.name)</Arn>
              <AssumedRoleId>AROALOOPBACK:\(session.name)</AssumedRoleId>
            </AssumedRoleUser>
            <PackedPolicySize>6</PackedPolicySize>
          </\(action)Result>
          <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
        </\(action)Response>
        """
    }

    /// An error as STS writes it.
    package static func fault(_ status: Int, _ code: String, _ message: String) -> SourceAnswer {
        let xml = """
            <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
              <Error>
                <Type>Sender</Type>
                <Code>\(code)</Code>
                <Message>\(message)</Message>
              </Error>
              <RequestId>4a6b2c1d-0000-4000-8000-000000000000</RequestId>
            </ErrorResponse>
            """
        return SourceAnswer(status, headers: ["Content-Type": "text/xml"], body: Array(xml.utf8))
    }
}
