// The words in which policy refuses. A tenant reads them in its Pod's events.

import MountRequests
import Refusals
import StrictYAML
import TokenStore

/// Writes the refusals of one ask of one subject. Grants are shown only when they name that subject.
struct RefusalTexts {
    private let ask: TokenAsk
    private let subject: Subject

    init(_ ask: TokenAsk, _ subject: Subject) {
        self.ask = ask
        self.subject = subject
    }

    private var token: String { "token \(Refusal.quoted(ask.name))" }

    private var subjectText: String {
        "namespace \(Refusal.quoted(subject.namespace)), service account \(Refusal.quoted(subject.serviceAccount))"
    }

    private static let place = "in the SecretProviderClass or the Pod's volumeAttributes"

    func noGrant() -> Refusal {
        Refusal(
            .notGranted,
            "no grant names \(subjectText)",
            fix: "ask the node's operator to add a grant for them"
        )
    }

    /// A store that does not exist and one that is granted only to others: the same words.
    func storeUnknown(own: [Grant]) -> Refusal {
        let stores = Self.stores(of: own)
        let hint = closestWord(to: ask.store, among: stores).map { "did you mean \($0)?" }
        return Refusal(
            .storeUnknown,
            "\(token) asks for store \(Refusal.quoted(ask.store)), and the grants for \(subjectText) name only: "
                + stores.joined(separator: ", "),
            fix: hint ?? "change the token's store \(Self.place), or ask the node's operator for a grant"
        )
    }

    func noRepository() -> Refusal {
        Refusal(
            .scopeEmpty,
            "\(token) names no repository, and no token is given for all of them",
            fix: "write for example: repository: https://host/owner/name"
        )
    }

    func noPermission() -> Refusal {
        Refusal(
            .scopeEmpty,
            "\(token) asks for neither permissions nor actions",
            fix: "write for example: permissions: { contents: read } for a forge, or actions: [pull] for a registry"
        )
    }

    func permissionUnknown(_ name: String, known: Set<String>) -> Refusal {
        Refusal(
            .parameterMalformed,
            "\(token) asks for permission \(Refusal.quoted(name)), which store \(Refusal.quoted(ask.store)) "
                + "does not know",
            fix: closestWord(to: name, among: known).map { "did you mean \($0)?" }
                ?? "write one of the names that the source uses, such as \(known.min() ?? "")"
        )
    }

    func actionUnknown(_ action: RegistryAction, known: Set<RegistryAction>) -> Refusal {
        Refusal(
            .parameterMalformed,
            "\(token) asks for action \(action.rawValue), which store \(Refusal.quoted(ask.store)) does not know",
            fix: known.isEmpty
                ? "its tokens have permissions and no actions: write for example permissions: { packages: read }"
                : "it knows: \(known.sorted().map(\.rawValue).joined(separator: ", "))"
        )
    }

    func repositoryInvalid(at index: Int, _ error: RepositoryReferenceError) -> Refusal {
        let which = ask.repositories.count == 1 ? "the repository" : "repository \(index + 1)"
        return Refusal(
            .repositoryInvalid,
            "\(which) of \(token) can't be read: \(error.message)",
            fix: "change it \(Self.place)"
        )
    }

    func uncovered(_ repositories: [String], by grant: Grant) -> Refusal {
        let more = repositories.count > 1 ? " and \(repositories.count - 1) more" : ""
        let first = repositories.first.map { Refusal.quoted($0) } ?? ""
        return Refusal(
            .notGranted,
            "grant \(grant.name) does not cover repository \(first)\(more) of \(token)",
            fix: "ask the node's operator to add it to grant \(grant.name), or change it \(Self.place)"
        )
    }

    func nothingGiven(by grant: Grant) -> Refusal {
        let asked = Self.list(ask.permissions, ask.actions)
        return Refusal(
            .notGranted,
            "grant \(grant.name) gives nothing of what \(token) asks for (\(Refusal.quoted(asked))); "
                + "it gives \(Self.list(grant.permissions, grant.actions))",
            fix: "ask the node's operator to add it to grant \(grant.name), or ask for less \(Self.place)"
        )
    }

    /// The stores that grants name, each once, in the order of the file.
    static func stores(of grants: [Grant]) -> [String] {
        var seen: Set<String> = []
        return grants.map(\.store).filter { seen.insert($0).inserted }
    }

    /// Permissions and actions in one line: `contents:read, pull`.
    static func list(_ permissions: [String: AccessLevel], _ actions: Set<RegistryAction>) -> String {
        let levels = permissions.sorted { $0.key < $1.key }.map { "\($0.key):\($0.value.rawValue)" }
        return (levels + actions.sorted().map(\.rawValue)).joined(separator: ", ")
    }
}
