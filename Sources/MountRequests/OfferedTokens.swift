// The service account tokens that kubelet hands to the driver, of which one may be for us.

import Refusals
package import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The service account tokens of one call, as kubelet writes them
/// (<https://kubernetes-csi.github.io/docs/token-requests.html>):
/// `{"<audience>":{"token":"...","expirationTimestamp":"..."}}`. Only our own is taken out of the text at once; a store's
/// is when the store is asked. It prints nothing.
package struct OfferedTokens: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The key under which they come, among the attributes or the secrets.
    static let key = PodInfo.prefix + "serviceAccount.tokens"

    /// The text as it came; empty when none did.
    private var text = ""
    /// Our audience's token; unverified.
    private(set) var token: Secret?
    /// All audiences for which a token came, in ascending order.
    private(set) var audiences: [String] = []

    /// Takes them from the secrets where they are there, because a tenant can't write that key (a Secret's keys have
    /// no `/`), or else from the attributes, where a tenant may have written them if kubelet did not.
    ///
    /// - Throws: ``Refusal`` with ``Reason/tokenMalformed``.
    init(attributes: [String: String], secrets: [String: String], audience: String) throws(Refusal) {
        guard let text = secrets[Self.key] ?? attributes[Self.key], !text.isEmpty else { return }
        self.text = text
        guard let offer = Self.read(text, audience),
            offer.audiences.count <= RequestLimits.audiences,
            offer.token.map({ !$0.isEmpty && $0.utf8.count <= RequestLimits.tokenBytes }) ?? true
        else {
            throw Refusal(
                .tokenMalformed,
                "\(Self.key) is not what kubelet writes (a JSON object of service account tokens by audience)",
                fix: "remove that key from volumeAttributes and parameters, and set tokenRequests for the audience "
                    + "\(Refusal.quoted(audience)) on the CSIDriver object secrets-store.csi.k8s.io"
            )
        }
        audiences = offer.audiences.sorted()
        token = offer.token.map { Secret(utf8: $0) }
    }

    /// No tokens.
    package init() {}

    /// The token of another audience; `nil` when none came, or one that is no token. Unverified.
    package func token(for audience: String) -> Secret? {
        guard let token = Self.read(text, audience)?.token, !token.isEmpty, token.utf8.count <= RequestLimits.tokenBytes
        else { return nil }
        return Secret(utf8: token)
    }

    private static func read(_ text: String, _ audience: String) -> Offer? {
        guard !text.isEmpty, let audienceKey = Offer.audienceKey else { return nil }
        let decoder = JSONDecoder()
        decoder.userInfo[audienceKey] = audience
        return try? decoder.decode(Offer.self, from: Data(text.utf8))
    }

    package var description: String { "<tokens>" }
    package var debugDescription: String { "<tokens>" }
    package var customMirror: Mirror { Mirror(self, children: [], displayStyle: .struct) }
}

/// The JSON of all tokens; those of other audiences are not read.
private struct Offer: Decodable {
    static let audienceKey = CodingUserInfoKey(rawValue: "audience")

    var audiences: [String]
    var token: String?

    private struct Entry: Decodable { var token: String }

    private struct Audience: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    init(from decoder: any Decoder) throws {
        let entries = try decoder.container(keyedBy: Audience.self)
        audiences = entries.allKeys.map(\.stringValue)
        let ours = Self.audienceKey.flatMap { decoder.userInfo[$0] as? String }.map(Audience.init)
        token = try ours.flatMap { try entries.decodeIfPresent(Entry.self, forKey: $0)?.token }
    }
}
