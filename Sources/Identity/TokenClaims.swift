// The claims of a service account token, and the rules that they must keep.

import Refusals
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The claims that kube-apiserver puts into a bound service account token
/// (<https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#bound-service-account-tokens>).
struct TokenClaims: Decodable {
    private var iss: String?
    private var aud: Audiences?
    private var sub: String?
    private var exp: Double?
    private var nbf: Double?
    private var iat: Double?
    private var kubernetes: Kubernetes?

    private enum CodingKeys: String, CodingKey {
        case iss, aud, sub, exp, nbf, iat
        case kubernetes = "kubernetes.io"
    }

    private struct Kubernetes: Decodable {
        var namespace: String?
        var pod: Object?
        var serviceaccount: Object?
        var node: Object?
    }

    private struct Object: Decodable {
        var name: String?
        var uid: String?
    }

    /// `aud` is a list, or a single text (RFC 7519 section 4.1.3).
    private struct Audiences: Decodable {
        var all: [String]

        init(from decoder: any Decoder) throws {
            let value = try decoder.singleValueContainer()
            all = try (try? [value.decode(String.self)]) ?? value.decode([String].self)
        }
    }

    /// Reads claims whose signature is verified.
    ///
    /// - Throws: `TokenMalformed`, naming the claim.
    init(json: [UInt8]) throws(Refusal) {
        do { self = try JSONDecoder().decode(Self.self, from: Data(json)) } catch {
            var claim = ""
            if case DecodingError.typeMismatch(_, let context) = error {
                claim = context.codingPath.map(\.stringValue).joined(separator: ".")
            }
            let what = claim.isEmpty ? "claims that are no JSON object" : "a claim \(claim) of the wrong type"
            throw Refusal(.tokenMalformed, "the service account token has \(what)")
        }
    }

    /// Holds the claims against what is expected at `now`.
    ///
    /// - Throws: `TokenRejected` (issuer, audience, subject), `TokenExpired` (time), `TokenNotForPod` (no Pod).
    func verified(issuer: String, audience: String, leeway: Duration, now: UTCInstant) throws(Refusal) -> VerifiedToken
    {
        guard iss == issuer else {
            throw Refusal(
                .tokenRejected,
                "the service account token is of issuer \(shown(iss)), not \(Refusal.quoted(issuer))",
                fix: "if it is this cluster's token, set identity.issuer in Daypass's configuration"
            )
        }
        guard aud?.all.contains(audience) == true else {
            let audiences = (aud?.all ?? []).prefix(3).map { Refusal.quoted($0) }.joined(separator: ", ")
            let shown = audiences.isEmpty ? "(none)" : audiences
            throw Refusal(
                .tokenRejected,
                "the service account token is for audience \(shown), not \(Refusal.quoted(audience))",
                fix: "ask for audience \(Refusal.quoted(audience)) in tokenRequests of the CSIDriver object"
            )
        }
        let (notBefore, end) = try times(leeway: leeway, now: now)
        let subject = try subject()
        return VerifiedToken(
            subject: subject,
            nodeName: kubernetes?.node?.name,
            notBefore: notBefore,
            expiresAt: end
        )
    }

    private func times(leeway: Duration, now: UTCInstant) throws(Refusal) -> (start: UTCInstant?, end: UTCInstant) {
        guard let exp else {
            throw Refusal(.tokenExpired, "the service account token has no end (no claim exp)", fix: TokenAdvice.origin)
        }
        let end = try instant(exp, "exp")
        guard now < end.advanced(by: leeway) else {
            throw Refusal(
                .tokenExpired,
                "the service account token ended at \(end), now is \(now)",
                fix: "kubelet sends a new one with its next call; if that is as old, the node's clock is wrong"
            )
        }
        var start: UTCInstant?
        for (name, value) in [("nbf", nbf), ("iat", iat)] {
            guard let value else { continue }
            let instant = try instant(value, name)
            guard instant <= now.advanced(by: leeway) else {
                throw Refusal(
                    .tokenExpired,
                    "the service account token counts from \(instant) (\(name)), now is \(now)",
                    fix: "set the clocks of this node and of the API server"
                )
            }
            start = max(start ?? instant, instant)
        }
        return (start, end)
    }

    private func instant(_ value: Double, _ claim: String) throws(Refusal) -> UTCInstant {
        // Up to the year 9999: RFC 3339 can't show more, and no token lives as long.
        guard value >= 0, value < 253_402_300_800 else {
            throw Refusal(.tokenMalformed, "the service account token has a claim \(claim) that is no time")
        }
        return UTCInstant(epochSeconds: Int64(value))
    }

    /// Whom the claims name.
    ///
    /// - Throws: `TokenNotForPod` (no Pod), `TokenRejected` (`sub` and the Pod's account differ).
    func subject() throws(Refusal) -> Subject {
        guard let namespace = text(kubernetes?.namespace), let account = text(kubernetes?.serviceaccount?.name) else {
            throw Refusal(
                .tokenNotForPod,
                "the service account token has no kubernetes.io claims with a namespace and a service account",
                fix: TokenAdvice.origin
            )
        }
        let sub = "system:serviceaccount:\(namespace):\(account)"
        guard self.sub == sub else {
            throw Refusal(
                .tokenRejected,
                "the service account token's sub is \(shown(self.sub)), its kubernetes.io claims say \(Refusal.quoted(sub))"
            )
        }
        guard let pod = kubernetes?.pod, let name = text(pod.name), let uid = text(pod.uid) else {
            throw Refusal(
                .tokenNotForPod,
                "the service account token of \(Refusal.quoted("\(namespace)/\(account)")) is bound to no Pod",
                fix: """
                    only tokens that kubelet gets through tokenRequests of the CSIDriver object prove a Pod; those of \
                    kubectl create token and of Secrets do not
                    """
            )
        }
        return Subject(namespace: namespace, serviceAccount: account, podName: name, podUID: uid)
    }

    private func text(_ value: String?) -> String? { value.flatMap { $0.isEmpty ? nil : $0 } }

    private func shown(_ value: String?) -> String { value.map { Refusal.quoted($0) } ?? "(none)" }
}
