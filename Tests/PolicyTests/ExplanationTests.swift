// The story of a decision, in text and in JSON.

import MountRequests
import Refusals
import Testing
import TokenStore

@testable import Policy

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct ExplanationTests {
    private static func explanation() throws -> Explanation {
        let policy = Samples.policy(
            try Samples.grant("team-a", namespace: "team-a", serviceAccount: "*", permissions: ["contents": .read]),
            try Samples.grant("docs", repositories: ["docs/*", "site/*"], permissions: ["contents": .read]),
            try Samples.grant("labels", permissions: ["metadata": .read], actions: [.pull]),
            try Samples.grant("clone", permissions: ["contents": .read]),
            try Samples.grant("clone-all", permissions: ["contents": .admin]),
            try Samples.grant("push", store: "push", repositories: ["binder/*"], actions: [.push])
        )
        return policy.explain(
            [
                Samples.ask(["https://github.com/our-org/x.git"], permissions: ["contents": .write]),
                Samples.ask(name: "more", permissions: ["contents": .admin, "packages": .read]),
                Samples.ask(
                    ["https://user:hunter2@registry.example:5000/x"],
                    name: "image",
                    store: "push",
                    actions: [.push]
                ),
            ],
            for: Samples.builder
        )
    }

    @Test func tellsTheStory() throws {
        #expect(
            try Self.explanation().text == """
                Pod binder/build-x, service account builder

                token "source" from store "github": granted by clone-all
                  repository  our-org/x
                  permission  contents:write
                  good at     https://github.com
                  grants, in the order of the file:
                    - team-a is for namespace team-a, service account *
                    - docs does not cover our-org/x (it covers docs/*, site/*)
                    - labels covers the repositories, and gives only metadata:read, pull
                    - clone gives contents:read: contents:write became read
                    * clone-all gives all that is asked
                    - push is for store push

                token "more" from store "github": granted by clone
                  repository  our-org/x
                  permission  contents:read
                  narrowed    contents:admin became read, packages:read is dropped
                  good at     https://github.com
                  grants, in the order of the file:
                    - team-a is for namespace team-a, service account *
                    - docs does not cover our-org/x (it covers docs/*, site/*)
                    - labels covers the repositories, and gives only metadata:read, pull
                    * clone gives contents:read: contents:admin became read, packages:read is dropped
                    - clone-all gives contents:admin: packages:read is dropped
                    - push is for store push

                token "image" from store "push": refused
                  RepositoryInvalid: the repository of token "image" can't be read: an image reference has no scheme; \
                write registry.example:5000/path:tag; change it in the SecretProviderClass or the Pod's volumeAttributes
                  grants, in the order of the file:
                    - team-a is for namespace team-a, service account *
                    - docs is for store github
                    - labels is for store github
                    - clone is for store github
                    - clone-all is for store github
                    - push is not compared, because the request itself is refused
                """
        )
    }

    @Test func isJSONForScripts() throws {
        let explanation = try Self.explanation()
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(explanation)
        let json = String(decoding: data, as: UTF8.self)
        #expect(
            json.contains(
                #"{"actions":[],"granted":{"actions":[],"git":"https://github.com","grant":"clone","narrowing":"#
                    + #"{"actions":[],"permissions":[{"asked":"admin","given":"read","name":"contents"},"#
                    + #"{"asked":"read","name":"packages"}]},"permissions":{"contents":"read"},"#
                    + #""repositories":["our-org/x"]}"#
            )
        )
        #expect(json.contains(#""refused":{"fix":"#) && json.contains(#""reason":"RepositoryInvalid""#))
        #expect(!json.contains("hunter2") && !explanation.text.contains("hunter2"))
        #expect(try JSONDecoder().decode(Explanation.self, from: data) == explanation)
    }

    @Test func knowsWhetherAMountIsGranted() throws {
        let explanation = try Self.explanation()
        #expect(!explanation.isGranted)
        #expect(Explanation(subject: explanation.subject, tokens: Array(explanation.tokens.prefix(2))).isGranted)
    }

    @Test func saysThatThereAreNoGrants() {
        let explanation = NodePolicy(stores: [], grants: []).explain([Samples.ask()], for: Samples.builder)
        #expect(
            explanation.text == """
                Pod binder/build-x, service account builder

                token "source" from store "github": refused
                  NotGranted: no grant names namespace "binder", service account "builder"; \
                ask the node's operator to add a grant for them
                  this node has no grants
                """
        )
    }
}
