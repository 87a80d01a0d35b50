// Keys from a file.

import Identity
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

@Suite struct FileKeySourceTests {
    private func verifier(_ path: String, _ clock: ManualClock) throws -> TokenVerifier {
        let name = try Fixture.issuer.get().name
        return TokenVerifier(
            audience: "daypass",
            leeway: Fixture.leeway,
            keys: FileKeySource(path: path, issuer: name),
            clock: clock,
            logger: Fixture.logger
        )
    }

    private func refusal(_ path: String) async throws -> String {
        do {
            try await verifier(path, ManualClock()).prepare()
            return "accepted"
        } catch { return "\(error)" }
    }

    @Test func theFileIsReadAgainForAnUnknownKey() async throws {
        try await withDirectory { directory in
            let issuer = try ServiceAccountIssuer()
            let clock = ManualClock()
            // As kubelet shows a ConfigMap: through symbolic links.
            try FileManager.default.createDirectory(atPath: "\(directory)/v1", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: "\(directory)/..data", withDestinationPath: "v1")
            try FileManager.default.createSymbolicLink(
                atPath: "\(directory)/jwks.json",
                withDestinationPath: "..data/jwks.json"
            )
            try issuer.writeJWKS(to: "\(directory)/v1/jwks.json")
            let verifier = try verifier("\(directory)/jwks.json", clock)
            let old = Secret(utf8: try issuer.sign(PodToken(for: Fixture.subject, at: clock.now)))
            #expect(try await verifier.verify(old).subject == Fixture.subject)
            try issuer.rotate()
            try issuer.writeJWKS(to: "\(directory)/v1/jwks.json")
            clock.advance(by: .seconds(10))
            let new = Secret(utf8: try issuer.sign(PodToken(for: Fixture.subject, at: clock.now)))
            #expect(try await verifier.verify(new).subject == Fixture.subject)
        }
    }

    @Test func whatIsWrongWithTheFileIsSaid() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/jwks.json"
            let fix = "write the output of kubectl get --raw /openid/v1/jwks there"
            let start = "KeysUnavailable: the key file"
            #expect(
                try await refusal(path) == "\(start) \(path) does not exist, or Daypass may not see it; \(fix)"
            )
            #expect(try await refusal(directory) == "\(start) \(directory) is no file; \(fix)")
            try write(String(repeating: " ", count: 262_145), to: path)
            #expect(try await refusal(path) == "\(start) \(path) is larger than 262144 bytes; \(fix)")
            try write("-----BEGIN PUBLIC KEY-----", to: path)
            let read = "KeysUnavailable: what was read from \(path)"
            let must = "it must be what kubectl get --raw /openid/v1/jwks prints"
            let noSet = "is no JSON Web Key Set: it must be a JSON object with a list \"keys\""
            #expect(try await refusal(path) == "\(read) \(noSet); \(must)")
            try write("{\"keys\":[]}", to: path)
            #expect(try await refusal(path).hasPrefix("\(read) holds no usable key (0 listed): "))
        }
    }
}
