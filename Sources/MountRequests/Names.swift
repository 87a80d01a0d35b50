// The forms of names, in Kubernetes and in the parameters.

/// Tests names. Kubernetes' own forms are at
/// <https://kubernetes.io/docs/concepts/overview/working-with-objects/names/>.
enum Names {
    /// Lower-case letters, digits and `-`, at most 63: a namespace, a volume.
    static func isLabel(_ text: Substring) -> Bool {
        text.utf8.count <= 63 && isAlphanumeric(text.utf8.first) && isAlphanumeric(text.utf8.last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
    }

    /// The same with `.`, at most 253: a Pod, a service account.
    static func isSubdomain(_ text: Substring) -> Bool {
        text.utf8.count <= 253 && isAlphanumeric(text.utf8.first) && isAlphanumeric(text.utf8.last)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    /// A Pod's UID: a UUID, or the digest that kubelet gives static Pods.
    static func isUID(_ text: Substring) -> Bool {
        guard (1...64).contains(text.utf8.count) else { return false }
        return text.utf8.allSatisfy { byte in
            isAlphanumeric(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) || byte == UInt8(ascii: "-")
        }
    }

    /// The name of a token: a lower-case letter or digit, then up to 62 of those, `.`, `_` and `-`.
    static func isTokenName(_ text: Substring) -> Bool {
        guard text.utf8.count <= 63, isAlphanumeric(text.utf8.first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
            || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
