// SecretProviderClass files as the command line checks them.

import MountRequests
import StrictYAML
import Testing
import TokenStore

private let good = """
    apiVersion: secrets-store.csi.x-k8s.io/v1
    kind: SecretProviderClass
    metadata: { name: build-credentials, namespace: binder, labels: { app: x } }
    spec:
      provider: daypass
      parameters:
        level: write
        tokens: |
          - { name: source, store: github, repository: "${repository}", permissions: { contents: "${level}" } }
          - { name: image,  store: push,   repository: "${image}", actions: ["${do}"] }
        files: |
          - { path: .gitconfig,  format: gitconfig,     tokens: [source], mode: "${mode}" }
          - { path: config.json, format: docker-config, tokens: [image, "${third}"] }

    """

private func lines(_ problems: [YAMLProblem]) -> [String] { problems.map(\.description) }

@Suite struct SecretProviderClassFileTests {
    @Test func readsAClass() throws {
        let file = SecretProviderClassFile(good, file: "class.yaml")
        #expect(lines(file.problems) == [])
        #expect(lines(file.warnings) == [])
        let one = try #require(file.classes.first)
        #expect((one.name, one.namespace, one.line) == ("build-credentials", "binder", 1))
        #expect(one.requiredAttributes == ["do", "image", "mode", "repository", "third"])
        #expect(one.optionalAttributes == ["level"])
        #expect(one.parameters["level"] == "write")
        #expect(one.ask?.tokens.map(\.repositories) == [["${repository}"], ["${image}"]])
        #expect(one.ask?.tokens[0].permissions == ["contents": .write])
        #expect(one.ask?.tokens[1].actions == [])
        #expect(one.ask?.files.map(\.path) == [".gitconfig", "config.json"])
    }

