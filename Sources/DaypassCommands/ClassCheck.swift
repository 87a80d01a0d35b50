// `daypass check`: SecretProviderClass files, as far as they can be judged without a Pod.

import MountRequests
import Policy
import Refusals
import Rendering
import StrictYAML
import TokenStore

/// What is wrong with the classes of a file, and what is worth knowing about them.
struct ClassCheck {
    /// What is wrong.
    private(set) var problems: [ConfigurationProblem] = []
    /// What was left out, and what a Pod must give: one line each.
    private(set) var notes: [String] = []
    private let file: String
    private let node: NodeConfiguration?

    /// - Parameter node: the node that the classes are for; `nil` judges nothing that a store decides.
    init(_ text: String, file: String, node: NodeConfiguration?) {
        self.file = file
        self.node = node
        let read = SecretProviderClassFile(text, file: file)
        problems += read.problems.map { ConfigurationProblem(.error, $0) }
        problems += read.warnings.map { ConfigurationProblem(.warning, $0) }
        notes += read.notes.map { "\($0.file):\($0.line):\($0.column): note: \($0.message)" }
        for one in read.classes { check(one) }
    }

    private mutating func check(_ one: SecretProviderClass) {
        guard let ask = one.ask else { return }
        var found: [(message: String, fix: String)] = []
        if Self.showsAll(of: one, ask) {
            for token in ask.tokens where token.permissions.isEmpty && token.actions.isEmpty {
                let message = "token \(Refusal.quoted(token.name)) asks for neither permissions nor actions"
                found.append((message, "write for example permissions: { contents: read } or actions: [pull]"))
            }
        }
        let planned = ask.tokens.compactMap { token in plan(token, &found) }
        if planned.count == ask.tokens.count {
            found += FilePlan.problems(ask.files, tokens: planned).map { ($0.message, $0.fix) }
        }
        problems += found.map { message, fix in
            let path = "SecretProviderClass \(one.name)"
            let place = YAMLProblem(file: file, line: one.line, column: 1, path: path, message: message, fix: fix)
            return ConfigurationProblem(.error, place)
        }
        if found.isEmpty, !one.requiredAttributes.isEmpty {
            notes.append("\(file): \(one.name): a Pod must give: \(one.requiredAttributes.joined(separator: ", "))")
        }
    }

    /// The token for the files' checks; `nil` when its store does not exist.
    private func plan(_ token: TokenAsk, _ found: inout [(message: String, fix: String)]) -> PlannedToken? {
        let scope = TokenScope(
            repositories: token.repositories,
            permissions: token.permissions,
            actions: token.actions
        )
        guard let node, !AttributeReference.isOne(token.store) else {
            return PlannedToken(name: token.name, service: Self.anyService(token.name), scope: scope)
        }
        guard let store = node.stores.first(where: { $0.name == token.store }) else {
            let names = node.stores.map(\.name).joined(separator: ", ")
            let fix = "the stores of \(node.file) are: \(names)"
            let message = "token \(Refusal.quoted(token.name)): there is no store \(Refusal.quoted(token.store))"
            found.append((message, fix))
            return nil
        }
        found += store.refusals(of: token).map { ($0.message, $0.fix) }
        return PlannedToken(name: token.name, service: store.service, scope: scope)
    }

    /// Whether every `${key}` of the class stands in a text that is still there. Otherwise some stand for a permission's
    /// level, an action or a mode, which are left out of the ask: what seems to be empty may not be.
    private static func showsAll(of one: SecretProviderClass, _ ask: VolumeAsk) -> Bool {
        let texts = Set(ask.tokens.flatMap { [$0.name, $0.store] + $0.repositories })
        return one.requiredAttributes.allSatisfy { texts.contains("${\($0)}") }
    }

    /// Without a configuration nothing is known of a store, so its tokens may be good for anything.
    private static func anyService(_ name: String) -> TokenService {
        let host = name.replacing("_", with: "-") + ".invalid"
        return TokenService(git: try? GitServer(webURL: "https://\(host)"), registryHost: host)
    }
}
