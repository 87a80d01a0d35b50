// GetAuthorizationToken of ECR and of ECR Public: a password for docker, made for who signs the call.

import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The one call that both registries have.
struct AuthorizationTokenCall: Sendable {
    /// `ecr` or `ecr-public`: the name that is signed for.
    let service: String
    /// The value of `X-Amz-Target`.
    let target: String
    let region: String
    let api: ServiceURL
    let errors: AWSErrors
    let context: TokenStoreContext

    /// The password, its user name, and when it ends: with its own term or with the session, whichever is first.
    func send(
        _ session: AWSSession
    ) async throws(TokenStoreError) -> (username: String, secret: Secret, expiresAt: UTCInstant) {
        let step = AWSErrors.Step(
            base: SourceErrors.Step("issue a registry password", mints: true),
            denied: "give the role \(errors.role.name) the action \(service):GetAuthorizationToken on *"
                + (service == "ecr-public" ? " and sts:GetServiceBearerToken" : "")
        )
        let call = HTTPCall(
            "POST",
            api.text + "/",
            headers: [
                HTTPField("Content-Type", "application/x-amz-json-1.1"), HTTPField("X-Amz-Target", target),
            ],
            body: Array("{}".utf8)
        )
        let signer = SigV4(keys: session.keys, region: region, service: service)
        let signed = signer.signed(call, at: context.clock.now)
        let answer = try await errors.source.send(signed, step.base, over: context.http)
        guard answer.status == 200 else { throw errors.error(answer, step, now: context.clock.now) }
        guard let read = AuthorizationAnswer(answer.body) else { throw errors.source.unreadable(answer, step.base) }
        let expiresAt = min(read.expiresAt, session.expiresAt)
        guard expiresAt > context.clock.now else {
            throw TokenStoreError(
                .malformedAnswer,
                "\(errors.source.source) answered with a password that has already expired",
                fix: "check the node's clock"
            )
        }
        return (read.username, read.secret, expiresAt)
    }
}

/// `authorizationData`: a list of ECR's, one object of ECR Public's.
private struct AuthorizationAnswer: Decodable {
    private struct Entry: Decodable {
        let authorizationToken: String
        let expiresAt: Double
    }

    let username: String
    let secret: Secret
    let expiresAt: UTCInstant

    private enum CodingKeys: String, CodingKey { case authorizationData }

    init?(_ body: [UInt8]) {
        guard let read = JSONBody.decode(Self.self, body) else { return nil }
        self = read
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let entry: Entry
        if let single = try? container.decode(Entry.self, forKey: .authorizationData) {
            entry = single
        } else {
            let entries = try container.decode([Entry].self, forKey: .authorizationData)
            guard entries.count == 1 else { throw Unusable() }
            entry = entries[0]
        }
        // Of the form USER:PASSWORD; the password is opaque and may hold colons.
        guard let pair = Data(base64Encoded: entry.authorizationToken).map({ [UInt8]($0) }),
            let colon = pair.firstIndex(of: UInt8(ascii: ":")), colon > 0
        else { throw Unusable() }
        let name = Secret(Array(pair[..<colon]))
        secret = Secret(Array(pair[(colon + 1)...]))
        guard Authorization.isUsable(name), Authorization.isUsable(secret), entry.expiresAt > 0, entry.expiresAt < 1e11
        else { throw Unusable() }
        username = name.revealText()
        expiresAt = UTCInstant(epochSeconds: Int64(entry.expiresAt))
    }

    private struct Unusable: Error {}
}
