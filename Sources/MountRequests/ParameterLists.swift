// The two parameters as lists of entries, whatever their texts came from.

import Refusals
import StrictYAML

/// Reads the lists; every problem of every entry is found.
struct ParameterLists {
    /// Whether `${key}` may still stand for a value that only the Pod knows.
    var isSymbolic = false

    /// How much one parameter may hold.
    static let limits = YAMLLimits(
        bytes: RequestLimits.parameterBytes,
        depth: 8,
        keys: RequestLimits.mappingKeys,
        nodes: RequestLimits.values,
        problems: RequestLimits.problems
    )

    func tokens(_ value: YAMLValue) throws(YAMLProblems) -> [TokenAsk] {
        let elements = try self.elements(value, most: RequestLimits.tokens)
        var problems = YAMLProblemCollector()
        var tokens: [TokenAsk] = []
        for element in elements {
            let token = problems.collect { () throws(YAMLProblems) in try TokenAsk(element, isSymbolic: isSymbolic) }
            guard let token else { continue }
            if tokens.contains(where: { $0.name == token.name }) {
                problems.add((element["name"] ?? element).problem("another token has this name", fix: "rename one"))
            }
            tokens.append(token)
        }
        try problems.finish()
        return tokens
    }

    /// - Parameter tokens: the tokens that files may be made of; `nil` when they could not be read.
    func files(_ value: YAMLValue, tokens: [TokenAsk]?) throws(YAMLProblems) -> [FileAsk] {
        let elements = try self.elements(value, most: RequestLimits.files)
        let names = tokens?.map(\.name)
        var problems = YAMLProblemCollector()
        let files = elements.compactMap { element in
            problems.collect { () throws(YAMLProblems) in
                try FileAsk(element, tokens: names, isSymbolic: isSymbolic)
            }
        }
        try problems.finish()
        try checkSize(of: "merge", files.map(\.merge), most: RequestLimits.mergeBytes, value)
        try checkSize(of: "template", files.map(\.template), most: RequestLimits.templateBytes, value)
        return files
    }

    private func checkSize(
        of key: String,
        _ texts: [String?],
        most: Int,
        _ value: YAMLValue
    ) throws(YAMLProblems) {
        let size = texts.reduce(0) { $0 + ($1?.utf8.count ?? 0) }
        guard size > most else { return }
        let message = "\(key) of all files is \(size) bytes long, and \(most) are allowed"
        throw YAMLProblems(value.problem(message, fix: "shorten it"))
    }

    /// Refuses a token that no file is made of: it would be minted for nobody.
    ///
    /// - Parameter value: the list of the tokens, for their places.
    func checkUse(_ value: YAMLValue, _ ask: VolumeAsk) throws(YAMLProblems) {
        // A file whose tokens only the Pod knows may use any.
        guard !ask.files.contains(where: { $0.symbolic.contains(.tokens) }) else { return }
        let used = Set(ask.files.flatMap(\.tokens))
        var problems = YAMLProblemCollector()
        for (token, place) in zip(ask.tokens, value.elements ?? []) where !used.contains(token.name) {
            if isSymbolic, AttributeReference.isOne(token.name) { continue }
            let message = "no file uses the token \(Refusal.quoted(token.name))"
            problems.add(place.problem(message, fix: "name it in files, or remove it"))
        }
        try problems.finish()
    }

    private func elements(_ value: YAMLValue, most: Int) throws(YAMLProblems) -> [YAMLValue] {
        let elements = try value.sequence()
        guard !elements.isEmpty else { throw YAMLProblems(value.problem("the list is empty")) }
        guard elements.count <= most else {
            throw YAMLProblems(
                value.problem("the list has \(elements.count) entries, and \(most) are allowed")
            )
        }
        return elements
    }
}
