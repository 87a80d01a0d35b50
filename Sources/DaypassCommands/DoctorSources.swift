// `daypass doctor --ask-sources`: each store's source, asked as the daemon would, and nothing minted.

import Daemon
import Doctor
import HTTPTransfer
import Policy
import TokenStore
import TokenStores

extension DoctorNode {
    func askSources(_ facts: inout Facts) async {
        guard let configuration else {
            facts.sources = .unknown(Skip("there is no configuration that can be used", fix: "name it with --config"))
            return
        }
        do {
            let options = configuration.http.options(environment)
            let (sources, clocks) = try await withCurlTransport(options, logger: logger) { http in
                await ask(configuration, http)
            }
            facts.sources = .known(sources)
            if !clocks.isEmpty { facts.clocks = .known((facts.clocks.value ?? []) + clocks) }
        } catch {
            facts.sources = .unknown(Skip("http of the configuration can't be used: \(error)"))
        }
    }

    private func ask(
        _ configuration: NodeConfiguration,
        _ http: any HTTPTransport
    ) async -> (sources: [SourceFacts], clocks: [ClockFacts]) {
        let asking = SourceAsking(http: http, secrets: FileSecretReader(logger: logger))
        return await withTaskGroup(of: (Int, SourceFacts, ClockFacts?).self) { group in
            for (index, store) in configuration.stores.enumerated() {
                group.addTask {
                    var (source, clock) = await asking.ask(store, configuration.policy)
                    if case .answered = source.outcome { source.app = await app(store, configuration.policy, http) }
                    return (index, source, clock)
                }
            }
            var found: [(Int, SourceFacts, ClockFacts?)] = []
            for await one in group { found.append(one) }
            found.sort { $0.0 < $1.0 }
            return (found.map(\.1), found.compactMap(\.2))
        }
    }

    /// What the forge says of a GitHub App; `nil` for other stores.
    private func app(_ store: ConfiguredStore, _ policy: NodePolicy, _ http: any HTTPTransport) async -> AppFacts? {
        guard store.kind == GitHubAppStore.kind else { return nil }
        let context = TokenStoreContext(
            name: store.name,
            clock: SystemClock(),
            http: http,
            secrets: FileSecretReader(logger: logger),
            programs: configuration?.programs.runner ?? NoPrograms(),
            logger: logger
        )
        do throws(TokenStoreError) {
            guard let made = try store.make(context) as? GitHubAppStore else { return nil }
            let grants = policy.grants.filter { $0.store == store.name }.map { grant in
                GrantedRepositories(
                    grant: grant.name,
                    repositories: grant.repositories.map(\.pattern),
                    permissions: grant.permissions
                )
            }
            return await AppFacts.ask(made, grants)
        } catch {
            return AppFacts(complaints: [.init(message: error.message, fix: error.fix)])
        }
    }
}