    /// What the class and a Pod's attributes make together is what a Mount reads.
    @Test func theParametersServeAMount() throws {
        let one = try #require(SecretProviderClassFile(good, file: "f").classes.first)
        let pod = ["repository": "o/r", "image": "i", "do": "push", "mode": "0400", "third": "source", "level": "read"]
        let ask = try MountRequestParser.volumeAsk(one.parameters.merging(pod) { _, new in new })
        #expect(
            ask.tokens[0]
                == TokenAsk(name: "source", store: "github", repositories: ["o/r"], permissions: ["contents": .read])
        )
        #expect(ask.files[1].tokens == ["image", "source"])
    }

    @Test func allProblemsAreFoundWithTheirLinesInTheFile() {
        let text = """
            # a file with much wrong
            apiVersion: secrets-store.csi.x-k8s.io/v1
            kind: SecretProviderClass
            metadata:
              name: Build
            spec:
              provider: daypas
              paramaters: {}
              parameters:
                port: 8080
                tokens: |

                  - name: source
                    store: github
                    repositry: "${repository}"
                    permissions: { contents: raed }
                  - { name: "${csi.storage.k8s.io/pod.name}" }
                files: |
                  - { path: t, format: token, tokens: [source], mode: 444 }
            """
        let file = SecretProviderClassFile(text, file: "class.yaml")
        #expect(
            lines(file.problems) == [
                #"class.yaml:5:9: metadata.name: no object can be called so; use lower-case letters, digits, "-" and ".""#,
                #"class.yaml:7:13: spec.provider: expected daypass, found the text "daypas"; did you mean "daypass"?"#,
                #"class.yaml:8:3: spec: unknown key "paramaters"; did you mean "parameters"?"#,
                "class.yaml:10:11: spec.parameters.port: Kubernetes takes this for a number, a truth value or null, not "
                    + "for text; put it in quotes",
                "class.yaml:17:17: spec.parameters.tokens[1].name: an attribute of this name can't be used in a value; "
                    + "use an attribute of your own",
                "class.yaml:19:59: spec.parameters.files[0].mode: the mode can't be told for sure; write it in octal "
                    + "with a leading 0: 0444, or 0674 if the decimal number 444 is meant",
            ]
        )
        #expect(file.classes.first?.ask == nil)
        let mended = text.replacing("{ name: \"${csi.storage.k8s.io/pod.name}\" }", with: "{ name: other }")
        #expect(
            lines(SecretProviderClassFile(mended, file: "class.yaml").problems).filter { $0.contains("tokens[") } == [
                #"class.yaml:15:9: spec.parameters.tokens[0]: unknown key "repositry"; did you mean "repository"?"#,
                "class.yaml:16:34: spec.parameters.tokens[0].permissions.contents: expected one of read, write, admin, "
                    + #"found the text "raed"; did you mean "read"?"#,
                #"class.yaml:17:9: spec.parameters.tokens[1]: the key "store" is missing"#,
                #"class.yaml:17:9: spec.parameters.tokens[1]: the key "repository" is missing"#,
            ]
        )
    }

    @Test(arguments: [
        ("", "f:1:1: there is no SecretProviderClass in it"),
        ("- a\n", #"f:1:1: this is no Kubernetes object: it has no "apiVersion" and "kind""#),
        ("a: [\n", "f:2:1: it is no YAML: while parsing a flow node: did not find expected node content"),
        (
            good.replacing("/v1\n", with: "/v2\n"),
            "f:1:13: apiVersion: expected one of secrets-store.csi.x-k8s.io/v1, secrets-store.csi.x-k8s.io/v1alpha1, "
                + #"found the text "secrets-store.csi.x-k8s.io/v2"; did you mean "secrets-store.csi.x-k8s.io/v1"?"#
        ),
        (
            good.replacing("SecretProviderClass", with: "SecretsProviderClass"),
            #"f:2:7: kind: expected SecretProviderClass, found the text "SecretsProviderClass"; did you mean "#
                + #""SecretProviderClass"?"#
        ),
        (
            good.replacing("provider: daypass", with: "provider: vault"),
            #"f:5:13: spec.provider: expected daypass, found the text "vault""#
        ),
        (
            good.replacing("provider: daypass", with: "{}"),
            "f:6:3: it is no YAML: while parsing a block mapping: did not find expected key"
        ),
        (
            good.replacing("  provider: daypass\n", with: ""),
            #"f:5:3: spec: the key "provider" is missing; add provider: daypass"#
        ),
        (good.replacing("name: build-credentials, ", with: ""), #"f:3:11: metadata: the key "name" is missing"#),
        (
            good.replacing("tokens: |", with: "tokens:"),
            #"f:9:7: spec.parameters.tokens: a parameter must be a text; write "tokens: |" and the list under it, so "#
                + "that it is a text for Kubernetes"
        ),
        (
            good.replacing("level: write", with: "csi.storage.k8s.io/serviceAccount.tokens: x\n    level: write"),
            "f:7:5: spec.parameters: kubelet alone sets the keys that begin with csi.storage.k8s.io/; remove it"
        ),
        (good.replacing("files: |", with: "file: |"), #"f:7:5: spec.parameters: the parameter "files" is missing"#),
        (
            good.replacing("level: write", with: "level: [a]"),
            """
            f:7:12: spec.parameters.level: a parameter must be a text; write "level: |" and the list under it, so that \
            it is a text for Kubernetes
            """
        ),
        (
            good.replacing("level: write", with: "level: wrote"),
            """
            f:9:94: spec.parameters.tokens[0].permissions.contents: expected one of read, write, admin, found the text \
            "wrote"; did you mean "write"?
            """
        ),
        (
            good.replacing("[source], mode", with: "[sauce], mode"),
            """
            f:12:62: spec.parameters.files[0].tokens[0]: there is no token "sauce"; did you mean "source"? \
            the tokens are: "source", "image"
            """
        ),
    ])
    func refuses(text: String, line: String) {
        #expect(lines(SecretProviderClassFile(text, file: "f").problems) == [line])
    }

    @Test func warns() {
        let text =
            good.replacing("level: write", with: "level: write\n    repostory: o/r")
            + "  secretObjects:\n  - { secretName: x, type: Opaque, data: [] }\n"
        let file = SecretProviderClassFile(text, file: "f")
        #expect(lines(file.problems) == [])
        #expect(
            lines(file.warnings) == [
                "f:16:3: spec.secretObjects: secretObjects copies the token into a Kubernetes Secret, and so into etcd and "
                    + "its backups; remove it, and let the build read the mounted files",
                #"f:8:5: spec.parameters: nothing uses this parameter; did you mean "repository"?"#,
            ]
        )
    }

    @Test func readsSeveralDocumentsAndLists() {
        let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: x }\n"
        let list = "apiVersion: v1\nkind: List\nitems:\n- " + good.replacing("\n", with: "\n  ") + "\n"
        let text = other + "---\n" + good + "---\n" + list + "---\n"
        let file = SecretProviderClassFile(text, file: "f")
        #expect(lines(file.problems) == [])
        #expect(file.classes.map(\.line) == [5, 22])
        #expect(lines(file.notes) == ["f:1:1: an object of the kind ConfigMap is left out"])
        #expect(file.classes.allSatisfy { $0.ask != nil })
    }

    @Test func olderVersionsAndOtherStylesAreRead() throws {
        let text = """
            {"apiVersion": "secrets-store.csi.x-k8s.io/v1alpha1", "kind": "SecretProviderClass",
             "metadata": {"name": "x"}, "spec": {"provider": "daypass", "parameters": {
               "tokens": "[{ name: a, store: s, repository: r, colour: red }]",
               "files": "[{ path: p, format: token, tokens: [a] }]"}}}
            """
        let file = SecretProviderClassFile(text, file: "f")
        #expect(
            lines(file.problems) == [
                #"f:3:38: spec.parameters.tokens[0]: unknown key "colour"; known keys: actions, name, permissions, "#
                    + "repositories, repository, store"
            ]
        )
    }
}
