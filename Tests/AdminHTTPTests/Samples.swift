// A node on a busy day: what the pages are tried with.

import TokenStore

@testable import AdminHTTP
@testable import Leases

/// A time that does not go on.
struct StoppedClock: WallClock {
    let now = UTCInstant(rfc3339: "2026-11-24T14:03:22Z") ?? UTCInstant(epochSeconds: 0)
    var minimumResolution: Duration { .nanoseconds(1) }
    func sleep(until deadline: UTCInstant, tolerance: Duration?) async throws {}

    func text(_ seconds: Int) -> String { now.advanced(by: .seconds(seconds)).rfc3339 }
}

/// Text that wants to be markup, another line, or another name.
enum Hostile {
    static let texts = [
        "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='x", "a&lt;b&amp;c",
        "</td></table>",
        "one\r\nSet-Cookie: x", "tab\tnul\0", "\u{202E}drowssap", "zero\u{200B}width", "-->", "]]>", "</style>",
        "</title>",
    ]
}

enum Samples {
    static let clock = StoppedClock()

    static let configuration = ConfigurationStatus(
        file: "/config/node.yaml",
        digest: "510a39befa8e",
        stores: 3,
        grants: 5,
        appliedAt: clock.text(-3_000)
    )

    static let checks: [CheckResult] = [
        CheckResult(.configuration, .ok("digest 510a39befa8e")),
        CheckResult(.socket, .ok()),
        CheckResult(.keys, .ok("2 keys")),
        CheckResult(.journal, .ok()),
        CheckResult(
            .stores,
            .warning("1 of 3 stores can't be used: mirror: misconfigured: /etc/daypass/keys/mirror.pem can't be read")
        ),
    ]

    static func lease(
        _ number: Int,
        pod: String,
        namespace: String = "binder",
        store: String = "github",
        scope: String,
        state: String = "live",
        age: Int,
        expires: Int? = nil,
        refresh: Int? = nil,
        cause: String? = nil,
        tries: Int = 0,
        failure: String? = nil,
        isGivenUp: Bool = false
    ) -> LeaseSummary {
        LeaseSummary(
            id: "8a61f0c2de94b7" + String(10 + number),
            namespace: namespace,
            pod: pod,
            podUID: "5f2b1a52-0000-4f5e-9d6e-0000000000" + String(10 + number),
            serviceAccount: "builder",
            volume: "credentials",
            token: store == "push" ? "image" : "source",
            store: store,
            scope: scope,
            state: state,
            age: age,
            expires: expires.map(clock.text),
            refresh: refresh.map(clock.text),
            cause: cause,
            tries: tries,
            failure: failure,
            isGivenUp: isGivenUp,
            handle: nil
        )
    }

    static var leases: [LeaseSummary] {
        [
            lease(
                0,
                pod: "build-alice-2dthesis-4f1c9",
                scope: "alice/thesis contents:read",
                state: "revoking",
                age: 4_350,
                expires: 250,
                cause: "buildEnded",
                tries: 3,
                failure: "unavailable: api.github.com answered 502; tried again by itself"
            ),
            lease(
                1,
                pod: "build-our-2dorg-2dprivate-77aa0",
                scope: "our-org/private contents:read",
                state: "superseded",
                age: 3_100,
                expires: 500
            ),
            lease(
                2,
                pod: "build-our-2dorg-2dprivate-77aa0",
                scope: "our-org/private contents:read",
                age: 140,
                expires: 3_460,
                refresh: 2_170
            ),
            lease(
                3,
                pod: "build-our-2dorg-2dprivate-77aa0",
                store: "push",
                scope: "binder/our-2dorg-2dprivate pull,push",
                age: 139,
                expires: 43_000,
                refresh: 28_000
            ),
            lease(
                4,
                pod: "build-physics-2dlab-2dcourse-11b2e",
                scope: "physics-lab/course contents:read,packages:read",
                age: 1_260,
                expires: 2_340,
                refresh: 1_080
            ),
            lease(
                5,
                pod: "build-physics-2dlab-2dcourse-11b2e",
                store: "push",
                scope: "binder/physics-2dlab-2dcourse pull,push",
                age: 1_259,
                expires: 42_000,
                refresh: 27_000
            ),
            lease(
                6,
                pod: "runner-x7k2q-job-184",
                namespace: "gitlab-ci",
                scope: "our-org/deploy-tools contents:read",
                age: 610,
                expires: 2_990,
                refresh: 1_700
            ),
            lease(
                7,
                pod: "tekton-image-build-run-5-pod",
                namespace: "tekton-builds",
                store: "push",
                scope: "team/service pull,push",
                age: 95,
                expires: 43_100,
                refresh: 28_300
            ),
            lease(
                8,
                pod: "tekton-image-build-run-5-pod",
                namespace: "tekton-builds",
                scope: "team/service contents:read",
                age: 96,
                expires: 3_504,
                refresh: 2_220
            ),
            lease(
                9,
                pod: "kaniko-nightly-29411-zz81p",
                namespace: "nightly",
                store: "push",
                scope: "nightly/base pull,push",
                age: 31,
                expires: 43_169,
                refresh: 28_700
            ),
            lease(10, pod: "build-bob-2dplots-c04de", scope: "bob/plots contents:read", state: "intended", age: 1),
            lease(
                11,
                pod: "build-old-2dcourse-9e2d1",
                store: "push",
                scope: "binder/old-2dcourse pull,push",
                state: "revoking",
                age: 50_400,
                expires: 2_000,
                cause: "buildEnded",
                tries: 20,
                failure: "refused: the registry answers 403 for this account",
                isGivenUp: true
            ),
        ]
    }

