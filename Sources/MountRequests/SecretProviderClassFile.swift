// SecretProviderClass objects as a file holds them, read offline for the command line.

package import StrictYAML

/// A SecretProviderClass that a file holds.
package struct SecretProviderClass: Sendable {
    /// The object's name.
    package var name: String
    /// The object's namespace, where the file says one.
    package var namespace: String?
    /// The line on which it begins.
    package var line: Int
    /// `spec.parameters`: what the driver hands over, with a Pod's volumeAttributes laid over it. Together with those
    /// it is what ``MountRequestParser/volumeAsk(_:)`` reads.
    package var parameters: [String: String]
    /// What it asks for, as far as the file tells: the `${key}` of an attribute that only a Pod gives stays in a text,
    /// and such a permission, action or mode is left out. `nil` when there are problems.
    package var ask: VolumeAsk?
    /// The attributes that a Pod must give, in ascending order.
    package var requiredAttributes: [String]
    /// The attributes that a Pod may give, because the parameters have a value for them; in ascending order.
    package var optionalAttributes: [String]
}

/// What a file of SecretProviderClass objects holds, and everything that is wrong with it.
package struct SecretProviderClassFile: Sendable {
    /// The objects, in the order of the file.
    package private(set) var classes: [SecretProviderClass] = []
    /// What must be mended.
    package private(set) var problems: [YAMLProblem] = []
    /// What works and should be looked at.
    package private(set) var warnings: [YAMLProblem] = []
    /// What was left out.
    package private(set) var notes: [YAMLProblem] = []

    /// The versions of the API (<https://secrets-store-csi-driver.sigs.k8s.io/concepts#secretproviderclass>).
    private static let apiVersions = ["secrets-store.csi.x-k8s.io/v1", "secrets-store.csi.x-k8s.io/v1alpha1"]
    private static let kind = "SecretProviderClass"

    /// Reads a text of one or several YAML documents, at most 1 MiB; objects of other kinds are left out, and a `List`
    /// is looked into.
    ///
    /// - Parameter file: the name that problems carry.
    package init(_ text: String, file: String) {
        let documents: [YAMLValue]
        do {
            documents = try YAMLValue.documents(text, file: file)
        } catch {
            problems = error.problems
            return
        }
        for document in documents { read(document, of: text) }
        if classes.isEmpty, problems.isEmpty {
            let message = "there is no SecretProviderClass in it"
            problems.append(YAMLProblem(file: file, line: 1, column: 1, path: "", message: message))
        }
        problems = YAMLProblems(problems)?.problems ?? []
    }

    private mutating func read(_ object: YAMLValue, of text: String) {
        guard object.entries != nil, let kind = object["kind"]?.text, let version = object["apiVersion"]?.text else {
            problems.append(object.problem("this is no Kubernetes object: it has no \"apiVersion\" and \"kind\""))
            return
        }
        if kind == "List", let items = object["items"]?.elements {
            for item in items { read(item, of: text) }
            return
        }
        let isOurs = Self.apiVersions.contains(version)
        guard kind == Self.kind else {
            let message = "an object of the kind \(printed(kind)) is left out"
            if isOurs, closestWord(to: kind, among: [Self.kind]) != nil {
                problems.append(object["kind"]?.notAllowed([Self.kind]) ?? object.problem(message))
            } else {
                notes.append(object.problem(message))
            }
            return
        }
        guard isOurs else {
            problems.append(object["apiVersion"]?.notAllowed(Self.apiVersions) ?? object.problem("no such apiVersion"))
            return
        }
        var reading = ClassReading(object, of: text)
        classes.append(reading.read())
        problems += reading.problems
        warnings += reading.warnings
    }

    private func printed(_ text: String) -> String {
        text.utf8.count <= 63 && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? text : "?"
    }
}
