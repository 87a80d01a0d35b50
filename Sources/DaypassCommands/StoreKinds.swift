// The kinds of token store that a command knows: the built-in ones, and those of whoever built the binary.

package import TokenStore
import TokenStores

/// The kinds of token store of this binary.
package enum StoreKinds {
    @TaskLocal private static var added: [any TokenStore.Type] = []

    /// Every kind. An added one takes the place of a built-in one of its name.
    package static var all: [any TokenStore.Type] {
        let names = Set(added.map { $0.kind })
        return BuiltinStores.all.filter { !names.contains($0.kind) } + added
    }

    /// Runs `body` with further kinds.
    package static func withAdded<Result>(
        _ kinds: [any TokenStore.Type],
        _ body: () async throws -> Result
    ) async rethrows -> Result {
        try await $added.withValue(kinds, operation: body)
    }
}
