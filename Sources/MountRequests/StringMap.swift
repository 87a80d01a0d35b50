// A JSON object of strings: what the driver sends as `attributes` and `secrets`.

import Refusals

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Reads a JSON object of strings, which is what Go makes of a `map[string]string`.
enum StringMap {
    /// Reads the text of the field `field`.
    ///
    /// - Throws: ``Refusal`` with ``Reason/requestTooLarge`` or `reason`.
    static func parse(_ text: String, field: String, reason: Reason) throws(Refusal) -> [String: String] {
        let size = text.utf8.count
        guard size <= RequestLimits.jsonBytes else {
            throw Refusal(
                .requestTooLarge,
                "\(field) of this call are \(size) bytes long, and \(RequestLimits.jsonBytes) are allowed",
                fix: "shorten volumeAttributes, or the parameters of the SecretProviderClass"
            )
        }
        let map: [String: String]
        do {
            map = try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
        } catch {
            throw Refusal(
                reason,
                "\(field) of this call \(what(error))",
                fix: "the Secrets Store CSI driver sends a JSON object of strings; check what it is that calls"
            )
        }
        guard map.count <= RequestLimits.keys else {
            throw Refusal(
                .requestTooLarge,
                "\(field) of this call have \(map.count) keys, and \(RequestLimits.keys) are allowed",
                fix: "remove keys from volumeAttributes, or from the parameters of the SecretProviderClass"
            )
        }
        return map
    }

    /// What is wrong, without any value of the text.
    private static func what(_ error: any Error) -> String {
        switch error as? DecodingError {
        case .typeMismatch(_, let context), .valueNotFound(_, let context):
            guard let key = context.codingPath.first else { return "are JSON, but no object" }
            return "hold a value that is no text, under the key \(Refusal.quoted(key.stringValue))"
        default: return "are no JSON"
        }
    }
}
