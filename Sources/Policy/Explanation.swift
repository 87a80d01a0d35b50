// Why a Pod gets a token or does not: every grant, its verdict, and what comes of it.

package import TokenStore

/// The whole story of the decisions for one subject, for the node's operator: unlike a refusal it shows every grant.
package struct Explanation: Sendable, Equatable, Codable {
    /// The story of one ask.
    package struct Token: Sendable, Equatable, Codable {
        /// The ask's name.
        package var name: String
        /// The store that is asked for.
        package var store: String
        /// The repositories as the store reads them; absent when it was not asked to, or can't.
        package var repositories: [String]?
        /// The permissions that are asked for.
        package var permissions: [String: String]
        /// The actions that are asked for, in ascending order.
        package var actions: [RegistryAction]
        /// Every grant of the node, in the order of the file.
        package var grants: [Considered]
        /// What may be minted; absent when the ask is refused.
        package var granted: Granted?
        /// Why the ask is refused; absent when it is granted.
        package var refused: Refused?
    }

    /// A grant and what it says to an ask.
    package struct Considered: Sendable, Equatable, Codable {
        /// The classes of verdict.
        package enum Class: String, Sendable, Codable {
            case otherSubject, otherStore, notCompared, repositoryNotCovered, nothingGiven, part, whole
        }

        /// The grant's name.
        package var grant: String
        /// The class of verdict.
        package var verdict: Class
        /// The verdict in words.
        package var detail: String
        /// Whether this grant decides.
        package var decides: Bool
    }

    /// What may be minted.
    package struct Granted: Sendable, Equatable, Codable {
        /// The grant that decides.
        package var grant: String
        /// The repositories.
        package var repositories: [String]
        /// The permissions.
        package var permissions: [String: String]
        /// The actions, in ascending order.
        package var actions: [RegistryAction]
        /// What was asked and is not given.
        package var narrowing: Narrowing
        /// The git server that takes the token.
        package var git: String?
        /// The registry that takes the token.
        package var registry: String?
    }

    /// Why an ask is refused, as its Pod would see it.
    package struct Refused: Sendable, Equatable, Codable {
        /// The stable reason code.
        package var reason: String
        /// What is wrong.
        package var message: String
        /// What to do.
        package var fix: String
        /// The line that the Pod's event shows.
        package var line: String
    }

    /// Who asks.
    package var subject: Subject
    /// The tokens, in the order of the request.
    package var tokens: [Token]

    /// Whether every ask is granted; a Mount is refused as a whole otherwise.
    package var isGranted: Bool { tokens.allSatisfy { $0.granted != nil } }
}
