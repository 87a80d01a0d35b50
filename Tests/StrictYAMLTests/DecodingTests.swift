// Strict decoding: what third parties may write as settings, and what an operator sees when the text is wrong.

import StrictYAML
import Testing

private enum Kind: String, Decodable, CaseIterable { case vault, forge, registry }

private struct Limit: Decodable, Equatable {
    var repositories: [String]
    var permissions: [String: String]?
    var count: Int?
}

private struct Grant: Decodable, Equatable {
    var name: String
    var kind: Kind?
    var allow: Limit
}

private struct Config: Decodable {
    var grants: [Grant]
    var debug: Bool?
}

/// Decodes, and returns the lines that a person would see.
private func problems<Value: Decodable>(_ type: Value.Type, _ text: String) -> [String] {
    do {
        _ = try YAMLValue.parse(text, file: "config.yaml").decode(type)
        return []
    } catch {
        return error.problems.map(\.description)
    }
}

@Suite struct DecodingTests {
    @Test func decodesWhatIsWritten() throws {
        let text = """
            # a comment
            grants:
              - name: binder-clone
                kind: forge
                allow: { repositories: ["our-org/*", other/one], permissions: { contents: read }, count: 3 }
            debug: true
            """
        let config = try YAMLValue.parse(text, file: "config.yaml").decode(Config.self)
        #expect(config.debug == true)
        #expect(
            config.grants == [
                Grant(
                    name: "binder-clone",
                    kind: .forge,
                    allow: Limit(repositories: ["our-org/*", "other/one"], permissions: ["contents": "read"], count: 3)
                )
            ]
        )
    }

    @Test func unknownKeysHaveAPlaceAndASuggestion() throws {
        let text = """
            grants:
              - name: one
                allow:
                  repositories: [a/b]
                  permisions: { contents: read }
                colour: red
            """
        #expect(
            problems(Config.self, text) == [
                #"config.yaml:5:7: grants[0].allow: unknown key "permisions"; did you mean "permissions"?"#,
                #"config.yaml:6:5: grants[0]: unknown key "colour"; known keys: allow, kind, name"#,
            ]
        )
    }

    @Test func aMisspeltRequiredKeyIsNamedInsteadOfTheMissingOne() throws {
        #expect(
            problems(Config.self, "grants:\n- name: one\n  allow: { repositoris: [a/b] }\n") == [
                #"config.yaml:3:12: grants[0].allow: unknown key "repositoris"; did you mean "repositories"?"#
            ]
        )
        #expect(
            problems(Config.self, "grants:\n- name: one\n") == [
                #"config.yaml:2:3: grants[0]: the key "allow" is missing"#
            ]
        )
    }

    @Test func problemsOfAllElementsAreReportedTogether() throws {
        let text = """
            grants:
              - { name: one, allow: { repositories: [a/b], extra: 1 } }
              - { name: two, kind: vualt, allow: { repositories: [a/b] } }
              - { name: three, allow: { repositories: [a/b], count: many } }
              - { name: four, allow: { repositories: a/b } }
              - { name: five, allow: { repositories: [[a], {b: c}] } }
              - { name: [six], allow: { repositories: [] } }
            """
        #expect(
            problems(Config.self, text) == [
                #"config.yaml:2:48: grants[0].allow: unknown key "extra"; known keys: count, permissions, repositories"#,
                #"config.yaml:3:24: grants[1].kind: expected one of vault, forge, registry, found the text "vualt"; "#
                    + #"did you mean "vault"?"#,
                #"config.yaml:4:57: grants[2].allow.count: expected a whole number, found the text "many""#,
                "config.yaml:5:42: grants[3].allow.repositories: expected a list, found text",
                "config.yaml:6:43: grants[4].allow.repositories[0]: expected text, found a list",
                "config.yaml:6:48: grants[4].allow.repositories[1]: expected text, found a mapping",
                "config.yaml:7:13: grants[5].name: expected text, found a list",
            ]
        )
    }
}
