// The words in which policy refuses.

import MountRequests
import Refusals
import Testing
import TokenStore

@testable import Policy

@Suite struct RefusalTextTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var ask: TokenAsk
        var subject = Samples.builder
        var line: String

        var testDescription: String { line }
    }

    private static func policy() throws -> NodePolicy {
        Samples.policy(
            try Samples.grant(
                "secret-team",
                namespace: "secret-*",
                store: "gitlab",
                repositories: ["hidden/**"],
                permissions: ["api": .admin]
            ),
            try Samples.grant("clone-docs", repositories: ["docs/*"], permissions: ["contents": .read]),
            try Samples.grant("clone", repositories: ["our-org/*", "docs/*"], permissions: ["contents": .read]),
            try Samples.grant("push", store: "push", repositories: ["binder/*"], actions: [.pull, .push])
        )
    }

    private static let read: [String: AccessLevel] = ["contents": .read]

    @Test(arguments: [
        Case(
            ask: Samples.ask(permissions: read),
            subject: Samples.stranger,
            line: #"NotGranted: no grant names namespace "other", service account "builder"; "#
                + "ask the node's operator to add a grant for them"
        ),
        Case(
            ask: Samples.ask(store: "nowhere", permissions: read),
            subject: Samples.stranger,
            line: #"NotGranted: no grant names namespace "other", service account "builder"; "#
                + "ask the node's operator to add a grant for them"
        ),
        Case(
            ask: Samples.ask(store: "gihub", permissions: read),
            line: #"StoreUnknown: token "source" asks for store "gihub", and the grants for namespace "binder", "#
                + #"service account "builder" name only: github, push; did you mean github?"#
        ),
        Case(
            ask: Samples.ask(store: "githb\n", permissions: read),
            line: #"StoreUnknown: token "source" asks for store "githb?", and the grants for namespace "binder", "#
                + #"service account "builder" name only: github, push; did you mean github?"#
        ),
        // A store of others, and one that is not there.
        Case(
            ask: Samples.ask(["hidden/x"], store: "gitlab", permissions: ["api": .read]),
            line: #"StoreUnknown: token "source" asks for store "gitlab", and the grants for namespace "binder", "#
                + #"service account "builder" name only: github, push; did you mean github?"#
        ),
        Case(
            ask: Samples.ask(["hidden/x"], store: "nowhere", permissions: ["api": .read]),
            line: #"StoreUnknown: token "source" asks for store "nowhere", and the grants for namespace "binder", "#
                + #"service account "builder" name only: github, push; change the token's store in the "#
                + "SecretProviderClass or the Pod's volumeAttributes, or ask the node's operator for a grant"
        ),
        Case(
            ask: Samples.ask([], permissions: read),
            line: #"ScopeEmpty: token "source" names no repository, and no token is given for all of them; "#
                + "write for example: repository: https://host/owner/name"
        ),
        Case(
            ask: Samples.ask(),
            line: #"ScopeEmpty: token "source" asks for neither permissions nor actions; write for example: "#
                + "permissions: { contents: read } for a forge, or actions: [pull] for a registry"
        ),
        Case(
            ask: Samples.ask(permissions: ["content": .read]),
            line: #"ParameterMalformed: token "source" asks for permission "content", which store "github" "#
                + "does not know; did you mean contents?"
        ),
        Case(
            ask: Samples.ask(permissions: ["zzz": .read]),
            line: #"ParameterMalformed: token "source" asks for permission "zzz", which store "github" "#
                + "does not know; write one of the names that the source uses, such as contents"
        ),
        Case(
            ask: Samples.ask(["https://user:hunter2@github.com/our-org/x"], permissions: read),
            line: #"RepositoryInvalid: the repository of token "source" can't be read: it holds a user name or "#
                + "password before the host; leave them out; change it in the SecretProviderClass or the Pod's "
                + "volumeAttributes"
        ),
        Case(
            ask: Samples.ask(["our-org/x", "https://evil.example/our-org/x"], permissions: read),
            line: #"RepositoryInvalid: repository 2 of token "source" can't be read: its host is evil.example, "#
                + "and this store serves https://github.com; change it in the SecretProviderClass or the Pod's "
                + "volumeAttributes"
        ),
        Case(
            ask: Samples.ask(
                ["User:hunter2@registry.example:5000/binder/x"],
                name: "image",
                store: "push",
                actions: [.push]
            ),
            line: #"RepositoryInvalid: the repository of token "image" can't be read: it has an @ that no digest "#
                + "follows; change it in the SecretProviderClass or the Pod's volumeAttributes"
        ),
        Case(
            ask: Samples.ask(["their-org/x"], permissions: read),
            line: #"NotGranted: grant clone-docs does not cover repository "their-org/x" of token "source"; "#
                + "ask the node's operator to add it to grant clone-docs, or change it in the SecretProviderClass "
                + "or the Pod's volumeAttributes"
        ),
        Case(
            ask: Samples.ask(["our-org/x", "docs/y", "their-org/x", "their-org/y"], permissions: read),
            line: #"NotGranted: grant clone does not cover repository "their-org/x" and 1 more of token "source"; "#
                + "ask the node's operator to add it to grant clone, or change it in the SecretProviderClass or "
                + "the Pod's volumeAttributes"
        ),
        Case(
            ask: Samples.ask(permissions: ["packages": .write], actions: [.pull]),
            line: "NotGranted: grant clone gives nothing of what token \"source\" asks for "
                + "(\"packages:write, pull\"); it gives contents:read; ask the node's operator to add it to grant "
                + "clone, or ask for less in the SecretProviderClass or the Pod's volumeAttributes"
        ),
        Case(
            ask: Samples.ask(["binder/x"], name: "image", store: "push", actions: [.delete]),
            line: "NotGranted: grant push gives nothing of what token \"image\" asks for (\"delete\"); "
                + "it gives pull, push; ask the node's operator to add it to grant push, or ask for less in the "
                + "SecretProviderClass or the Pod's volumeAttributes"
        ),
    ])
    func says(_ expected: Case) throws {
        let policy = try Self.policy()
        let refusal = #expect(throws: Refusal.self) { try policy.authorize(expected.ask, for: expected.subject) }
        #expect(refusal?.description == expected.line)
    }

    /// Whoever asks for whatever: a refusal shows nothing of the grants of others.
    @Test func othersGrantsStaySecret() throws {
        let policy = try Self.policy()
        for subject in [Samples.builder, Samples.stranger] {
            for store in ["github", "gitlab", "push", "gitlabs", ""] {
                for repository in ["hidden/x", "our-org/x", "x", "https://gitlab.example/hidden/x"] {
                    let ask = Samples.ask([repository], store: store, permissions: ["packages": .read])
                    let refusal = #expect(throws: Refusal.self) { try policy.authorize(ask, for: subject) }
                    let line = (refusal?.description ?? "").replacing(Refusal.quoted(repository), with: "")
                    #expect(!line.contains("secret-") && !line.contains("hidden") && !line.contains("api"))
                    #expect(!line.contains("serves https://gitlab.example"))
                }
            }
        }
    }
}
