// The node's configuration: the stores there are, who may have what, and how the daemon runs.

import Crypto
import StrictYAML
package import TokenStore

/// The node's configuration, checked as far as can be without reading another file.
package struct NodeConfiguration: Sendable {
    /// The file's name.
    package var file: String
    /// The first 12 hexadecimal digits of the SHA-256 digest of the file's bytes: which configuration is in force.
    package var digest: String
    /// The stores, in the order of the file.
    package var stores: [ConfiguredStore]
    /// Who may have which tokens.
    package var policy: NodePolicy
    /// How the node learns who asks.
    package var identity: IdentitySettings
    /// How the daemon serves.
    package var server: ServerSettings
    /// How the daemon reaches the token sources.
    package var http: HTTPSettings
    /// Where the programs are that stores may run.
    package var programs: ProgramSettings
    /// How leases are kept.
    package var leases: LeaseSettings
    /// How the end of a build is noticed.
    package var builds: BuildSettings
    /// What is written into the cluster.
    package var cluster: ClusterSettings
    /// Where spans go; `nil` records none.
    package var tracing: TracingSettings?
    /// The files that it names beside those of the stores.
    package var namedFiles: [NamedFile]
    /// What each key of the file says, as a digest: `grants`, `server.drain`, `stores.github` and, apart from that,
    /// `stores.github.limits`. To tell what another version of the file changed.
    package var sections: [String: String]
    /// What is probably not meant, in the order of the file.
    package var warnings: [ConfigurationProblem]

    /// Reads a configuration. Does no I/O: key files are read when a store is made.
    ///
    /// - Parameters:
    ///   - yaml: the file's text.
    ///   - file: the file's name, for messages.
    ///   - kinds: the kinds of store there are.
    /// - Throws: ``ConfigurationProblems`` with everything that is wrong.
    package static func load(
        yaml: String,
        file: String,
        kinds: [any TokenStore.Type]
    ) throws(ConfigurationProblems) -> NodeConfiguration {
        var findings = Findings()
        let configuration = read(yaml, file: file, kinds: kinds, &findings)
        guard var configuration, !findings.hasErrors else { throw ConfigurationProblems(problems: findings.inOrder) }
        configuration.warnings = findings.inOrder
        return configuration
    }

    private static func read(
        _ yaml: String,
        file: String,
        kinds: [any TokenStore.Type],
        _ findings: inout Findings
    ) -> NodeConfiguration? {
        let root = findings.collect { () throws(YAMLProblems) in try YAMLValue.parse(yaml, file: file) }
        guard let root, var fields = Fields(root, &findings) else { return nil }
        let stores = StoresReading(fields.required("stores"), kinds: kinds, &findings)
        let grants = GrantsReading(fields.optional("grants"), stores: stores, &findings)
        let identity = fields.optional("identity").map { IdentitySettings($0, &findings) }
        let server = fields.optional("server").map { ServerSettings($0, &findings) }
        let http = fields.optional("http").map { HTTPSettings($0, &findings) }
        let programs = fields.optional("programs").map { ProgramSettings($0, &findings) }
        let leases = fields.optional("leases").map { LeaseSettings($0, &findings) }
        let builds = fields.optional("builds").map { BuildSettings($0, &findings) }
        let cluster = fields.optional("cluster").map { ClusterSettings($0, &findings) }
        let tracing = fields.optional("tracing").flatMap { TracingSettings($0, &findings) }
        // When `grants` is mistyped, that is the problem.
        if fields.finish(&findings) || root["grants"] != nil { warnOfIdle(stores, grants, root, &findings) }
        return NodeConfiguration(
            file: file,
            digest: digest(of: yaml),
            stores: stores.stores,
            policy: NodePolicy(stores: stores.stores.map(\.facts), grants: grants.grants),
            identity: identity ?? .standard,
            server: server ?? ServerSettings(),
            http: http ?? HTTPSettings(),
            programs: programs ?? ProgramSettings(),
            leases: leases ?? LeaseSettings(),
            builds: builds ?? BuildSettings(),
            cluster: cluster ?? ClusterSettings(),
            tracing: tracing,
            namedFiles: NamedFile.all(in: root),
            sections: SectionDigests.all(in: root),
            warnings: []
        )
    }

    private static func warnOfIdle(
        _ stores: StoresReading,
        _ grants: GrantsReading,
        _ root: YAMLValue,
        _ findings: inout Findings
    ) {
        let list = root["grants"]
        guard let list, !list.isNull, list.elements?.isEmpty != true else {
            findings.warning((list ?? root).problem("there are no grants, so every request will be refused"))
            return
        }
        for entry in stores.entries where !grants.namedStores.contains(entry.key) {
            findings.warning(
                entry.problem("no grant names this store, so nobody gets its tokens", fix: "add a grant or remove it")
            )
        }
    }

    /// The digest of a configuration's text.
    package static func digest(of text: String) -> String {
        SHA256.hash(data: Array(text.utf8)).prefix(6)
            .map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
