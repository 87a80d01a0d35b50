// Calls that are taken, and what is made of them.

import MountRequests
import Refusals
import Testing
import TokenStore

@Suite struct MountRequestParserTests {
    @Test func readsACallOfTheDriver() throws {
        let request = try Call().parse()
        #expect(
            request.claimedSubject
                == Subject(namespace: "binder", serviceAccount: "builder", podName: "build-7", podUID: Call.uid)
        )
        #expect(request.targetPathPodUID == Call.uid)
        #expect(request.volume == "credentials")
        #expect(request.serviceAccountToken == Secret(utf8: Call.jwt))
        #expect(request.offeredAudiences == ["daypass", "vault"])
        #expect(
            request.tokens == [
                TokenAsk(
                    name: "source",
                    store: "github",
                    repositories: ["https://github.com/our-org/x"],
                    permissions: ["contents": .read]
                ),
                TokenAsk(
                    name: "image",
                    store: "push",
                    repositories: ["registry.example/binder/x:1"],
                    actions: [.pull, .push]
                ),
            ]
        )
        #expect(
            request.files == [
                FileAsk(path: ".gitconfig", format: "gitconfig", tokens: ["source"]),
                FileAsk(path: "config.json", format: "docker-config", tokens: ["image"], mode: 0o400),
            ]
        )
    }

    /// Drivers up to v1.5.6 repeat the call without the volume's attributes of this kind.
    @Test func readsTheRotationOfOlderDrivers() throws {
        let call = Call.with {
            $0.attributes["csi.storage.k8s.io/ephemeral"] = nil
            $0.attributes["secretProviderClass"] = nil
            $0.secrets = "{}"
        }
        #expect(try call.parse().claimedSubject.podName == "build-7")
    }

    @Test(arguments: ["", "null", "{}", #"{"username":"x"}"#])
    func secretsOfAllKindsAreTaken(secrets: String) throws {
        #expect(try Call.with { $0.secrets = secrets }.parse().serviceAccountToken == Secret(utf8: Call.jwt))
    }

    /// A tenant can't write this key into `secrets`, so what comes there wins.
    @Test func tokensInSecretsWin() throws {
        let key = "csi.storage.k8s.io/serviceAccount.tokens"
        let inSecrets = try Call.json([key: #"{"daypass":{"token":"from-kubelet"},"":{"token":"x"}}"#])
        for inAttributes in [Call().attributes[key], "no JSON", nil] {
            let request = try Call.with {
                $0.secrets = inSecrets
                $0.attributes[key] = inAttributes
            }.parse()
            #expect(request.serviceAccountToken?.revealText() == "from-kubelet")
            #expect(request.offeredAudiences == ["", "daypass"])
        }
    }

    @Test func aMissingTokenIsForIdentityToJudge() throws {
        let key = "csi.storage.k8s.io/serviceAccount.tokens"
        let none = try Call.with { $0.attributes[key] = nil }.parse()
        #expect(none.serviceAccountToken == nil)
        #expect(none.offeredAudiences == [])
        let others = try Call.with { $0.attributes[key] = #"{"vault":{"token":"x"},"aws":{}}"# }.parse()
        #expect(others.serviceAccountToken == nil)
        #expect(others.offeredAudiences == ["aws", "vault"])
    }

    @Test func otherKubeletDirectoriesAreTaken() throws {
        let paths = [
            "/var/snap/microk8s/common/var/lib/kubelet/pods/\(Call.uid)/volumes/kubernetes.io~csi/a/mount",
            "/pods/\(Call.uid)/volumes/kubernetes.io~csi/a/mount",
            "/k/pods/pods/\(Call.uid)/volumes/kubernetes.io~csi/a/mount",
        ]
        for path in paths {
            let request = try Call.with { $0.targetPath = path }.parse()
            #expect(request.targetPathPodUID == Call.uid)
            #expect(request.volume == "a")
        }
    }

    /// The driver lays a Pod's volumeAttributes over the parameters: what a tenant puts there is only another wish.
    @Test func whatThePodSaysReplacesWhatTheClassSays() throws {
        let request = try Call.with {
            $0.attributes["tokens"] =
                #"[{ name: source, store: github, repository: evil/all, permissions: { administration: admin } }]"#
            $0.attributes["files"] = #"[{ path: token, format: token, tokens: [source] }]"#
        }.parse()
        #expect(request.tokens[0].permissions == ["administration": .admin])
        #expect(request.claimedSubject.namespace == "binder")
    }

    @Test func unknownAttributesAndTheirSizesDoNotMatter() throws {
        let call = Call.with {
            $0.attributes["providerName"] = "x"
            $0.attributes["note\u{0}\u{1F}ü\u{FFFD}"] = String(repeating: "x", count: 100_000)
        }
        #expect(try call.parse().tokens.count == 2)
    }

    @Test func goEscapesAreRead() throws {
        let text = try Call.json(Call().attributes).replacing("&", with: #"\u0026"#)
        #expect(try Call.with { $0.attributesText = text }.parse().tokens.count == 2)
    }

    @Test func allKeysOfAllEntriesAreRead() throws {
        let request = try Call.with(
            tokens: """
                # several repositories, and words that other YAML readers take for truth values
                - name: on
                  store: "no"
                  repositories:
                    - our-org/a
                    - "${repository}"
                  permissions: { contents: write, packages: read, administration: admin }
                  actions: [pull, push, delete, pull]
                """,
            files: """
                - path: sub/.gitconfig
                  format: gitconfig
                  tokens: [on]
                  mode: "0440"
                  scope: repository
                  mountPath: /etc/daypass
                  rewriteSSH: true
                - { path: c.json, format: docker-config, tokens: [on], merge: '{"proxies":{}}', rewriteSSH: false }
                """
        ).parse()
        let token = try #require(request.tokens.first)
        #expect((token.name, token.store) == ("on", "no"))
        #expect(token.repositories == ["our-org/a", "https://github.com/our-org/x"])
        #expect(token.permissions == ["contents": .write, "packages": .read, "administration": .admin])
        #expect(token.actions == [.pull, .push, .delete])
        #expect(
            request.files == [
                FileAsk(
                    path: "sub/.gitconfig",
                    format: "gitconfig",
                    tokens: ["on"],
                    mode: 0o440,
                    scope: "repository",
                    mountPath: "/etc/daypass",
                    rewriteSSH: true
                ),
                FileAsk(
                    path: "c.json",
                    format: "docker-config",
                    tokens: ["on"],
                    rewriteSSH: false,
                    merge: #"{"proxies":{}}"#
                ),
            ]
        )
    }
}
