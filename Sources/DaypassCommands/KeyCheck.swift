// `daypass check`: the files that a node's configuration names.

import Daemon
import Identity
import Logging
import Policy
import Programs
import Refusals
import StrictYAML
import TokenStore

/// The files that a configuration names.
enum KeyCheck {
    /// Reads the key set, the authorities and the client certificate, and makes every store, which reads its key files;
    /// uses no network.
    static func problems(of node: NodeConfiguration) -> [ConfigurationProblem] {
        let notes = CollectedWarnings()
        let logger = Logger(label: "check") { _ in notes.handler }
        let secrets = FileSecretReader(logger: logger)
        var problems: [ConfigurationProblem] = []
        for named in node.namedFiles {
            func note(_ severity: ConfigurationProblem.Severity, _ message: String, fix: String) {
                let place = YAMLProblem(
                    file: node.file,
                    line: named.line,
                    column: named.column,
                    path: named.purpose.rawValue,
                    message: message,
                    fix: fix
                )
                problems.append(ConfigurationProblem(severity, place))
            }
            if let found = problem(with: named, secrets) { note(.error, found.message, fix: found.fix) }
            for (message, fix) in notes.take() { note(.warning, message, fix: fix) }
        }
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
                programs: node.programs.runner,
                logger: logger
            )
            var known = ""
            do throws(TokenStoreError) { _ = try store.make(context) } catch {
                problem(.error, error.message, fix: error.fix)
                known = error.message
            }
            for named in store.secretFiles where !known.contains(named.file) {
                do throws(TokenStoreError) { _ = try secrets.read(SecretReference(file: named.file)) } catch {
                    problems.append(Self.problem(error, with: named, of: node))
                }
            }
            var said: Set<String> = []
            for (message, fix) in notes.take() where said.insert(message).inserted {
                problem(.warning, message, fix: fix)
            }
        }
        return problems
    }

    private static func problem(
        _ error: TokenStoreError,
        with named: NamedSecretFile,
        of node: NodeConfiguration
    ) -> ConfigurationProblem {
        let place = YAMLProblem(
            file: node.file,
            line: named.line,
            column: named.column,
            path: named.path,
            message: error.message,
            fix: error.fix
        )
        return ConfigurationProblem(.error, place)
    }

    /// What is wrong with one of the other files; `nil` when `serve` can use it.
    private static func problem(
        with named: NamedFile,
        _ secrets: FileSecretReader
    ) -> (message: String, fix: String)? {
        switch named.purpose {
        case .keySet:
            do throws(Refusal) {
                try FileKeySource(path: named.path, issuer: "").check()
                return nil
            } catch { return (error.message, error.fix) }
        case .authorities, .podAuthorities:
            return CertificateFile.problem(named.path, "the CA file").map {
                ($0, "name a PEM file that holds the CA of the proxy, the forge or the API server")
            }
        case .clientCertificate:
            return CertificateFile.problem(named.path, "the certificate file").map {
                ($0, "name a PEM file that holds the certificate, followed by its chain")
            }
        case .clientKey:
            do throws(TokenStoreError) {
                let key = try secrets.read(SecretReference(file: named.path))
                return CertificateFile.problem(key: key.revealText()).map {
                    ("\(named.path) \($0)", "write the certificate's private key into it as PEM, without a password")
                }
            } catch { return (error.message, error.fix) }
        }
    }

    /// The way out of an offline check.
    private struct NoNetwork: HTTPTransport {
        func send(_ call: HTTPCall) async throws(HTTPTransportError) -> HTTPAnswer {
            throw HTTPTransportError(.unreachable, "an offline check uses no network", requestMayHaveArrived: false)
        }
    }
}
