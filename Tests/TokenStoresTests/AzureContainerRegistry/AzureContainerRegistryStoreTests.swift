// Azure Container Registry: three calls, the scope that comes back, and what goes wrong.

import LoopbackCluster
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting
import TokenStores

@Suite struct AzureContainerRegistryStoreTests {
    let clock = ManualClock()
    let subjects: SubjectTokens
    let azure: LoopbackAzure

    init() throws {
        subjects = try Federated.subjects.get()
        let clock = clock
        azure = LoopbackAzure(Self.setup(), subjects: subjects, now: { clock.now })
    }

    private static func setup() -> LoopbackAzure.Setup {
        var setup = LoopbackAzure.Setup()
        setup.rights = ["team/app": ["pull", "push"], "team/base": ["pull", "push"]]
        return setup
    }

    static func settings(
        _ change: (inout AzureContainerRegistrySettings) -> Void = { _ in }
    ) -> AzureContainerRegistrySettings {
        let setup = LoopbackAzure.Setup()
        var settings = AzureContainerRegistrySettings(
            registry: "Ours.azurecr.io",
            tenantID: setup.tenant,
            clientID: setup.client
        )
        change(&settings)
        return settings
    }

    private func store(
        _ settings: AzureContainerRegistrySettings = settings()
    ) throws -> (AzureContainerRegistryStore, FederatedTransport) {
        let http = FederatedTransport(azure.handle)
        let store = try AzureContainerRegistryStore(settings: settings, context: Federated.context(http, clock: clock))
        return (store, http)
    }

    private func request(
        _ repositories: [String] = ["team/app"],
        _ actions: Set<RegistryAction> = [.pull, .push],
        audience: String = "api://AzureADTokenExchange"
    ) throws -> TokenRequest {
        let token = try subjects.token(audience: audience, at: clock.now)
        return Federated.request(TokenScope(repositories: repositories, actions: actions), token)
    }

