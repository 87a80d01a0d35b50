// Reading one SecretProviderClass object, with every problem noted.

import StrictYAML

/// Reads one SecretProviderClass object.
struct ClassReading {
    private(set) var problems: [YAMLProblem] = []
    private(set) var warnings: [YAMLProblem] = []
    private let object: YAMLValue
    private let text: String
    private var required: Set<String> = []
    private var optional: Set<String> = []

    private static let provider = "daypass"

    /// - Parameter text: the whole file, for the places inside block texts.
    init(_ object: YAMLValue, of text: String) {
        self.object = object
        self.text = text
    }

    mutating func read() -> SecretProviderClass {
        noteUnknownKeys(of: object, known: ["apiVersion", "kind", "metadata", "spec", "status"])
        let (name, namespace) = metadata()
        var parameters: [String: String] = [:]
        var ask: VolumeAsk?
        if let spec = mapping("spec", of: object) {
            noteUnknownKeys(of: spec, known: ["provider", "parameters", "secretObjects"])
            checkProvider(spec)
            checkSecretObjects(spec)
            if let values = mapping("parameters", of: spec) {
                parameters = self.parameters(values)
                ask = self.ask(values, parameters)
                if ask != nil { noteUnused(values) }
            }
        }
        return SecretProviderClass(
            name: name,
            namespace: namespace,
            line: object.line,
            parameters: parameters,
            ask: problems.isEmpty ? ask : nil,
            requiredAttributes: required.sorted(),
            optionalAttributes: optional.sorted()
        )
    }

    private mutating func metadata() -> (name: String, namespace: String?) {
        guard let metadata = mapping("metadata", of: object) else { return ("", nil) }
        guard let name = metadata["name"], let text = name.text, !text.isEmpty else {
            problems.append(metadata.problem("the key \"name\" is missing"))
            return ("", nil)
        }
        if !Names.isSubdomain(text[...]) {
            problems.append(
                name.problem("no object can be called so", fix: "use lower-case letters, digits, \"-\" and \".\"")
            )
        }
        guard let namespace = metadata["namespace"], !namespace.isNull else { return (text, nil) }
        if !Names.isLabel((namespace.text ?? "")[...]) {
            problems.append(namespace.problem("no namespace can be called so"))
        }
        return (text, namespace.text)
    }

    private mutating func checkProvider(_ spec: YAMLValue) {
        guard let provider = spec["provider"] else {
            problems.append(spec.problem("the key \"provider\" is missing", fix: "add provider: \(Self.provider)"))
            return
        }
        if provider.text != Self.provider { problems.append(provider.notAllowed([Self.provider])) }
    }

    private mutating func checkSecretObjects(_ spec: YAMLValue) {
        guard let objects = spec["secretObjects"], !objects.isNull, objects.elements?.isEmpty != true else { return }
        warnings.append(
            objects.problem(
                "secretObjects copies the token into a Kubernetes Secret, and so into etcd and its backups",
                fix: "remove it, and let the build read the mounted files"
            )
        )
    }

    /// The parameters as the API server would take them: a map of strings.
    private mutating func parameters(_ values: YAMLValue) -> [String: String] {
        var parameters: [String: String] = [:]
        for entry in values.entries ?? [] {
            if entry.key.hasPrefix(PodInfo.prefix) {
                let message = "kubelet alone sets the keys that begin with \(PodInfo.prefix)"
                problems.append(values.problem(with: entry, message, fix: "remove it"))
            }
            guard case .scalar(let text, let style) = entry.value.content else {
                let fix =
                    "write \"\(entry.key.prefix(40)): |\" and the list under it, so that it is a text for Kubernetes"
                problems.append(entry.value.problem("a parameter must be a text", fix: fix))
                continue
            }
            if style == .plain, Self.isTyped(text) {
                let fix = "put it in quotes"
                problems.append(
                    entry.value.problem(
                        "Kubernetes takes this for a number, a truth value or null, not for text",
                        fix: fix
                    )
                )
            }
            parameters[entry.key] = text
        }
        return parameters
    }

    private mutating func ask(_ values: YAMLValue, _ parameters: [String: String]) -> VolumeAsk? {
        let lists = ParameterLists(isSymbolic: true)
        let tokensValue = list(ParameterName.tokens, values, parameters)
        let filesValue = list(ParameterName.files, values, parameters)
        let tokens = tokensValue.flatMap { value in collect { () throws(YAMLProblems) in try lists.tokens(value) } }
        let files = filesValue.flatMap { value in
            collect { () throws(YAMLProblems) in try lists.files(value, tokens: tokens) }
        }
        guard let tokensValue, let tokens, let files else { return nil }
        let ask = VolumeAsk(tokens: tokens, files: files)
        return collect { () throws(YAMLProblems) in
            try lists.checkUse(tokensValue, ask)
            return ask
        }
    }

    /// A parameter's YAML with its places in the file, the known `${key}` put in and the others noted.
    private mutating func list(
        _ name: String,
        _ values: YAMLValue,
        _ parameters: [String: String]
    ) -> YAMLValue? {
        guard let holder = values[name] else {
            problems.append(values.problem("the parameter \"\(name)\" is missing"))
            return nil
        }
        guard case .scalar(let inner, _) = holder.content else { return nil }
        let origin = BlockText.origin(of: holder, in: text)
        let parsed = collect { () throws(YAMLProblems) in
            try YAMLValue.parse(inner, from: origin, limits: ParameterLists.limits)
        }
        guard let parsed else { return nil }
        let before = problems.count
        let mapped = parsed.mapScalars { text, place in
            switch AttributeReference(text, at: place) {
            case .none: return text
            case .refused(let message, let fix):
                problems.append(place.problem(message, fix: fix))
                return text
            case .whole(let key):
                if let value = parameters[key] {
                    optional.insert(key)
                    return value
                }
                required.insert(key)
                return text
            }
        }
        return problems.count == before ? mapped : nil
    }

    private mutating func noteUnused(_ values: YAMLValue) {
        let used = optional.union([ParameterName.tokens, ParameterName.files])
        for entry in values.entries ?? [] where !used.contains(entry.key) {
            let name = entry.key.prefix(40)
            let meant = closestWord(to: entry.key, among: required.union(used))
            let fix = meant.map { "did you mean \"\($0)\"?" } ?? "use it as \"${\(name)}\", or remove it"
            warnings.append(values.problem(with: entry, "nothing uses this parameter", fix: fix))
        }
    }

    private mutating func noteUnknownKeys(of value: YAMLValue, known: Set<String>) {
        for entry in value.entries ?? [] where !known.contains(entry.key) {
            problems.append(value.unknown(entry, known: known))
        }
    }

    private mutating func mapping(_ key: String, of value: YAMLValue) -> YAMLValue? {
        guard let found = value[key], !found.isNull else {
            problems.append(value.problem("the key \"\(key)\" is missing"))
            return nil
        }
        guard collect({ () throws(YAMLProblems) in try found.mapping() }) != nil else { return nil }
        return found
    }

    private mutating func collect<Result>(_ body: () throws(YAMLProblems) -> Result) -> Result? {
        do {
            return try body()
        } catch {
            problems += error.problems
            return nil
        }
    }

    /// Whether the API server's YAML (1.1) reads an unquoted text as something that is no text.
    private static func isTyped(_ text: String) -> Bool {
        let words = ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n"]
        return words.contains(text.lowercased()) || Double(text) != nil
    }
}