    static func gate(_ store: String, _ change: (inout StoreGateStatus) -> Void = { _ in }) -> StoreGateStatus {
        var status = StoreGateStatus(store: store)
        change(&status)
        return status
    }

    static var inside: InsideStatus {
        var counts = LeaseCounts()
        counts.live = 8
        counts.intended = 1
        counts.superseded = 1
        counts.revoking = 2
        counts.givenUp = 1
        counts.oldestDebtSeconds = 840
        counts.minted = 214
        counts.mintsFailed = 3
        counts.revoked = 201
        counts.servedStale = 1
        return InsideStatus(
            keys: InsideStatus.Keys(
                location: "https://10.96.0.1:443/openid/v1/jwks",
                issuer: "https://kubernetes.default.svc.cluster.local",
                count: 2,
                fetchedAt: clock.text(-1_500),
                failure: nil
            ),
            stores: [
                InsideStatus.Store(
                    name: "github",
                    kind: "github-app",
                    failure: nil,
                    gate: gate("github") { $0.running = 2 }
                ),
                InsideStatus.Store(
                    name: "push",
                    kind: "aws-ecr",
                    failure: nil,
                    gate: gate("push") {
                        $0.pausedUntil = clock.text(35)
                        $0.waiting = 4
                    }
                ),
                InsideStatus.Store(
                    name: "mirror",
                    kind: "github-app",
                    failure: "misconfigured: /etc/daypass/keys/mirror.pem can't be read; mount the key there",
                    gate: gate("mirror")
                ),
            ],
            leases: leases,
            counts: counts,
            refusals: [
                refusal(
                    "NotGranted",
                    2,
                    -40,
                    -130,
                    "build-eve-2dprivate-30f1a",
                    "no grant gives binder/builder \"contents: read\" of \"other-org/secret\" in store github; grants that name "
                        + "this account: binder-clone allows our-org/*, alice/*"
                ),
                refusal(
                    "StoreMisconfigured",
                    1,
                    -610,
                    -610,
                    "build-mirror-2dtest-7c1bb",
                    "store mirror: /etc/daypass/keys/mirror.pem can't be read; mount the key there"
                ),
                refusal(
                    "ParameterMalformed",
                    9,
                    -2_400,
                    -3_100,
                    "build-typo-00a1c",
                    "tokens, line 2: unknown key \"repositry\"; did you mean \"repository\"?"
                ),
            ],
            detectors: [
                InsideStatus.Detector(name: "pods", isWatching: true, note: "last list at \(clock.text(-70))"),
                InsideStatus.Detector(name: "paths", isWatching: false, note: "the kubelet's directory is not visible"),
            ]
        )
    }

    private static func refusal(
        _ reason: String,
        _ count: Int,
        _ at: Int,
        _ first: Int,
        _ pod: String,
        _ text: String
    ) -> InsideStatus.Refused {
        InsideStatus.Refused(
            at: clock.text(at),
            firstAt: clock.text(first),
            count: count,
            reason: reason,
            text: "\(reason): \(text)",
            namespace: "binder",
            pod: pod
        )
    }

    static var report: StatusReport {
        StatusReport(
            node: "worker-3.pool-builds",
            version: "0.1.0",
            phase: DaemonPhase.serving.text,
            isReady: true,
            startedAt: clock.text(-90_000),
            now: clock.now.rfc3339,
            configuration: configuration,
            checks: checks,
            inside: inside
        )
    }
}
