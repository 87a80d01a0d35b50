// Runs kubectl: reading verbs only, no shell, bounded in time and output.

import Subprocess
import SystemPackage

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// A kubectl, and the cluster that it asks. It only ever runs `kubectl get ... -o json`, and never for Secrets.
package struct Kubectl: Sendable {
    /// Why kubectl told nothing.
    package enum Failure: Error, Sendable, Hashable {
        /// The program can't be run.
        case notRunnable(String)
        /// It did not end in time.
        case timedOut
        /// Its answer is larger than ``mostBytes``.
        case tooLarge
        /// The object is not there, or the cluster has no such kind.
        case notFound(String)
        /// We may not read it.
        case forbidden(String)
        /// The cluster can't be reached, or we can't log in.
        case unreachable(String)
        /// Anything else that it says on standard error.
        case other(String)
    }

    /// A path, or a name that is looked for in `PATH`.
    package var program: String
    package var context: String?
    package var kubeconfig: String?
    /// The time for one call.
    package var timeout: Duration
    /// The most bytes of one answer: some ten thousand Pods.
    package var mostBytes: Int
    private let environment: [String: String]

    /// - Parameter environment: kubectl's own: `KUBECONFIG`, `HOME`, proxies, and what its login plugins want.
    package init(
        program: String = "kubectl",
        context: String? = nil,
        kubeconfig: String? = nil,
        timeout: Duration = .seconds(20),
        mostBytes: Int = KubeObject.largestJSON,
        environment: [String: String]
    ) {
        self.program = program
        self.context = context
        self.kubeconfig = kubeconfig
        self.timeout = timeout
        self.mostBytes = mostBytes
        self.environment = environment
    }

    /// The objects of a resource.
    ///
    /// - Parameters:
    ///   - resource: `pods`, `csidrivers.storage.k8s.io`.
    ///   - name: One object; `nil` lists all.
    ///   - scope: Where to look.
    /// - Throws: ``Failure``; also for a name or a namespace that is none, which kubectl could take for an option.
    package func get(_ resource: String, _ name: String? = nil, in scope: Scope) async throws(Failure) -> [KubeObject] {
        var arguments = ["get", try Self.checked(resource)]
        if let name { arguments.append(try Self.checked(name)) }
        switch scope {
        case .cluster: break
        case .namespace(let namespace): arguments += ["--namespace", try Self.checked(namespace)]
        case .allNamespaces: arguments.append("--all-namespaces")
        }
        arguments += ["--output", "json", "--request-timeout", "\(max(1, timeout.components.seconds))s"]
        if let context { arguments += ["--context", context] }
        if let kubeconfig { arguments += ["--kubeconfig", kubeconfig] }
        let bytes = try await run(arguments)
        do throws(ObjectTextProblem) { return try KubeObject.read(bytes) } catch {
            throw .other("what kubectl printed can't be read: \(error.message)")
        }
    }

    private static func checked(_ text: String) throws(Failure) -> String {
        guard ObjectName.isName(text) else { throw .other("\(Printable.text(text)) is no name of an object") }
        return text
    }

    /// Where objects are.
    package enum Scope: Sendable, Hashable {
        /// They have no namespace.
        case cluster
        case namespace(String)
        case allNamespaces
    }

    private enum Ending: Sendable {
        case ended(status: Int32?, output: [UInt8], errors: [UInt8])
        case timedOut
        case tooLarge
        case notRunnable(String)
    }

    private func run(_ arguments: [String]) async throws(Failure) -> [UInt8] {
        let ending = await withTaskGroup(of: Ending.self) { group in
            group.addTask { await spawn(arguments) }
            group.addTask {
                // kubectl has a time limit of its own for the server; this one is for plugins that wait for a login.
                try? await Task.sleep(for: timeout + .seconds(5), clock: .continuous)
                return .timedOut
            }
            let first = await group.next() ?? .timedOut
            group.cancelAll()
            return first
        }
        switch ending {
        case .timedOut: throw .timedOut
        case .tooLarge: throw .tooLarge
        case .notRunnable(let why): throw .notRunnable(why)
        case .ended(status: 0, let output, _): return output
        case .ended(_, _, let errors): throw Self.failure(String(decoding: errors, as: UTF8.self))
        }
    }

    private func spawn(_ arguments: [String]) async -> Ending {
        var options = PlatformOptions()
        // Plugins that log in are children of kubectl; a session of its own ends them with it.
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .zero)
        ]
        let variables = environment.map { (Environment.Key(stringLiteral: $0.key), $0.value) }
        do {
            let result = try await Subprocess.run(
                program.contains("/") ? .path(FilePath(program)) : .name(program),
                arguments: Arguments(arguments),
                environment: .custom(Dictionary(variables) { first, _ in first }),
                platformOptions: options,
                input: .none,
                output: .bytes(limit: mostBytes),
                error: .bytes(limit: 1 << 20)
            )
            let status: Int32? = if case .exited(let code) = result.terminationStatus { code } else { nil }
            return .ended(status: status, output: result.standardOutput, errors: result.standardError)
        } catch let error as SubprocessError {
            if error.code == .outputLimitExceeded { return .tooLarge }
            return .notRunnable("\(Printable.text(program)) can't be run")
        } catch {
            return .timedOut
        }
    }

    /// What kubectl's message means. The words are those of the API server's status reasons and of client-go, which have
    /// been the same for years; what is not known is shown as it is.
    static func failure(_ text: String) -> Failure {
        let lines = text.split(separator: "\n").map(String.init)
        // Warnings and lines of klog come first.
        let last =
            lines.last { $0.hasPrefix("Error") || $0.hasPrefix("error") || $0.hasPrefix("Unable") } ?? lines.last ?? ""
        let shown = Printable.text(last, most: 200)
        if text.contains("(NotFound)") || text.contains("have a resource type") { return .notFound(shown) }
        if text.contains("(Forbidden)") { return .forbidden(shown) }
        let unreachable = [
            "Unable to connect to the server", "was refused - did you specify", "(Unauthorized)", "must be logged in",
            "context was not found", "does not exist", "no configuration has been provided", "getting credentials",
            "i/o timeout", "deadline exceeded", "no such host", "(ServiceUnavailable)", "(Timeout)",
            "error loading config file",
        ]
        if unreachable.contains(where: { text.contains($0) }) { return .unreachable(shown) }
        return .other(shown.isEmpty ? "kubectl failed and said nothing" : shown)
    }
}
