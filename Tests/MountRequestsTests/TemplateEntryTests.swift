// `template` and `escape` of a file: read as text, bounded, and with a `${...}` of their own.

import MountRequests
import StrictYAML
import Testing

private func call(_ entry: String, attributes: [String: String] = [:]) -> Call {
    Call.with {
        $0.attributes["tokens"] = "- { name: a, store: s, repository: o/r, permissions: { contents: read } }"
        $0.attributes["files"] = entry
        $0.attributes.merge(attributes) { _, new in new }
    }
}

@Suite struct TemplateEntryTests {
    @Test func isReadAsItIs() throws {
        let files = """
            - path: .npmrc
              format: mustache
              tokens: [a]
              escape: ini
              template: |
                # {{name}}
                  //npm.example/:_authToken={{token}}

            """
        let file = try call(files).parse().files[0]
        #expect(file.template == "# {{name}}\n  //npm.example/:_authToken={{token}}\n")
        #expect(file.escape == "ini")
        #expect(file.symbolic.isEmpty)
    }

    /// Maven, npm and the shell know `${...}`. Only a template that is nothing else stands for an attribute.
    @Test(arguments: [
        ("${user.home}/.m2 {{token}}", "${user.home}/.m2 {{token}}"), ("{{token}} ${x}", "{{token}} ${x}"),
        ("${x}${x}", "${x}${x}"), ("${", "${"), ("${x", "${x"), ("${x}", "from the Pod: ${y}"),
    ])
    func references(template: String, read: String) throws {
        let entry = "- { path: f, format: mustache, tokens: [a], escape: \"${e}\", template: '\(template)' }"
        let file = try call(entry, attributes: ["x": "from the Pod: ${y}", "e": "xml"]).parse().files[0]
        #expect(file.template == read)
        #expect(file.escape == "xml")
    }

    @Test(arguments: [
        ("template: '${no}'", #"AttributeMissing: files[0].template, line 1: the attribute "no" is missing"#),
        (
            "template: '${csi.storage.k8s.io/serviceAccount.tokens}'",
            "an attribute of this name can't be used in a value"
        ),
        ("template: '${}'", "ParameterMalformed: files[0].template, line 1: ${} names no attribute"),
        ("template: '${tokens}'", "an attribute of this name can't be used in a value"),
        ("template: ''", "ParameterMalformed: files[0].template, line 1: the text is empty"),
        ("template: [x]", "ParameterMalformed: files[0].template, line 1: expected text, found a list"),
        ("escape: 'a ${x}'", "ParameterMalformed: files[0].escape, line 1: a ${...} stands inside a longer text"),
        ("merge: 'a ${x}'", "ParameterMalformed: files[0].merge, line 1: a ${...} stands inside a longer text"),
        ("templates: x", #"unknown key "templates"; did you mean "template"?"#),
    ])
    func refused(entry: String, refusal: String) {
        let found = call("- { path: f, format: mustache, tokens: [a], \(entry) }").refusal()
        #expect(found.contains(refusal), "\(found)")
    }

    @Test func isBounded() throws {
        let most = 32 << 10
        func call(_ sizes: [Int]) -> Call {
            let entries = sizes.indices.map {
                "- { path: f\($0), format: mustache, tokens: [a], escape: none, template: '${t\($0)}' }\n"
            }
            let texts = sizes.enumerated().map { ("t\($0)", String(repeating: "t", count: $1)) }
            return MountRequestsTests.call(
                entries.joined(),
                attributes: Dictionary(uniqueKeysWithValues: texts)
            )
        }
        #expect(try call([most]).parse().files[0].template?.utf8.count == most)
        #expect(
            call([most + 1]).refusal()
                == "ParameterMalformed: files[0].template, line 1: the text is longer than 32768 bytes"
        )
        #expect(
            call([most, 1]).refusal()
                == "ParameterMalformed: files, line 1: template of all files is 32769 bytes long, and 32768 are allowed; "
                + "shorten it"
        )
    }

    @Test func aClassFileKeepsItToo() throws {
        let text = """
            apiVersion: secrets-store.csi.x-k8s.io/v1
            kind: SecretProviderClass
            metadata: { name: m, namespace: ci }
            spec:
              provider: daypass
              parameters:
                tokens: |
                  - { name: npm, store: s, repository: "${repository}", actions: [pull] }
                files: |
                  - { path: a, format: mustache, tokens: [npm], escape: xml, template: "${user.home} {{token}}" }
                  - { path: b, format: mustache, tokens: [npm], escape: xml, template: "${mine}" }

            """
        let file = SecretProviderClassFile(text, file: "class.yaml")
        #expect(file.problems.map(\.description) == [])
        let one = try #require(file.classes.first)
        #expect(one.requiredAttributes == ["mine", "repository"])
        #expect(one.ask?.files.map(\.template) == ["${user.home} {{token}}", "${mine}"])
        #expect(one.ask?.files.map(\.symbolic) == [[], [.template]])
    }
}
