// What a role's session is called in CloudTrail: after the Pod.

import TokenStore

enum SessionName {
    /// STS takes 2 to 64 characters.
    static let longest = 64

    /// `namespace.pod.1a2b3c4d`: the namespace first, so that a trust policy can ask for it (`sts:RoleSessionName`), and
    /// at the end the beginning of the Pod's UID, which tells two Pods of one name apart.
    static func of(_ subject: Subject) -> String {
        let uid = "." + cleaned(String(subject.podUID.prefix(8)))
        let pod = cleaned("\(subject.namespace).\(subject.podName)")
        return pod.prefix(longest - uid.utf8.count) + uid
    }

    /// `[\w+=,.@-]`, as STS has it for session names and IAM for names of roles.
    static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        default: "_+=,.@-".utf8.contains(byte)
        }
    }

    private static func cleaned(_ text: String) -> String {
        String(decoding: text.utf8.map { isAllowed($0) ? $0 : UInt8(ascii: "-") }, as: UTF8.self)
    }
}
