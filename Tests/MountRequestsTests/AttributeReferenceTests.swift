// `${key}`: whole values only, and never read as YAML.

import MountRequests
import Refusals
import Testing
import TokenStore

private func call(repository: String, attributes: [String: String] = [:]) -> Call {
    Call.with {
        $0.attributes["tokens"] =
            "- { name: source, store: s, repository: \(repository), permissions: { contents: read } }"
        $0.attributes["files"] = "- { path: t, format: token, tokens: [source] }"
        $0.attributes.merge(attributes) { _, new in new }
    }
}

@Suite struct AttributeReferenceTests {
    /// What looks like YAML in an attribute stays text: a Pod can't add a permission, a repository or a key.
    @Test(arguments: [
        "a/b, permissions: { contents: admin }", "[a/b, c/d]", "a/b\"\n- { name: more }", "*x", "!!map {}", "${image}",
        "true", "null", "~", " ", "# x",
    ])
    func valuesAreText(value: String) throws {
        let request = try call(repository: "\"${repo}\"", attributes: ["repo": value]).parse()
        #expect(
            request.tokens == [
                TokenAsk(name: "source", store: "s", repositories: [value], permissions: ["contents": .read])
            ]
        )
    }

    @Test func theyStandForAnyValue() throws {
        let request = try Call.with {
            $0.attributes["tokens"] =
                #"[{ name: "${n}", store: "${s}", repositories: ["${repository}"], permissions: { contents: "${level}" }, actions: ["${do}"] }]"#
            $0.attributes["files"] = #"[{ path: "${p}", format: "${f}", tokens: ["${n}"], mode: "${m}" }]"#
            $0.attributes.merge([
                "n": "one", "s": "github", "level": "write", "do": "pull", "p": "a/b", "f": "token", "m": "0400",
            ]) { _, new in new }
        }.parse()
        #expect(
            request.tokens == [
                TokenAsk(
                    name: "one",
                    store: "github",
                    repositories: ["https://github.com/our-org/x"],
                    permissions: ["contents": .write],
                    actions: [.pull]
                )
            ]
        )
        #expect(request.files == [FileAsk(path: "a/b", format: "token", tokens: ["one"], mode: 0o400)])
    }

    @Test func aDollarAloneIsNoReference() throws {
        #expect(try call(repository: "a/$b").parse().tokens[0].repositories == ["a/$b"])
        #expect(try call(repository: "\"$(repo)\"").parse().tokens[0].repositories == ["$(repo)"])
    }

    @Test(arguments: [
        (
            "\"${repo}\"",
            #"AttributeMissing: tokens[0].repository, line 1: the attribute "repo" is missing; add it to "#
                + "csi.volumeAttributes of the Pod's volume"
        ),
        (
            "\"our-org/${repo}\"",
            "ParameterMalformed: tokens[0].repository, line 1: a ${...} stands inside a longer text; it must be the "
                + #"whole value, for example "${repository}"; put the whole text into the attribute"#
        ),
        (
            "\"${a}${b}\"",
            "ParameterMalformed: tokens[0].repository, line 1: a ${...} stands inside a longer text; it must be the "
                + #"whole value, for example "${repository}"; put the whole text into the attribute"#
        ),
        (
            "\"${repo\"",
            "ParameterMalformed: tokens[0].repository, line 1: a ${...} stands inside a longer text; it must be the "
                + #"whole value, for example "${repository}"; put the whole text into the attribute"#
        ),
        (
            "\"${}\"",
            "ParameterMalformed: tokens[0].repository, line 1: ${} names no attribute; write the attribute's name, as in "
                + #""${repository}""#
        ),
        (
            "\"${csi.storage.k8s.io/serviceAccount.tokens}\"",
            "ParameterMalformed: tokens[0].repository, line 1: an attribute of this name can't be used in a value; use "
                + "an attribute of your own"
        ),
        (
            "\"${tokens}\"",
            "ParameterMalformed: tokens[0].repository, line 1: an attribute of this name can't be used in a value; use "
                + "an attribute of your own"
        ),
        (
            "\"${secretProviderClass}\"",
            "ParameterMalformed: tokens[0].repository, line 1: an attribute of this name can't be used in a value; use "
                + "an attribute of your own"
        ),
    ])
    func refused(repository: String, refusal: String) {
        #expect(call(repository: repository).refusal() == refusal)
    }

    @Test func anEmptyAttributeIsAnEmptyText() {
        #expect(
            call(repository: "\"${repo}\"", attributes: ["repo": ""]).refusal()
                == "ParameterMalformed: tokens[0].repository, line 1: the text is empty"
        )
    }

    /// Keys are never replaced.
    @Test func keysStay() throws {
        let request = try Call.with {
            $0.attributes["tokens"] = #"[{ name: source, store: s, repository: r, permissions: { "${x}": read } }]"#
            $0.attributes["files"] = "[{ path: t, format: token, tokens: [source] }]"
            $0.attributes["x"] = "administration"
        }.parse()
        #expect(request.tokens[0].permissions == ["${x}": .read])
    }
}
