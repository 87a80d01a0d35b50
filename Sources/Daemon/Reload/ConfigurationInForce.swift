// The configuration in force, for whom it may change under the hands.

package import Identity
import Leases
package import MountService
package import Policy
import Synchronization

/// The configuration in force and its parts. It stays the same object while configurations come and go.
package final class ConfigurationInForce: Sendable {
    struct State: Sendable {
        var generation: Generation
        var mounts: MountService
        var book: ReloadBook
        /// The files of the configuration that was looked at last, in force or not.
        var triedFiles: Set<String> = []
    }

    private let state: Mutex<State>

    init(_ generation: Generation, _ mounts: MountService, _ book: ReloadBook) {
        state = Mutex(State(generation: generation, mounts: mounts, book: book))
    }

    /// What came of reloads, and what is in force.
    package var status: ReloadStatus { state.withLock { $0.book.status } }

    /// The configuration.
    package var configuration: NodeConfiguration { state.withLock { $0.generation.configuration } }

    /// Who answers Mounts.
    package var mounts: MountService { state.withLock { $0.mounts } }

    /// The token stores.
    package var stores: StoreRoom { state.withLock { $0.generation }.room }

    /// How the node learns who asks.
    package var identity: IdentityMode { state.withLock { $0.generation.identity.mode } }

    /// The state of the cluster's keys; `nil` with `identity: driver`, which needs none.
    package var keyStatus: KeyStatus? {
        guard case .serviceAccountToken(let verifier) = identity else { return nil }
        return verifier.keyStatus
    }

    func change<Result>(_ body: (inout State) -> Result) -> Result { state.withLock { body(&$0) } }
}
