// What policy allows: one scope of one store, by one grant.

package import TokenStore

/// What may be minted for one ask. The scope is within the ask and within the grant.
package struct Authorization: Sendable, Hashable {
    /// The ask's name.
    package var name: String
    /// The store to ask.
    package var store: String
    /// The grant that allows it.
    package var grant: String
    /// What may be minted; never empty.
    package var scope: TokenScope
    /// Where the token will be good.
    package var service: TokenService
    /// Where the store's tokens come from and where they are good: a store of the same name elsewhere is another one.
    package var origin: String
    /// The audience of the Pod's own token that the store wants; `nil` when it wants none.
    package var subjectTokenAudience: String?
    /// What was asked and is not in the scope.
    package var narrowing: Narrowing
}

/// What a grant cut off an ask.
package struct Narrowing: Sendable, Hashable, Codable {
    /// A permission that is given at a lower level, or not at all.
    package struct Permission: Sendable, Hashable, Codable {
        /// The source's name for it.
        package var name: String
        /// The level that was asked for.
        package var asked: AccessLevel
        /// The level that is given; `nil` when the permission is dropped.
        package var given: AccessLevel?
    }

    /// The permissions that were cut, in ascending order of their names.
    package var permissions: [Permission] = []
    /// The actions that were dropped, in ascending order.
    package var actions: [RegistryAction] = []

    /// Whether nothing was cut.
    package var isEmpty: Bool { permissions.isEmpty && actions.isEmpty }

    /// What was cut, in one line: `contents:write became read, packages:read is dropped`; empty when nothing was.
    package var summary: String {
        let permissions = permissions.map { cut in
            let outcome = cut.given.map { "became \($0.rawValue)" } ?? "is dropped"
            return "\(cut.name):\(cut.asked.rawValue) \(outcome)"
        }
        return (permissions + actions.map { "\($0.rawValue) is dropped" }).joined(separator: ", ")
    }
}
