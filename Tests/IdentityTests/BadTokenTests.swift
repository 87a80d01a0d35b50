// Tokens that must be refused, each with the text that a user reads.

import Identity
import LoopbackCluster
import Refusals
import Testing
import TokenStore
import TokenStoreTesting

struct BadToken: Sendable, CustomTestStringConvertible {
    let name: String
    let refusal: String
    let signing: TokenSigning
    let change: @Sendable (inout PodToken) -> Void

    init(
        _ name: String,
        _ refusal: String,
        _ signing: TokenSigning = .rs256,
        _ change: @escaping @Sendable (inout PodToken) -> Void = { _ in }
    ) {
        self.name = name
        self.refusal = refusal
        self.signing = signing
        self.change = change
    }

    var testDescription: String { name }

    static let table: [BadToken] = [
        BadToken(
            "another audience",
            """
            TokenRejected: the service account token is for audience "vault", not "daypass"; ask for audience "daypass" \
            in tokenRequests of the CSIDriver object
            """
        ) { $0.audiences = ["vault"] },
        BadToken(
            "no audience",
            """
            TokenRejected: the service account token is for audience (none), not "daypass"; ask for audience "daypass" \
            in tokenRequests of the CSIDriver object
            """
        ) { $0.audiences = [] },
        BadToken(
            "another issuer",
            """
            TokenRejected: the service account token is of issuer "https://elsewhere.example", not \
            "https://kubernetes.default.svc.cluster.local"; if it is this cluster's token, set identity.issuer in Daypass's \
            configuration
            """
        ) { $0.issuer = "https://elsewhere.example" },
        BadToken(
            "the issuer with a slash more",
            """
            TokenRejected: the service account token is of issuer "https://kubernetes.default.svc.cluster.local/", not \
            "https://kubernetes.default.svc.cluster.local"; if it is this cluster's token, set identity.issuer in Daypass's \
            configuration
            """
        ) { $0.issuer = "https://kubernetes.default.svc.cluster.local/" },
        BadToken(
            "expired",
            """
            TokenExpired: the service account token ended at 2025-12-31T23:59:30Z, now is 2026-01-01T00:00:00Z; kubelet \
            sends a new one with its next call; if that is as old, the node's clock is wrong
            """
        ) { $0.expiresAt = UTCInstant(epochSeconds: 1_767_225_570) },
        BadToken(
            "without an end",
            "TokenExpired: the service account token has no end (no claim exp); \(Fixture.origin)"
        ) {
            $0.expiresAt = nil
        },
        BadToken(
            "not yet valid",
            """
            TokenExpired: the service account token counts from 2026-01-01T00:00:31Z (nbf), now is \
            2026-01-01T00:00:00Z; set the clocks of this node and of the API server
            """
        ) { $0.notBefore = UTCInstant(epochSeconds: 1_767_225_631) },
        BadToken(
            "made in the future",
            """
            TokenExpired: the service account token counts from 2026-01-01T00:00:31Z (iat), now is \
            2026-01-01T00:00:00Z; set the clocks of this node and of the API server
            """
        ) { $0.issuedAt = UTCInstant(epochSeconds: 1_767_225_631) },
        BadToken(
            "of no Pod",
            """
            TokenNotForPod: the service account token of "binder/builder" is bound to no Pod; only tokens that kubelet \
            gets through tokenRequests of the CSIDriver object prove a Pod; those of kubectl create token and of Secrets \
            do not
            """
        ) { $0.isPodBound = false },
        BadToken(
            "of a Pod without a UID",
            """
            TokenNotForPod: the service account token of "binder/builder" is bound to no Pod; only tokens that kubelet \
            gets through tokenRequests of the CSIDriver object prove a Pod; those of kubectl create token and of Secrets \
            do not
            """
        ) { $0.subject.podUID = "" },
        BadToken(
            "sub of another account",
            """
            TokenRejected: the service account token's sub is "system:serviceaccount:binder:admin", its kubernetes.io \
            claims say "system:serviceaccount:binder:builder"
            """
        ) { $0.sub = "system:serviceaccount:binder:admin" },
        BadToken(
            "sub of a user",
            """
            TokenRejected: the service account token's sub is "alice", its kubernetes.io claims say \
            "system:serviceaccount:binder:builder"
            """
        ) { $0.sub = "alice" },
        BadToken(
            "alg none",
            """
            TokenRejected: the service account token is not signed (alg "none"); only RS256 and ES256 are accepted; \
            \(Fixture.origin)
            """,
            .unsigned
        ),
        BadToken(
            "HMAC with the public key",
            """
            TokenRejected: the service account token is signed with another algorithm (alg "HS256"); only RS256 and \
            ES256 are accepted; \(Fixture.origin)
            """,
            .hmacWithPublicKey
        ),
        BadToken(
            "unknown kid",
            """
            TokenRejected: the service account token is signed with key "unknown-key", which is not among the \
            cluster's keys (2 from memory, read 2026-01-01T00:00:00Z); \(Fixture.origin)
            """,
            .unknownKey
        ),
        BadToken(
            "no kid",
            """
            TokenMalformed: the service account token does not say which key signed it (no kid in its header); \
            \(Fixture.origin)
            """,
            .noKeyID
        ),
        BadToken(
            "crit header",
            "TokenMalformed: the service account token has a header with crit, which is not accepted; \(Fixture.origin)",
            .critical
        ),
    ]
}

@Suite struct BadTokenTests {
    @Test(arguments: BadToken.table) func isRefused(_ bad: BadToken) async throws {
        let bench = try Bench()
        let token = try bench.token(bad.signing, bad.change)
        #expect(await bench.refusal(of: token) == bad.refusal)
        #expect(bench.verifier.remembered(token) == nil)
        // The synchronous way, now that keys are known, says the same.
        #expect(throws: Refusal.self) { _ = try bench.verifier.verifyIfKeysKnown(token) }
    }

