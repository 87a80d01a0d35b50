// A Mount service with everything real but the token store, and calls as the driver makes them.

import Crypto
import DriverCall
import Identity
import Leases
import Logging
import LoopbackCluster
import MountService
import Policy
import ProviderAPI
import Refusals
import Rendering
import Support
import SwiftProtobuf
import Synchronization
import Testing
import TokenStore
import TokenStoreTesting

/// A store that counts, and answers as a test wants.
final class CountingStore: TokenStore {
    struct Settings: Decodable, Sendable {}
    static let kind = "counting"
    static let capabilities = StoreCapabilities(
        credentials: [.nodeCredential],
        reach: .exact,
        life: .fixed("1 hour"),
        revocation: .supported("at once")
    )
    static func service(for settings: Settings) throws(TokenStoreError) -> TokenService { TokenService() }

    /// What the store does with a request; the number counts from 1.
    typealias Behaviour = @Sendable (Int, TokenRequest) async throws(TokenStoreError) -> IssuedToken

    private let clock: ManualClock
    private let state = Mutex<(requests: [TokenRequest], revoked: [String], behaviour: Behaviour?)>(([], [], nil))

    init(clock: ManualClock) { self.clock = clock }
    convenience init(settings: Settings, context: TokenStoreContext) throws(TokenStoreError) {
        self.init(clock: ManualClock())
    }

    /// All requests so far.
    var requests: [TokenRequest] { state.withLock { $0.requests } }
    /// The handles of all tokens that were revoked.
    var revoked: [String] { state.withLock { $0.revoked } }
    /// What to do from now on.
    func behave(_ behaviour: @escaping Behaviour) { state.withLock { $0.behaviour = behaviour } }

    func issue(_ request: TokenRequest) async throws(TokenStoreError) -> IssuedToken {
        let (number, behaviour) = state.withLock { state in
            state.requests.append(request)
            return (state.requests.count, state.behaviour)
        }
        if let behaviour { return try await behaviour(number, request) }
        return token(number, request)
    }

    /// The token of the nth request; its handle is "token-n".
    func token(_ number: Int, _ request: TokenRequest) -> IssuedToken {
        IssuedToken(
            username: "x-access-token",
            secret: Secret(utf8: "\(MountFixture.secretMark)-\(number)"),
            expiresAt: clock.now.advanced(by: .seconds(3600)),
            grantedScope: request.scope,
            handle: RevocationHandle(identifier: "token-\(number)")
        )
    }

    func revoke(_ handle: RevocationHandle) async throws(TokenStoreError) {
        state.withLock { $0.revoked.append(handle.identifier) }
    }
}

/// The parts of one test.
struct MountFixture: Sendable {
    /// Begins every token of the store; nothing that is printed may hold it.
    static let secretMark = "ghs_TOPSECRET"

    let clock: ManualClock
    let store: CountingStore
    let issuer: ServiceAccountIssuer
    let service: MountService
    let log: CollectedLog
    let leases: LeaseManager
    let journal: MemoryJournal
    let policy: NodePolicy
    /// How the Mounts ended, in order.
    let outcomes: Box<[MountOutcome]>
    /// The refusals that were told of, in order.
    let refusals: Box<[ToldRefusal]>
    let versioner = ObjectVersioner(key: SymmetricKey(size: .bits256))

    /// One for all tests: its keys take a while to make.
    private static let issuers = Result { try ServiceAccountIssuer() }

    static let parameters = [
        "tokens": """
        - { name: source, store: github, repository: "${repository}", permissions: { contents: "${level}" } }
        """,
        "files": """
        - { path: .gitconfig, format: gitconfig, tokens: [source] }
        - { path: git-credential, format: git-credential, tokens: [source] }
        """,
    ]

    static func build(_ number: Int = 1, namespace: String = "binder") -> Subject {
        Subject(
            namespace: namespace,
            serviceAccount: "builder",
            podName: "build-\(number)",
            podUID: "5f2b1a52-0000-4f5e-9d6e-00000000000\(number)"
        )
    }

    /// The attributes of a Pod that builds `our-org/app`.
    func attributes(
        _ subject: Subject = Self.build(),
        parameters: [String: String] = Self.parameters,
        volume: [String: String] = ["repository": "https://github.com/our-org/app", "level": "read"],
        token: String? = nil,
        others: [(audience: String, token: String)] = []
    ) throws -> DriverAttributes {
        let end = clock.now.advanced(by: .seconds(3600))
        let signed = try token ?? issuer.sign(PodToken(for: subject, at: clock.now))
        return DriverAttributes(
            subject: subject,
            parameters: parameters,
            volumeAttributes: volume,
            tokens: (signed.isEmpty ? [] : [.init(audience: "daypass", token: signed, expiresAt: end)])
                + others.map { .init(audience: $0.audience, token: $0.token, expiresAt: end) }
        )
    }

