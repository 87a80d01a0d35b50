// `${key}` in the parameters: a whole value that an attribute of the volume gives.

import StrictYAML

/// What a scalar of a parameter says about attributes.
package enum AttributeReference: Equatable {
    /// Nothing: it is a text of its own.
    case none
    /// `${key}`, and nothing else.
    case whole(key: String)
    /// A `${` that can't be taken.
    case refused(message: String, fix: String)

    /// The attributes that are no values for a token: they carry kubelet's word, or what is just being read.
    private static let unusable: Set<String> = [ParameterName.tokens, ParameterName.files, "secretProviderClass"]

    init(_ text: String) {
        guard text.utf8.contains(UInt8(ascii: "$")), text.contains("${") else {
            self = .none
            return
        }
        let key = text.dropFirst(2).dropLast()
        guard Self.isAlone(text) else {
            self = .refused(
                message: "a ${...} stands inside a longer text",
                fix: "it must be the whole value, for example \"${repository}\"; put the whole text into the attribute"
            )
            return
        }
        guard !key.isEmpty else {
            self = .refused(
                message: "${} names no attribute",
                fix: "write the attribute's name, as in \"${repository}\""
            )
            return
        }
        guard !key.hasPrefix(PodInfo.prefix), !Self.unusable.contains(String(key)) else {
            self = .refused(
                message: "an attribute of this name can't be used in a value",
                fix: "use an attribute of your own"
            )
            return
        }
        self = .whole(key: String(key))
    }

    /// What the scalar `place` says. A `template` may hold a `${...}` of its own (Maven's, npm's, the shell's) in its text.
    init(_ text: String, at place: YAMLValue) {
        self.init(text)
        guard case .refused = self, !Self.isAlone(text), place.path.hasSuffix("].template") else { return }
        self = .none
    }

    /// Whether there is one `${...}`, and nothing else.
    private static func isAlone(_ text: String) -> Bool {
        let key = text.dropFirst(2).dropLast()
        return text.hasPrefix("${") && text.hasSuffix("}") && !key.contains("${") && !key.contains("}")
    }

    /// Whether a text of a parsed request is still a `${key}`, whose value only a Pod knows. Such a text stands in what
    /// ``SecretProviderClassFile`` reads, never in the request of a Mount; a check can't judge it.
    package static func isOne(_ text: String) -> Bool {
        if case .whole = AttributeReference(text) { true } else { false }
    }
}

/// The parameters that Daypass reads.
package enum ParameterName {
    /// The tokens that are asked for.
    package static let tokens = "tokens"
    /// The files that are asked for.
    package static let files = "files"
}
