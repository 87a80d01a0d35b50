// `docker-config`: the config.json of docker, buildx, kaniko and most other registry clients.

import Refusals
import TokenStore

/// `{"auths": {"<host>": {"auth": "<base64 of user:token>"}}}`, merged over the tenant's own JSON
/// (<https://github.com/docker/cli/blob/master/cli/config/configfile/file.go>). Docker knows hosts only, no paths. What
/// stands in the entry of a registry that wants no password: ``RegistryEntry``.
struct DockerConfigFormat: FileFormat {
    static let name = "docker-config"
    static let options: Set<FileOption> = [.merge]

    private let auths: RegistryAuths

    init(_ input: FormatInput) throws(Refusal) {
        var keys: [[String]] = []
        for token in input.tokens { keys.append([RegistryKey.docker(try input.registryHost(of: token))]) }
        let fix = "docker knows hosts only; ask for a file for each, or use containers-auth"
        try input.refuseDuplicates(keys.map { $0[0] }, of: "registry", fix: fix)
        auths = try RegistryAuths(input, keys: keys, normalized: RegistryKey.host)
    }

    func contents(_ issued: [IssuedToken]) throws(Refusal) -> [UInt8] { try auths.contents(issued, in: Self.name) }
}
