// `daypass check`: everything that is wrong with configuration and SecretProviderClass files, offline.

import ArgumentParser
import Daemon
import Logging
import MountRequests
import Policy
import Refusals
import Rendering
import StrictYAML
import TokenStore
import TokenStores

/// `daypass check`.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check a node's configuration and SecretProviderClass files, offline.",
        discussion: """
            Prints every problem, each with its place and how to mend it. Exit code 0: no errors (there may be \
            warnings). 1: errors.

            Examples:
              daypass check --config node.yaml
              daypass check class.yaml
              daypass check --config node.yaml --skip-keys classes/*.yaml
            """
    )

    @Option(help: ArgumentHelp("The node's configuration.", valueName: "file"))
    var config: String?

    @Argument(
        help: ArgumentHelp("Files that hold SecretProviderClass objects; - is standard input.", valueName: "class-file")
    )
    var classes: [String] = []

    @Flag(help: "Do not look at the key files that the configuration names.")
    var skipKeys = false

    @Flag(help: "Print JSON: a list of problems.")
    var json = false

    func validate() throws {
        guard config != nil || !classes.isEmpty else {
            throw ValidationError("Name a configuration with --config, a SecretProviderClass file, or both.")
        }
    }

    func run() throws {
        var problems: [ConfigurationProblem] = []
        var node: NodeConfiguration?
        if let config {
            let text = try ConfigurationFile.text(config)
            do throws(ConfigurationProblems) {
                let read = try NodeConfiguration.load(yaml: text, file: config, kinds: BuiltinStores.all)
                problems += read.warnings
                if !skipKeys { problems += KeyCheck.problems(of: read) }
                node = read
            } catch { problems += error.problems }
        }
        for file in classes {
            problems += ClassCheck.problems(in: try ConfigurationFile.text(file), file: file, node: node)
        }
        let isGood = !problems.contains { $0.severity == .error }
        if json {
            print(try JSONOutput.text(problems))
        } else {
            for problem in problems { print(problem) }
            if problems.isEmpty { print("no problems") }
        }
        guard isGood else { throw Exit.negative }
    }
}

/// The key files of a configuration.
enum KeyCheck {
    /// Makes every store, which reads its key files and uses no network.
    static func problems(of node: NodeConfiguration) -> [ConfigurationProblem] {
        let notes = CollectedWarnings()
        let logger = Logger(label: "check") { _ in notes.handler }
        let secrets = FileSecretReader(logger: logger)
        var problems: [ConfigurationProblem] = []
        for store in node.stores {
            func problem(_ severity: ConfigurationProblem.Severity, _ message: String, fix: String) {
                let path = "stores.\(store.name)"
                let place = YAMLProblem(
                    file: node.file,
                    line: store.line,
                    column: 1,
                    path: path,
                    message: message,
                    fix: fix
                )
                problems.append(ConfigurationProblem(severity, place))
            }
            let context = TokenStoreContext(
                name: store.name,
                clock: SystemClock(),
                http: NoNetwork(),
                secrets: secrets,
                logger: logger
            )
            do throws(TokenStoreError) { _ = try store.make(context) } catch {
                problem(.error, error.message, fix: error.fix)
            }
            for (message, fix) in notes.take() { problem(.warning, message, fix: fix) }
        }
        return problems
    }

    /// The way out of an offline check.
    private struct NoNetwork: HTTPTransport {
        func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
            throw HTTPTransportError(.unreachable, "an offline check uses no network", requestMayHaveArrived: false)
        }
    }
}

/// SecretProviderClass files.
enum ClassCheck {
    /// Everything that is wrong with the classes of a file, as far as it can be told without a Pod.
    static func problems(in text: String, file: String, node: NodeConfiguration?) -> [ConfigurationProblem] {
        let read = SecretProviderClassFile(text, file: file)
        var problems = read.problems.map { ConfigurationProblem(.error, $0) }
        problems += read.warnings.map { ConfigurationProblem(.warning, $0) }
        for one in read.classes {
            guard let ask = one.ask else { continue }
            func problem(_ message: String, fix: String) -> ConfigurationProblem {
                let path = "SecretProviderClass \(one.name)"
                let place = YAMLProblem(file: file, line: one.line, column: 1, path: path, message: message, fix: fix)
                return ConfigurationProblem(.error, place)
            }
            var planned: [PlannedToken] = []
            for token in ask.tokens {
                let scope = TokenScope(
                    repositories: token.repositories,
                    permissions: token.permissions,
                    actions: token.actions
                )
                guard let node else {
                    planned.append(PlannedToken(name: token.name, service: anyService(token.name), scope: scope))
                    continue
                }
                guard let store = node.stores.first(where: { $0.name == token.store }) else {
                    let names = node.stores.map(\.name).joined(separator: ", ")
                    let fix = "the stores of \(node.file) are: \(names)"
                    problems.append(problem("token \(token.name): there is no store \"\(token.store)\"", fix: fix))
                    continue
                }
                planned.append(PlannedToken(name: token.name, service: store.service, scope: scope))
            }
            guard planned.count == ask.tokens.count else { continue }
            problems += FilePlan.problems(ask.files, tokens: planned).map { problem($0.message, fix: $0.fix) }
        }
        return problems
    }

    /// Without a configuration nothing is known of a store, so its tokens may be good for anything.
    private static func anyService(_ name: String) -> TokenService {
        let host = name.replacing("_", with: "-") + ".invalid"
        return TokenService(git: try? GitServer(webURL: "https://\(host)"), registryHost: host)
    }
}
