// A configuration that can be used, and what comes of it.

import Logging
import MountRequests
import Refusals
import Testing
import TokenStore
import TokenStoreTesting

@testable import Policy

@Suite struct NodeConfigurationTests {
    private static let yaml = """
        stores:
          github:
            kind: fake-forge
            url: https://github.com
            privateKey: { file: /etc/daypass/keys/github.pem }
            retry: { attempts: 3 }
          push:
            kind: fake-registry
            host: registry.example
        grants:
          - name: binder-clone
            to: { namespace: binder, serviceAccount: "builder-*" }
            store: github
            allow: { repositories: ["our-org/*", docs/site], permissions: { contents: read, packages: write } }
          - name: binder-push
            to: { namespace: binder, serviceAccount: builder-x }
            store: push
            allow: { repositories: ["binder/**"], actions: [pull, push] }
        """

    private func load(_ yaml: String) throws -> NodeConfiguration {
        try NodeConfiguration.load(yaml: yaml, file: "daypass.yaml", kinds: fakeKinds)
    }

    @Test func readsStoresAndGrants() throws {
        let configuration = try load(Self.yaml)
        #expect(configuration.warnings.isEmpty)
        #expect(configuration.stores.map(\.name) == ["github", "push"])
        #expect(configuration.stores.map(\.kind) == ["fake-forge", "fake-registry"])
        #expect(configuration.stores.map(\.service.registryHost) == [nil, "registry.example"])
        #expect(configuration.stores[0].knownPermissions == ["contents", "packages"])
        #expect(
            configuration.policy.grants == [
                try Samples.grant(
                    "binder-clone",
                    serviceAccount: "builder-*",
                    repositories: ["our-org/*", "docs/site"],
                    permissions: ["contents": .read, "packages": .write]
                ),
                try Samples.grant(
                    "binder-push",
                    serviceAccount: "builder-x",
                    store: "push",
                    repositories: ["binder/**"],
                    actions: [.pull, .push]
                ),
            ]
        )
        let subject = Subject(namespace: "binder", serviceAccount: "builder-x", podName: "p", podUID: "u")
        let ask = Samples.ask(["https://github.com/OUR-ORG/x"], permissions: ["contents": .write])
        #expect(try configuration.policy.authorize(ask, for: subject).scope.permissions == ["contents": .read])
    }

    @Test func readsTheLimitsOfAStore() throws {
        func limits(_ text: String) throws -> StoreLimitSettings {
            let yaml = Self.yaml.replacing("retry: { attempts: 3 }", with: "retry: { attempts: 3 }\n    \(text)")
            let stores = try load(yaml).stores
            #expect(stores[1].limits == StoreLimitSettings())
            return stores[0].limits
        }
        let all = try limits("limits: { rate: 2.5, burst: 3, concurrent: 4 }")
        #expect(all == StoreLimitSettings(rate: 2.5, burst: 3, concurrent: 4))
        #expect(try limits("limits: { rate: 1 }") == StoreLimitSettings(rate: 1))
        let ends = try limits("limits: { rate: 0.01, burst: 10000, concurrent: 1000 }")
        #expect(ends == StoreLimitSettings(rate: 0.01, burst: 10_000, concurrent: 1000))
        for nothing in ["", "limits:", "limits: ~", "limits: {}"] {
            #expect(try limits(nothing) == StoreLimitSettings(), "\(nothing)")
        }
    }

    @Test func makesStoresOfTheirSettings() async throws {
        let store = try load(Self.yaml).stores[0]
        func context(_ secrets: [String: String]) -> TokenStoreContext {
            TokenStoreContext(
                name: store.name,
                clock: ManualClock(),
                http: ScriptedTransport(),
                secrets: FixedSecrets(secrets),
                logger: Logger(label: "test")
            )
        }
        let made = try #require(try store.make(context(["/etc/daypass/keys/github.pem": "key"])) as? ForgeStore)
        #expect(made.name == "github" && made.settings.retry?.attempts == 3)
        #expect(throws: TokenStoreError.self) { try store.make(context([:])) }
    }

    @Test func theRestHasDefaults() throws {
        let configuration = try load(Self.yaml)
        #expect(
            configuration.identity
                == .serviceAccountTokens(issuer: nil, audience: "daypass", keys: .cluster, leeway: .seconds(30))
        )
        #expect(configuration.server.socket == nil)
        #expect(configuration.server.mountDeadline == .seconds(25))
        #expect(configuration.server.drain == .seconds(10))
        #expect(configuration.server.maxRequestBytes == 1_048_576)
        #expect(configuration.http.proxy == .environment)
        #expect(configuration.http.caFile == nil)
        #expect(configuration.http.clientCertificate == nil)
        #expect(configuration.http.connectTimeout == .seconds(3))
        // Nothing after a key is as if the key were not there.
        #expect(try load(Self.yaml + "\nidentity:\nserver: ~\nhttp: null").server == configuration.server)
    }

    @Test func theRestCanBeSet() throws {
        let configuration = try load(
            Self.yaml + """

                identity:
                  issuer: https://cluster.example
                  audience: builds
                  jwks: { file: /etc/daypass/jwks.json }
                  leeway: 1m
                server: { socket: /run/daypass.sock, mountDeadline: 110s, drain: 0s, maxRequestBytes: 65536 }
                http:
                  proxy: http://proxy.example:3128
                  noProxy: [10.0.0.0/8, .svc]
                  caFile: /etc/daypass/ca.pem
                  clientCertificate: { certificate: /etc/daypass/client.pem, key: /etc/daypass/client.key }
                  connectTimeout: 500ms
                """
        )
        #expect(
            configuration.identity
                == .serviceAccountTokens(
                    issuer: "https://cluster.example",
                    audience: "builds",
                    keys: .file("/etc/daypass/jwks.json"),
                    leeway: .seconds(60)
                )
        )
        #expect(configuration.server.socket == "/run/daypass.sock")
        #expect(configuration.server.mountDeadline == .seconds(110))
        #expect(configuration.server.drain == .zero)
        #expect(configuration.server.maxRequestBytes == 65536)
        #expect(configuration.http.proxy == .url("http://proxy.example:3128", bypass: ["10.0.0.0/8", ".svc"]))
        #expect(configuration.http.caFile == "/etc/daypass/ca.pem")
        #expect(configuration.http.clientCertificate?.certificate == "/etc/daypass/client.pem")
        #expect(configuration.http.clientCertificate?.key == "/etc/daypass/client.key")
        #expect(
            configuration.namedFiles.map { "\($0.purpose.rawValue) \($0.path)" } == [
                "identity.jwks.file /etc/daypass/jwks.json", "http.caFile /etc/daypass/ca.pem",
                "http.clientCertificate.certificate /etc/daypass/client.pem",
                "http.clientCertificate.key /etc/daypass/client.key",
            ]
        )
        #expect(configuration.http.connectTimeout == .milliseconds(500))
        #expect(try load(Self.yaml + "\nhttp: { proxy: none }").http.proxy == HTTPSettings.Proxy.none)
        let inCluster = try load(Self.yaml + "\nidentity: { issuer: https://c.example, leeway: 5m }")
        #expect(
            inCluster.identity
                == .serviceAccountTokens(
                    issuer: "https://c.example",
                    audience: "daypass",
                    keys: .cluster,
                    leeway: .seconds(300)
                )
        )
    }

    @Test func theDigestIsOfTheBytes() throws {
        #expect(try load(Self.yaml).digest == load(Self.yaml).digest)
        #expect(try load(Self.yaml + "\n").digest != load(Self.yaml).digest)
        // printf 'stores: { a: { kind: fake-registry, host: h } }' | sha256sum
        #expect(try load("stores: { a: { kind: fake-registry, host: h } }").digest == "952d9c16337c")
    }

    @Test func warnsOfWhatIsProbablyNotMeant() throws {
        let configuration = try load(
            """
            stores:
              a: { kind: fake-registry, host: a.example }
              b: { kind: fake-registry, host: b.example }
            grants:
              - name: all
                to: { namespace: "*", serviceAccount: "**" }
                store: a
                allow: { repositories: ["**"], actions: [pull] }
            identity: driver
            """
        )
        #expect(configuration.identity == .driver)
        #expect(
            configuration.warnings.map(\.description) == [
                "daypass.yaml:3:3: warning: stores.b: no grant names this store, so nobody gets its tokens; "
                    + "add a grant or remove it",
                "daypass.yaml:6:9: warning: grants[0].to: it is for every Pod of the cluster; "
                    + "name the namespaces and the service accounts that need it",
                "daypass.yaml:9:11: warning: identity: kubelet's word is believed: any tenant in any "
                    + "namespace may ask in the name of any Pod, unless the CSIDriver object has "
                    + "podInfoOnMount: true; whoever reaches the socket always may; "
                    + "prefer service account tokens: set tokenRequests in the CSIDriver object and remove this line",
            ]
        )
        for none in ["", "\ngrants:", "\ngrants: []"] {
            let warnings = try load("stores: { a: { kind: fake-registry, host: h } }" + none).warnings
            #expect(warnings.map(\.message) == ["there are no grants, so every request will be refused"])
            #expect(warnings.map(\.line) == [none.isEmpty ? 1 : 2])
        }
    }
}
