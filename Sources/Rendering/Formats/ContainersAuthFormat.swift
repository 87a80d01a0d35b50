// `containers-auth`: the auth.json of podman, buildah and skopeo.

import Refusals
import TokenStore

/// The same as ``DockerConfigFormat``, but where two tokens share a registry each gets keys of the form
/// `host/repository`; the longest that fits an image wins
/// (<https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md>).
struct ContainersAuthFormat: FileFormat {
    static let name = "containers-auth"
    static let options: Set<FileOption> = [.merge]

    private let auths: RegistryAuths

    init(_ input: FormatInput) throws(Refusal) {
        var hosts: [String] = []
        for token in input.tokens {
            hosts.append(RegistryKey.containers(try input.registryHost(of: token)))
            guard token.service.registryCredential == .registryToken else { continue }
            let rule =
                "the token \(Refusal.quoted(token.name)) is a bearer token, which podman, buildah and skopeo read "
                + "from no file"
            let fix =
                "use docker-config for BuildKit, crane or kaniko, the format token with skopeo's "
                + "--src-registry-token or --dest-registry-token, or a store that hands identity tokens"
            throw input.ask.invalid(rule, fix: fix)
        }
        var keys: [[String]] = []
        var owners: [String: PlannedToken] = [:]
        for (token, host) in zip(input.tokens, hosts) {
            let isShared = hosts.count { $0 == host } > 1
            let own = isShared ? token.scope.repositories.map { RegistryKey.containers(host, repository: $0) } : [host]
            guard !own.isEmpty else {
                let rule = "the token \(Refusal.quoted(token.name)) shares its registry and names no repository"
                throw input.ask.invalid(rule, fix: "name its repositories, or ask for a file for each")
            }
            for key in own {
                guard let other = owners.updateValue(token, forKey: key) else { continue }
                let names = "\(Refusal.quoted(other.name)) and \(Refusal.quoted(token.name))"
                throw input.ask.invalid(
                    "the tokens \(names) share \(Refusal.quoted(key))",
                    fix: "ask for a file for each"
                )
            }
            keys.append(own)
        }
        auths = try RegistryAuths(input, keys: keys, normalized: RegistryKey.normalized)
    }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] { try auths.contents(issued, in: Self.name) }
}
