// The name of an IAM role: which partition and account it belongs to.

import TokenStore

/// `arn:aws:iam::111122223333:role/path/name`, read strictly.
struct RoleARN: Sendable, Hashable {
    let text: String
    let partition: String
    let account: String
    /// The last part, without the path.
    let name: String

    /// - Throws: ``TokenStoreError`` when the text is no role's ARN.
    init(_ text: String) throws(TokenStoreError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard text.utf8.count <= 2048, parts.count == 6, parts[0] == "arn", parts[2] == "iam", parts[3].isEmpty,
            AWSPartition.all.contains(where: { $0.name == parts[1] }), Self.isAccount(parts[4]),
            parts[5].hasPrefix("role/"), let name = parts[5].split(separator: "/").last, Self.isPath(parts[5]),
            name.utf8.count <= 64
        else {
            throw TokenStoreError(
                .misconfigured,
                "roleARN is not the ARN of a role",
                fix: "write it as arn:aws:iam::ACCOUNT:role/NAME"
            )
        }
        self.text = text
        partition = String(parts[1])
        account = String(parts[4])
        self.name = String(name)
    }

    /// Twelve digits.
    static func isAccount(_ text: some StringProtocol) -> Bool {
        text.utf8.count == 12 && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func isPath(_ text: Substring) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        return parts.count >= 2 && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy(SessionName.isAllowed) }
    }
}
