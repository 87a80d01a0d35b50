// What Vault answers, as far as it is used.

import TokenStore

/// The envelope of all answers that hold something
/// (<https://github.com/openbao/openbao/blob/main/sdk/logical/translate_response.go>).
struct VaultAnswer: Decodable, Sendable {
    /// The result of a login, or of the renewal of a token.
    struct Auth: Decodable, Sendable {
        var client_token: String?
        var policies: [String]?
        /// In seconds; 0 stands for no end.
        var lease_duration: Int64?
        var renewable: Bool?
        var token_type: String?
        /// 0 stands for any number.
        var num_uses: Int?
    }

    /// A token that stands for the answer.
    struct WrapInfo: Decodable, Sendable {
        var token: String
        var creation_path: String?
    }

    var lease_id: String?
    var lease_duration: Int64?
    var renewable: Bool?
    var data: [String: VaultValue]?
    var auth: Auth?
    var wrap_info: WrapInfo?
}

/// What an error answer says, for classification only: it is never shown.
enum VaultErrorAnswer {
    private struct Body: Decodable { var errors: [String]? }

    /// All texts, in lower case.
    static func text(_ answer: HTTPAnswer) -> String {
        (JSONBody.decode(Body.self, answer.body)?.errors ?? []).joined(separator: "\n").lowercased()
    }
}

/// A duration of Vault's, in whole seconds.
enum VaultSeconds {
    /// More would overflow what follows; a hundred years are no limit in practice.
    private static let most: Int64 = 3_155_760_000

    static func duration(_ seconds: Int64) -> Duration { .seconds(min(max(seconds, 0), most)) }
}