    /// The bytes of a call.
    func message(_ attributes: DriverAttributes) throws -> [UInt8] {
        try V1alpha1_MountRequest.with {
            $0.attributes = attributes.json
            $0.secrets = "null"
            $0.permission = "420"
            $0.targetPath = attributes.targetPath(volume: "credentials")
        }.serializedBytes()
    }

    /// Makes a call and waits for its answer.
    func mount(_ attributes: DriverAttributes, deadline: Duration? = nil) async throws -> Result<[UInt8], Refusal> {
        let caller = deadline.map { ContinuousClock.now + $0 }
        switch service.mount(try message(attributes), callerDeadline: caller) {
        case .now(let result): return result
        case .later(let work): return await work()
        }
    }

    /// The refusal of a call; `nil` when it was answered.
    func refusal(_ attributes: DriverAttributes) async throws -> Refusal? {
        if case .failure(let refusal) = try await mount(attributes) { return refusal }
        return nil
    }

    /// Runs `body` with a service.
    static func with(
        _ grants: [Grant]? = nil,
        driverIdentity: Bool = false,
        deadline: Duration = .seconds(25),
        subjectTokenAudience: String? = nil,
        lifetime: Duration? = nil,
        _ body: @Sendable (MountFixture) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let issuer = try Self.issuers.get()
        let log = CollectedLog()
        let logger = log.logger
        let store = CountingStore(clock: clock)
        let git = try GitServer(webURL: "https://github.com", namesIgnoreCase: true)
        let configured = ConfiguredStore(
            name: "github",
            kind: "counting",
            service: TokenService(git: git),
            lifetime: lifetime,
            subjectTokenAudience: subjectTokenAudience
        ) { _ in store }
        let verifier = TokenVerifier(
            audience: "daypass",
            leeway: .seconds(30),
            keys: IssuerKeySource(issuer: issuer),
            clock: clock,
            logger: logger
        )
        let standard = Grant(
            name: "binder-clone",
            namespace: try Glob("binder"),
            serviceAccount: try Glob("builder"),
            store: "github",
            repositories: [try Glob("our-org/*")],
            permissions: ["contents": .read]
        )
        let policy = NodePolicy(
            stores: [
                StoreFacts(
                    name: "github",
                    service: configured.service,
                    subjectTokenAudience: subjectTokenAudience
                )
            ],
            grants: grants ?? [standard]
        )
        let room = StoreRoom([configured]) { name in
            TokenStoreContext(
                name: name,
                clock: clock,
                http: ScriptedTransport(),
                secrets: FixedSecrets(),
                logger: logger
            )
        }
        let journal = MemoryJournal()
        var leaseParts = LeaseManager.Parts(
            clock: .manual(clock),
            journal: journal,
            sources: room,
            gates: .manual(clock),
            logger: logger
        )
        leaseParts.random = { 0 }
        try await withLeaseManager(leaseParts) { leases in
            var parts = MountService.Parts(
                identity: driverIdentity ? .driver : .serviceAccountToken(verifier),
                audience: "daypass",
                policy: policy,
                leases: leases,
                clock: clock,
                versioner: ObjectVersioner(key: SymmetricKey(size: .bits256)),
                deadline: deadline,
                logger: logger
            )
            let outcomes = Box<[MountOutcome]>([])
            parts.observe = { outcome, took in
                outcomes.update { $0.append(outcome) }
                if took < .zero { Issue.record("a Mount took \(took)") }
            }
            let refusals = Box<[ToldRefusal]>([])
            parts.notices = RefusalCollector(refusals: refusals)
            let service = MountService(parts)
            try await body(
                MountFixture(
                    clock: clock,
                    store: store,
                    issuer: issuer,
                    service: service,
                    log: log,
                    leases: leases,
                    journal: journal,
                    policy: policy,
                    outcomes: outcomes,
                    refusals: refusals
                )
            )
        }
    }
}

/// A refusal as others are told of it.
struct ToldRefusal: Sendable {
    let reason: Reason
    let isProved: Bool
}

/// Collects the refusals that are told of.
private struct RefusalCollector: MountNotices {
    let refusals: Box<[ToldRefusal]>

    func answered(_ subject: Subject, volume: String) {}
    func servedStale(_ subject: Subject, store: String, failure: String) {}
    func refused(_ refusal: Refusal, _ claimed: Subject, isProved: Bool) {
        refusals.update { $0.append(ToldRefusal(reason: refusal.reason, isProved: isProved)) }
    }
}

/// The keys of an issuer, without a file.
private struct IssuerKeySource: KeySource {
    let issuer: ServiceAccountIssuer
    var location: String { "the test" }
    func fetch() async throws(Refusal) -> JWKSDocument {
        do { return JWKSDocument(issuer: issuer.name, jwks: try issuer.jwks()) } catch {
            throw Refusal(.keysUnavailable, "\(error)")
        }
    }
}
