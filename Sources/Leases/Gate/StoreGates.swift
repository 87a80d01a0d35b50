// placeholder
package import TokenStore

package struct StoreLimits: Sendable, Hashable { package init() {} }
package final class StoreGates: Sendable {
    package enum Outcome: Sendable { case success, failure(TokenStoreError), unused }
    package init() {}
    package func enter(store: String, namespace: String, within: Duration) async throws(TokenStoreError) {}
    package func leave(store: String, outcome: Outcome) {}
    package func run() async {}
}