    @Test func makesThreeCalls() async throws {
        let (store, http) = try store()
        let request = try request(["team/base", "team/app"])
        let token = try await store.issue(request)
        let setup = azure.setup
        #expect(
            http.lines == [
                "POST https://login.microsoftonline.com/\(setup.tenant)/oauth2/v2.0/token",
                "POST https://ours.azurecr.io/oauth2/exchange", "POST https://ours.azurecr.io/oauth2/token",
            ]
        )
        let jwt = try #require(request.subjectToken).revealText()
        #expect(
            http.form(0) == [
                "client_id=\(setup.client)", "scope=https%3A%2F%2Fcontainerregistry.azure.net%2F.default",
                "grant_type=client_credentials",
                "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer",
                "client_assertion=\(jwt)",
            ]
        )
        #expect(
            http.form(1).dropLast() == ["grant_type=access_token", "service=ours.azurecr.io", "tenant=\(setup.tenant)"]
        )
        // One scope field for each repository.
        #expect(
            http.form(2).dropLast() == [
                "grant_type=refresh_token", "service=ours.azurecr.io",
                "scope=repository%3Ateam%2Fapp%3Apull%2Cpush", "scope=repository%3Ateam%2Fbase%3Apull%2Cpush",
            ]
        )
        #expect(http.calls.allSatisfy { $0.authorization == nil })
        #expect(token.username == "00000000-0000-0000-0000-000000000000")
        #expect(token.secret.revealText() == azure.minted.last)
        #expect(token.expiresAt == clock.now.advanced(by: .seconds(3600)))
        #expect(token.grantedScope == request.scope)
        #expect(token.handle == nil)
    }

    @Test func aNarrowerGrantIsRefusedByName() async throws {
        azure.setup.rights["team/base"] = ["pull"]
        let (store, _) = try store()
        let error = try await Federated.refusal(store, try request(["team/app", "team/base", "team/other"]))
        #expect(error.code == .refused)
        #expect(
            error.message
                == "ours.azurecr.io granted less than was asked for; missing: team/base:push team/other:pull,push"
        )
        #expect(error.tokenMayExist)
        #expect(azure.minted.count == 1)
    }

    @Test(arguments: [["team/app": ["delete"]], ["team/secret": ["pull"]]] as [[String: Set<String>]])
    func aWiderGrantIsRefused(added: [String: Set<String>]) async throws {
        azure.setup.added = added
        let (store, _) = try store()
        let error = try await Federated.refusal(store, try request())
        #expect(error.code == .malformedAnswer)
        #expect(error.message == "the new token of ours.azurecr.io reaches more than was asked for")
    }

    @Test(arguments: [
        ("signature", "refused: Entra can't verify the Pod's token (HTTP 401, AADSTS50027)", 1),
        (
            "audience", "refused: Entra has no federated credential that fits the Pod's token (HTTP 401, AADSTS700212)",
            1
        ),
        ("subject", "refused: Entra has no federated credential that fits the Pod's token (HTTP 401, AADSTS700213)", 1),
        (
            "expired",
            "misconfigured: Entra finds the times of the Pod's token not acceptable (HTTP 401, AADSTS700024)", 1
        ),
        ("tenant", "misconfigured: Entra knows no such application or tenant (HTTP 400, AADSTS90002)", 1),
        ("client", "misconfigured: Entra knows no such application or tenant (HTTP 400, AADSTS700016)", 1),
        ("scope", "misconfigured: Entra does not know the scope (HTTP 400, AADSTS500011)", 1),
        ("service", "refused: the registry does not take the call to exchange Entra's token (HTTP 400)", 2),
        ("network", "refused: the registry forbids to exchange Entra's token (HTTP 403); allow this node's address", 2),
        ("rights", "refused: ours.azurecr.io does not let the identity issue a token for team/app (HTTP 401); give", 3),
    ])
    func explainsEachRefusal(what: String, text: String, calls: Int) async throws {
        var request = try request()
        var settings = Self.settings()
        switch what {
        case "signature":
            let token = PodToken(for: SubjectTokens.subject, audience: azure.setup.audience, at: clock.now)
            request.subjectToken = Secret(utf8: try subjects.issuer.sign(token, .unsigned))
        case "audience": request = try self.request(audience: "daypass")
        case "subject": azure.setup.subject = "system:serviceaccount:binder:other"
        case "expired": clock.advance(by: .seconds(4000))
        case "tenant": settings.tenantID = "contoso.example"
        case "client": settings.clientID = "33333333-3333-3333-3333-333333333333"
        case "scope": settings.entraScope = "https://vault.azure.net/.default"
        case "service": azure.setup.registry = "other.azurecr.io"
        case "network": azure.setup.letsIn = false
        default: azure.setup.rights = [:]
        }
        let (store, http) = try store(settings)
        let error = try await Federated.refusal(store, request)
        #expect("\(error)".hasPrefix(text), "\(error)")
        #expect(!error.fix.isEmpty)
        #expect(http.calls.count == calls)
        #expect(azure.minted.isEmpty)
        let shown = try #require(request.subjectToken).revealText()
        #expect(!"\(error)".contains(shown))
    }

    @Test func aTokenThatTellsNothingIsRefused() async throws {
        let http = ScriptedTransport()
        http.then(200, json: #"{"access_token":"entra-token"}"#)
        http.then(200, json: #"{"refresh_token":"refresh-token"}"#)
        http.then(200, json: #"{"access_token":"opaque"}"#)
        let store = try AzureContainerRegistryStore(
            settings: Self.settings(),
            context: Federated.context(http, clock: clock)
        )
        let error = try await Federated.refusal(store, try request())
        #expect(error.code == .malformedAnswer)
        #expect(error.tokenMayExist)
    }

    @Test func refusesWhatARegistryTokenCantHave() async throws {
        let (store, http) = try store()
        let token = try subjects.token(audience: azure.setup.audience, at: clock.now)
        for scope in [
            TokenScope(repositories: ["team/app"], permissions: ["contents": .read]),
            TokenScope(repositories: ["team/app:pull,push team/x"], actions: [.pull]),
            TokenScope(repositories: ["Team/App"], actions: [.pull]),
        ] {
            #expect(try await Federated.refusal(store, Federated.request(scope, token)).code == .refused)
        }
        #expect(http.calls.isEmpty)
    }

    @Test(arguments: [
        ("ours.azurecr.io", "api://AzureADTokenExchange", "https://login.microsoftonline.com", "net"),
        ("ours.azurecr.cn", "api://AzureADTokenExchangeChina", "https://login.partner.microsoftonline.cn", "cn"),
        ("ours.azurecr.us", "api://AzureADTokenExchangeUSGov", "https://login.microsoftonline.us", "us"),
    ])
    func eachCloudHasItsAddresses(registry: String, audience: String, authority: String, top: String) async throws {
        azure.setup.registry = registry
        azure.setup.audience = audience
        azure.setup.scope = "https://containerregistry.azure.\(top)/.default"
        let settings = Self.settings { $0.registry = registry }
        #expect(AzureContainerRegistryStore.subjectTokenAudience(for: settings) == audience)
        let (store, http) = try store(settings)
        _ = try await store.issue(try request(audience: audience))
        #expect(http.lines[0].hasPrefix("POST \(authority)/"))
        #expect(http.lines[1] == "POST https://\(registry)/oauth2/exchange")
    }

    typealias Change = @Sendable (inout AzureContainerRegistrySettings) -> Void
    private static let wrong: [(Change, String)] = [
        ({ $0.registry = "https://ours.azurecr.io" }, "registry is no host name"),
        ({ $0.registryURL = "http://ours.azurecr.io" }, "registryURL can't be used"),
        ({ $0.authorityURL = "login.example" }, "authorityURL can't be used"),
        ({ $0.tenantID = "../common" }, "tenantID is no id"), ({ $0.tenantID = "" }, "tenantID is no id"),
        ({ $0.clientID = "a b" }, "clientID is no id"), ({ $0.entraScope = "" }, "entraScope is empty"),
        ({ $0.audience = "a\nb" }, "audience is empty, longer"),
    ]

    @Test(arguments: wrong.indices) func refusesSettings(index: Int) {
        let (change, text) = Self.wrong[index]
        let complaint = Federated.complaint(AzureContainerRegistryStore.self, Self.settings(change))
        #expect(complaint.hasPrefix(text), "\(complaint)")
    }

    @Test func keepsTheContract() async throws {
        let azure = LoopbackAzure(Self.setup(), subjects: subjects)
        let token = try subjects.token(audience: azure.setup.audience)
        try await Federated.overHTTP(azure.handle) { url, http in
            let suite = TokenStoreCompatibilitySuite(
                AzureContainerRegistryStore.self,
                settings: Self.settings {
                    $0.authorityURL = url
                    $0.registryURL = url
                },
                context: Federated.context(http),
                request: Federated.request(
                    TokenScope(repositories: ["team/app"], actions: [.pull, .push]),
                    token
                )
            )
            #expect(await suite.violations() == [])
        }
    }
}
