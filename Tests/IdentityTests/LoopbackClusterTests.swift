// The loopback cluster end to end, and held against an independent implementation.

import CryptoExtras
import Identity
import JWTKit
import LoopbackCluster
import Refusals
import Testing
import TokenStore
import TokenStoreTesting

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

@Suite struct LoopbackClusterTests {
    @Test func aVerifierFetchesFromTheAPIServer() async throws {
        let issuer = try ServiceAccountIssuer()
        let clock = ManualClock()
        try await withDirectory { directory in
            try write("own-token", to: "\(directory)/token")
            try await withLoopbackAPIServer(issuer, accessToken: "own-token") { api in
                let verifier = TokenVerifier(
                    audience: "daypass",
                    leeway: Fixture.leeway,
                    keys: ClusterKeySource(
                        server: api.url,
                        tokenFile: "\(directory)/token",
                        http: LoopbackTransport()
                    ),
                    clock: clock,
                    logger: Fixture.logger
                )
                func token() throws -> Secret {
                    Secret(utf8: try issuer.sign(PodToken(for: Fixture.subject, at: clock.now)))
                }
                #expect(try await verifier.verify(token()).subject == Fixture.subject)
                #expect(verifier.keyStatus.issuer == issuer.name)
                #expect(api.keyFetches == 1)

                try issuer.rotate()
                clock.advance(by: .seconds(10))
                #expect(try await verifier.verify(token()).subject == Fixture.subject)
                #expect(api.keyFetches == 2)

                api.behave(.fails(status: 503))
                clock.advance(by: .seconds(3600))
                #expect(try await verifier.verify(token()).subject == Fixture.subject)
                #expect(verifier.keyStatus.failure?.message.contains("answers 503") == true)

                api.behave(.answers)
                try write("another-token", to: "\(directory)/token")
                clock.advance(by: .seconds(60))
                #expect(try await verifier.verify(token()).subject == Fixture.subject)
                #expect(verifier.keyStatus.failure?.message.contains("answers 401") == true)
                #expect(api.deniedCalls == 1)
            }
        }
    }

    /// The claims as jwt-kit's users write them.
    private struct Claims: JWTPayload {
        var iss: IssuerClaim
        var aud: AudienceClaim
        var sub: SubjectClaim
        var exp: ExpirationClaim

        func verify(using algorithm: some JWTAlgorithm) throws { try aud.verifyIntendedAudience(includes: "daypass") }
    }

    @Test(arguments: [TokenSigning.rs256, .es256]) func jwtKitAcceptsTheIssuersTokens(_ signing: TokenSigning)
        async throws
    {
        let issuer = try Fixture.issuer.get()
        let keys = JWTKeyCollection()
        try await keys.add(jwksJSON: String(decoding: issuer.jwks(), as: UTF8.self))
        let text = try issuer.sign(PodToken(for: Fixture.subject, at: ManualClock().now), signing)
        let claims = try await keys.verify(text, as: Claims.self)
        #expect(claims.sub.value == "system:serviceaccount:binder:builder")
        #expect(claims.iss.value == issuer.name)
    }

    /// A payload with what kube-apiserver adds.
    private struct PodClaims: JWTPayload {
        struct Named: Codable { var name, uid: String }
        struct Kubernetes: Codable {
            var namespace: String
            var pod: Named
            var serviceaccount: Named
        }

        enum CodingKeys: String, CodingKey {
            case iss, aud, sub, exp
            case kubernetes = "kubernetes.io"
        }

        var iss: IssuerClaim
        var aud: AudienceClaim
        var sub: SubjectClaim
        var exp: ExpirationClaim
        var kubernetes: Kubernetes

        func verify(using algorithm: some JWTAlgorithm) throws {}
    }

    @Test func tokensThatJWTKitSignsAreAccepted() async throws {
        let clock = ManualClock()
        let rsa = try Insecure.RSA.PrivateKey(pem: _RSA.Signing.PrivateKey(keySize: .bits2048).pemRepresentation)
        let ecdsa = ES256PrivateKey()
        let keys = JWTKeyCollection()
        await keys.add(rsa: rsa, digestAlgorithm: .sha256, kid: "rsa").add(ecdsa: ecdsa, kid: "ec")
        let primitives = try rsa.publicKey.getKeyPrimitives()
        let point = try #require(ecdsa.publicKey.parameters)
        let jwks = """
            {"keys":[{"kty":"RSA","kid":"rsa","n":"\(base64url(primitives.modulus))",\
            "e":"\(base64url(primitives.publicExponent))"},\
            {"kty":"EC","crv":"P-256","kid":"ec","x":"\(Self.url(point.x))","y":"\(Self.url(point.y))"}]}
            """
        let document = JWKSDocument(issuer: "https://issuer.example", jwks: Array(jwks.utf8))
        let verifier = TokenVerifier(
            audience: "daypass",
            leeway: Fixture.leeway,
            keys: TestKeySource(.success(document)),
            clock: clock,
            logger: Fixture.logger
        )
        let claims = PodClaims(
            iss: "https://issuer.example",
            // One audience is written as a text, not as a list.
            aud: "daypass",
            sub: "system:serviceaccount:binder:builder",
            exp: ExpirationClaim(value: Date(timeIntervalSince1970: Double(clock.now.epochSeconds) + 600.5)),
            kubernetes: .init(
                namespace: "binder",
                pod: .init(name: "build-7", uid: Fixture.subject.podUID),
                serviceaccount: .init(name: "builder", uid: "1")
            )
        )
        for kid in ["rsa", "ec"] {
            let token = try await keys.sign(claims, kid: JWKIdentifier(string: kid))
            #expect(try await verifier.verify(Secret(utf8: token)).subject == Fixture.subject)
        }
    }

    /// jwt-kit gives coordinates in standard base64.
    private static func url(_ base64: String) -> String {
        base64.replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }
}
