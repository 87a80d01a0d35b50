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
}