    @Test func theRightTokenIsAccepted() async throws {
        for signing in [TokenSigning.rs256, .es256] {
            let bench = try Bench()
            let verified = try await bench.verifier.verify(bench.token(signing))
            #expect(verified.subject == Fixture.subject)
            #expect(verified.nodeName == "node-1")
            #expect(verified.expiresAt == bench.clock.now.advanced(by: .seconds(3600)))
        }
    }

    @Test func aTokenForSeveralAudiencesIsAccepted() async throws {
        let bench = try Bench()
        let token = try bench.token { $0.audiences = ["vault", "daypass"] }
        #expect(try await bench.verifier.verify(token).subject == Fixture.subject)
    }

    @Test func aConfiguredIssuerOverridesTheSource() async throws {
        let bench = try Bench(expecting: "https://oidc.example/cluster")
        let right = try bench.token { $0.issuer = "https://oidc.example/cluster" }
        #expect(try await bench.verifier.verify(right).subject == Fixture.subject)
        #expect(await bench.refusal(of: try bench.token()).contains("not \"https://oidc.example/cluster\""))
    }

    @Test func aKeyIsUsedForItsOwnAlgorithmOnly() async throws {
        let bench = try Bench()
        let refusal = await bench.refusal(of: try bench.token(.otherKeyID))
        #expect(refusal.hasPrefix("TokenRejected: the service account token says it is signed by ES256 with key "))
        #expect(refusal.contains("which is a key for RS256"))
        #expect(bench.source.fetches == 1)
    }

    @Test func aForgedSignatureIsRefused() async throws {
        let bench = try Bench()
        let refusal = await bench.refusal(of: try bench.token(.forgedKeyID))
        #expect(refusal.hasPrefix("TokenRejected: the service account token's signature is not that of key "))
    }

    @Test(arguments: [TokenSigning.rs256, .es256]) func changedClaimsAreRefused(_ signing: TokenSigning) async throws {
        let bench = try Bench()
        let parts = try bench.token(signing).revealText().split(separator: ".")
        let others = try bench.token(signing) { $0.subject.podUID = "other" }.revealText().split(separator: ".")
        let mixed = Secret(utf8: "\(parts[0]).\(others[1]).\(parts[2])")
        #expect(await bench.refusal(of: mixed).contains("signature is not that of key"))
        let cut = Secret(utf8: "\(parts[0]).\(parts[1]).\(parts[2].prefix(80))")
        #expect(await bench.refusal(of: cut).contains("signature is not that of key"))
        let unsigned = Secret(utf8: "\(parts[0]).\(parts[1]).")
        #expect(await bench.refusal(of: unsigned).contains("signature is not that of key"))
    }

    @Test(arguments: [
        ("", "is empty"),
        ("abc", "is no JSON Web Token: it has 1 part, not 3"),
        ("a.b", "is no JSON Web Token: it has 2 parts, not 3"),
        ("a.b.c.d", "is no JSON Web Token: it has 4 parts, not 3"),
        ("a+b=.e30.", "has a header that is no base64url"),
        ("e30.e3!.", "has claims that are no base64url"),
        ("e30.e30.x", "has a signature that is no base64url"),
        ("e30.e30.", "has a header that is no JSON object with alg and kid"),
        ("bm8ganNvbg.e30.", "has a header that is no JSON object with alg and kid"),
        (String(repeating: "a", count: 16385), "is 16385 bytes long, more than 16384"),
    ])
    func whatIsNoTokenIsRefused(_ text: String, _ problem: String) async throws {
        let bench = try Bench()
        let refusal = await bench.refusal(of: Secret(utf8: text))
        #expect(refusal == "TokenMalformed: the service account token \(problem); \(Fixture.origin)")
        #expect(bench.source.fetches == 0, "no key is touched for it")
    }

    @Test(arguments: [
        ("[]", "claims that are no JSON object"),
        ("{\"exp\":\"soon\"}", "a claim exp of the wrong type"),
        ("{\"kubernetes.io\":{\"pod\":{\"uid\":7}}}", "a claim kubernetes.io.pod.uid of the wrong type"),
        ("not json", "claims that are no JSON object"),
        ("{\"aud\":7}", "a claim aud of the wrong type"),
    ])
    func signedNonsenseIsRefused(_ claims: String, _ problem: String) async throws {
        let bench = try Bench()
        let token = Secret(utf8: try bench.issuer.sign(claims: Array(claims.utf8)))
        #expect(await bench.refusal(of: token) == "TokenMalformed: the service account token has \(problem)")
    }

    @Test(arguments: ["-1", "1e300", "253402300800"]) func timesThatAreNoneAreRefused(_ exp: String) async throws {
        let bench = try Bench()
        let claims = "{\"iss\":\"\(bench.issuer.name)\",\"aud\":\"daypass\",\"exp\":\(exp)}"
        let token = Secret(utf8: try bench.issuer.sign(claims: Array(claims.utf8)))
        let expected = "TokenMalformed: the service account token has a claim exp that is no time"
        #expect(await bench.refusal(of: token) == expected)
    }

    @Test func noRefusalIsCutOffOrShowsTheToken() async throws {
        for bad in BadToken.table {
            let bench = try Bench()
            let token = try bench.token(bad.signing, bad.change)
            let refusal = await bench.refusal(of: token)
            #expect(!refusal.hasSuffix("..."), "\(bad.name)")
            for part in token.revealText().split(separator: ".") { #expect(!refusal.contains(part)) }
        }
    }
}
