// Checks of texts in store settings.

import TokenStore

enum SettingChecks {
    /// Refuses a text that is empty, too long, or holds anything but printable ASCII. The text itself is not shown.
    static func text(
        _ key: String,
        _ text: String,
        most: Int = 2048,
        mayHoldSpaces: Bool = false
    ) throws(TokenStoreError) {
        let lowest: UInt8 = mayHoldSpaces ? 0x20 : 0x21
        guard text.utf8.contains(where: { $0 > 0x20 }), text.utf8.count <= most,
            text.utf8.allSatisfy({ $0 >= lowest && $0 < 0x7F })
        else {
            throw TokenStoreError(
                .misconfigured,
                "\(key) is empty, longer than \(most) bytes, or holds characters that can't be sent",
                fix: "write it in plain ASCII" + (mayHoldSpaces ? "" : ", without spaces")
            )
        }
    }

    /// Refuses a text that can't be a user name in HTTP Basic credentials.
    static func username(_ key: String, _ text: String) throws(TokenStoreError) {
        try self.text(key, text, most: 255)
        guard !text.contains(":") else {
            throw TokenStoreError(
                .misconfigured,
                "\(key) holds a colon, and no user name does",
                fix: "write it without"
            )
        }
    }

    /// Where tokens are good, of the keys that a store for any endpoint has.
    static func service(
        gitURL: String?,
        registryHost: String?,
        otherHost: String?,
        registryCredential: String?
    ) throws(TokenStoreError) -> TokenService {
        guard gitURL != nil || registryHost != nil || otherHost != nil else {
            throw TokenStoreError(
                .misconfigured,
                "nothing says where the tokens are good",
                fix: "set gitURL, registryHost or otherHost"
            )
        }
        var service = TokenService()
        if let gitURL { service.git = try AskChecks.git("gitURL", gitURL, nameParts: 1...20) }
        if let registryHost { service.registryHost = try AskChecks.host("registryHost", registryHost) }
        if let otherHost { service.otherHost = try AskChecks.host("otherHost", otherHost) }
        if let registryCredential {
            guard let known = RegistryCredential.allCases.first(where: { "\($0)" == registryCredential }) else {
                let words = RegistryCredential.allCases.map { "\($0)" }.joined(separator: ", ")
                throw TokenStoreError(
                    .misconfigured,
                    "registryCredential is none of \(words)",
                    fix: "write one of them"
                )
            }
            service.registryCredential = known
        }
        return service
    }
}
