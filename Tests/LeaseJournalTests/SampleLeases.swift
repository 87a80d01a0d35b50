// Leases for tests: one that is easy to read, and random ones.

import Leases
import TokenStore

enum SampleLeases {
    /// What no file may hold in the clear.
    static let marks = ["SECRET-MARK", "HANDLE-MARK", "HANDLE-ID", "USER-MARK"]

    /// A live lease with a token of these marks.
    static func live(_ number: UInt64, state: LeaseState = .live, secret: String = "SECRET-MARK") -> LeaseRecord {
        let at = Moment(wall: UTCInstant(epochSeconds: 1_767_225_600), steady: .seconds(100))
        let scope = TokenScope(repositories: ["our-org/repo-\(number)"], permissions: ["contents": .read])
        let subject = Subject(
            namespace: "binder",
            serviceAccount: "builder",
            podName: "build-\(number)",
            podUID: "uid-\(number)"
        )
        let token = IssuedToken(
            username: "USER-MARK",
            secret: Secret(utf8: "\(secret)-\(number)"),
            expiresAt: UTCInstant(epochSeconds: 1_767_229_200),
            grantedScope: scope,
            handle: RevocationHandle(identifier: "HANDLE-ID", secret: Secret(utf8: "HANDLE-MARK"))
        )
        return LeaseRecord(
            id: LeaseID(number),
            key: LeaseKey(podUID: "uid-\(number)", volume: "creds", token: "source", store: "github", scope: scope),
            subject: subject,
            targetPath: "/var/lib/kubelet/pods/uid-\(number)/volumes/kubernetes.io~csi/creds/mount",
            intendedAt: at,
            state: state,
            token: token,
            issuedAt: at,
            life: .seconds(3600),
            refreshAfter: .seconds(2400)
        )
    }

    /// A lease that waits for its token.
    static func intended(_ number: UInt64) -> LeaseRecord {
        let live = live(number)
        return LeaseRecord(
            id: live.id,
            key: live.key,
            subject: live.subject,
            targetPath: live.targetPath,
            intendedAt: live.intendedAt
        )
    }

    /// A lease of any kind, with texts that try the columns.
    static func random(_ random: inout some RandomNumberGenerator) -> LeaseRecord {
        let state = LeaseState.allCases.randomElement(using: &random) ?? .live
        let waits = state == .intended || state == .lost
        return LeaseRecord(
            id: LeaseID(UInt64.random(in: .min ... .max, using: &random)),
            key: LeaseKey(
                podUID: text(&random),
                volume: text(&random),
                token: text(&random),
                store: text(&random),
                origin: text(&random),
                scope: scope(&random)
            ),
            subject: Subject(
                namespace: text(&random),
                serviceAccount: text(&random),
                podName: text(&random),
                podUID: text(&random)
            ),
            targetPath: text(&random),
            intendedAt: moment(&random),
            state: state,
            token: waits && Bool.random(using: &random) ? nil : token(&random),
            issuedAt: waits ? nil : moment(&random),
            life: duration(&random),
            refreshAfter: duration(&random),
            endedAt: Bool.random(using: &random) ? moment(&random) : nil,
            cause: Bool.random(using: &random) ? RevocationCause.allCases.randomElement(using: &random) : nil
        )
    }

    private static let pieces = [
        "a", "Z", "0", " ", "'", "\"", "\\", "\\0", "\0", "\n", "\t", "/", "%", "ä", "é", "e\u{301}", "日本", "🧪",
        "\u{202E}", "\u{FEFF}", "\u{10FFFF}", "NULL", ";--",
    ]

    static func text(_ random: inout some RandomNumberGenerator) -> String {
        (0..<Int.random(in: 0...6, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }.joined()
    }

    private static func bytes(_ random: inout some RandomNumberGenerator) -> Secret {
        Secret((0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) })
    }

    private static func scope(_ random: inout some RandomNumberGenerator) -> TokenScope {
        TokenScope(
            repositories: (0..<Int.random(in: 0...3, using: &random)).map { _ in text(&random) },
            permissions: Dictionary(
                (0..<Int.random(in: 0...3, using: &random)).map { _ in
                    (text(&random), AccessLevel.allCases.randomElement(using: &random) ?? .read)
                },
                uniquingKeysWith: { first, _ in first }
            ),
            actions: Set(RegistryAction.allCases.filter { _ in Bool.random(using: &random) })
        )
    }

    static func duration(_ random: inout some RandomNumberGenerator) -> Duration {
        switch Int.random(in: 0...5, using: &random) {
        case 0: .zero
        case 1: .seconds(Int64.random(in: -10_000_000_000...10_000_000_000, using: &random))
        case 2: .nanoseconds(Int64.random(in: .min ... .max, using: &random))
        case 3: Duration(attoseconds: Int128(Int64.random(in: .min ... .max, using: &random)))
        case 4: .seconds(Double.random(in: 0...2_000_000_000, using: &random))
        default: .seconds(Int64.max) + .nanoseconds(1)
        }
    }

    private static func moment(_ random: inout some RandomNumberGenerator) -> Moment {
        Moment(wall: UTCInstant(sinceEpoch: duration(&random)), steady: duration(&random))
    }

    private static func token(_ random: inout some RandomNumberGenerator) -> IssuedToken {
        IssuedToken(
            username: text(&random),
            secret: bytes(&random),
            expiresAt: Bool.random(using: &random) ? UTCInstant(sinceEpoch: duration(&random)) : nil,
            grantedScope: scope(&random),
            handle: Bool.random(using: &random)
                ? RevocationHandle(
                    identifier: text(&random),
                    secret: Bool.random(using: &random) ? bytes(&random) : nil
                )
                : nil
        )
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same numbers in every run.
struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
