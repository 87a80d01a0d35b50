// The first step of a Mount: five texts in, a typed and bounded request out. Pure: no I/O, no clock, no trust.

package import Refusals
import StrictYAML
import TokenStore

/// Reads a Mount call.
package enum MountRequestParser {
    /// Reads the fields of the driver's `MountRequest` message.
    ///
    /// Attributes that it does not know are ignored: other software puts its own there.
    ///
    /// - Parameters:
    ///   - attributes: a JSON object of strings: the parameters of the SecretProviderClass, over which the driver laid
    ///     the Pod's volumeAttributes, over which it laid kubelet's keys.
    ///   - secrets: nothing, `null`, or a JSON object of strings.
    ///   - targetPath: where kubelet wants the volume.
    ///   - permission: a JSON number, the driver's hint for the mode of files; checked, but files say their own.
    ///   - audience: the audience whose service account token is ours.
    /// - Throws: ``Refusal``; its text holds no token.
    package static func parse(
        attributes: String,
        secrets: String,
        targetPath: String,
        permission: String,
        audience: String
    ) throws(Refusal) -> MountRequest {
        let claim = try claim(
            attributes: attributes,
            secrets: secrets,
            targetPath: targetPath,
            permission: permission,
            audience: audience
        )
        return MountRequest(claim, try volumeAsk(claim.parameters))
    }

    /// Reads the first half of a call: all but what the tenant wrote, which costs more to read and can wait until the Pod
    /// is known.
    ///
    /// - Throws: ``Refusal``; its text holds no token.
    package static func claim(
        attributes: String,
        secrets: String,
        targetPath: String,
        permission: String,
        audience: String
    ) throws(Refusal) -> MountClaim {
        let target = try TargetPath(targetPath)
        try checkPermission(permission)
        let attributes = try StringMap.parse(attributes, field: "the attributes", reason: .attributesMalformed)
        let secrets = try self.secrets(secrets)
        let subject = try PodInfo.subject(attributes)
        let offered = try OfferedTokens(attributes: attributes, secrets: secrets, audience: audience)
        return MountClaim(
            subject: subject,
            targetPathPodUID: target.podUID,
            volume: target.volume,
            targetPath: targetPath,
            serviceAccountToken: offered.token,
            offeredAudiences: offered.audiences,
            parameters: attributes.filter { !$0.key.hasPrefix(PodInfo.prefix) }
        )
    }

    /// Reads the parameters `tokens` and `files` out of a volume's attributes.
    ///
    /// - Throws: ``Refusal`` with ``Reason/parameterMissing``, ``Reason/parameterMalformed`` or
    ///   ``Reason/attributeMissing``.
    package static func volumeAsk(_ attributes: [String: String]) throws(Refusal) -> VolumeAsk {
        let lists = ParameterLists()
        let tokensValue = try parameter(ParameterName.tokens, attributes)
        let filesValue = try parameter(ParameterName.files, attributes)
        do {
            let tokens = try lists.tokens(tokensValue)
            let ask = VolumeAsk(tokens: tokens, files: try lists.files(filesValue, tokens: tokens))
            try lists.checkUse(tokensValue, ask)
            return ask
        } catch {
            throw Refusal(malformed: error)
        }
    }

    private static func checkPermission(_ text: String) throws(Refusal) {
        let isNumber = (1...3).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isNumber, let bits = Int(text), bits <= 0o777 else {
            throw Refusal(
                .permissionMalformed,
                "the permission of this call is \(Refusal.quoted(text))",
                fix: "the Secrets Store CSI driver sends a number from 0 to 511, which is 0777 in octal"
            )
        }
    }

    /// Go's nil map is `null`; older drivers and other callers send `{}` or nothing.
    private static func secrets(_ text: String) throws(Refusal) -> [String: String] {
        if text.isEmpty || text == "null" || text == "{}" { return [:] }
        return try StringMap.parse(text, field: "the secrets", reason: .secretsMalformed)
    }

    /// The value of a parameter with all `${key}` put in.
    private static func parameter(_ name: String, _ attributes: [String: String]) throws(Refusal) -> YAMLValue {
        guard let text = attributes[name], text.contains(where: { !$0.isWhitespace }) else {
            throw Refusal(
                .parameterMissing,
                "the parameter \"\(name)\" is missing",
                fix: "add it to spec.parameters of the SecretProviderClass"
            )
        }
        let value: YAMLValue
        do {
            let origin = YAMLOrigin(file: name, path: name)
            value = try YAMLValue.parse(text, from: origin, limits: ParameterLists.limits)
        } catch {
            throw Refusal(malformed: error)
        }
        guard value.elements?.isEmpty != true else {
            throw Refusal(
                .parameterMissing,
                "the parameter \"\(name)\" is an empty list",
                fix: "ask for at least one, or remove the volume"
            )
        }
        return try value.mapScalars { text, place throws(Refusal) in
            switch AttributeReference(text, at: place) {
            case .none: return text
            case .refused(let message, let fix):
                throw Refusal(malformed: YAMLProblems(place.problem(message, fix: fix)))
            case .whole(let key):
                if let value = attributes[key] { return value }
                throw Refusal(
                    .attributeMissing,
                    "\(place.path), line \(place.line): the attribute \(Refusal.quoted(key)) is missing",
                    fix: "add it to csi.volumeAttributes of the Pod's volume"
                )
            }
        }
    }
}

extension Refusal {
    /// The first problem of a parameter, and how many more there are.
    init(malformed problems: YAMLProblems) {
        let first = problems.first
        let more = problems.problems.count - 1
        self.init(
            .parameterMalformed,
            "\(first.path), line \(first.line): \(first.message)" + (more > 0 ? " (and \(more) more)" : ""),
            fix: first.fix
        )
    }
}
