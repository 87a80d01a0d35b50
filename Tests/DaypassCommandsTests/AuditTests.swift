// The audit trail of a real daemon that is told to be silent.

import Foundation
import LoopbackForge
import Support
import Testing

@Suite struct AuditTests {
    /// The log's lines as objects.
    private func lines(_ daemon: DaemonProcess) throws -> [[String: Any]] {
        try daemon.log.split(separator: "\n").map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
        }
    }

    /// Waits until the socket answers; a silent daemon does not say so.
    private func serves(_ node: Node) async throws {
        for _ in 0..<600 {
            if await node.version() == "daypass" { return }
            try await Task.sleep(for: .milliseconds(50))
        }
        Issue.record("the daemon does not serve")
    }

    @Test func isWrittenAtLevelCritical() async throws {
        try await withNode { node in
            let daemon = try node.launchDaemon(options: ["--log-level", "critical"])
            try await serves(node)
            let answer = try await node.mount(try node.attributes(for: .build(1)))
            #expect(answer.line == "OK")
            let refused = try await node.mount(try node.attributes(for: .build(2), repository: "else/app"))
            #expect(refused.line.contains("NotGranted"))
            let revoked = try await node.daypass(["revoke", "--all", "--admin-socket", node.adminSocket])
            #expect(revoked.output.contains("1 revoked"), "\(revoked.text)")
            #expect(await daemon.stop() == 0)

            let lines = try lines(daemon)
            #expect(lines.map { $0["event"] as? String } == ["TokenMinted", "MountRefused", "TokenRevoked"])
            #expect(lines.allSatisfy { $0["audit"] as? Bool == true })
            let (minted, refusal, end) = (lines[0], lines[1], lines[2])
            for line in [minted, end] {
                #expect(line["pod"] as? String == "build-1" && line["namespace"] as? String == "binder")
                #expect(line["pod_uid"] as? String == "5f2b1a52-0000-4f5e-9d6e-000000000001")
                #expect(line["service_account"] as? String == "builder" && line["store"] as? String == "github")
                #expect(line["scope"] as? String == "our-org/app contents:read")
                #expect((line["expires"] as? String)?.hasSuffix("Z") == true)
            }
            #expect(minted["grant"] as? String == "binder-clone" && minted["cause"] as? String == "mount")
            #expect(end["cause"] as? String == "asked")
            #expect(refusal["pod"] as? String == "build-2" && refusal["reason"] as? String == "NotGranted")
            // The two lines of one token can be joined, with each other and with GitHub's audit log.
            #expect(minted["lease"] as? String == end["lease"] as? String)
            let token = try #require(node.forge.tokens.first).value
            let digest = try await runProgram(
                "/bin/sh",
                ["-c", "openssl dgst -sha256 -binary | base64"],
                input: token
            )
            #expect(digest.output == "\(minted["hashed_token"] as? String ?? "")\n")
            #expect(minted["hashed_token"] as? String == end["hashed_token"] as? String)
            #expect(node.leaks().leaked.isEmpty)
        }
    }

    @Test func isWrittenAsTextToo() async throws {
        try await withNode { node in
            let daemon = try node.launchDaemon(options: ["--log-level", "critical", "--log-format", "text"])
            try await serves(node)
            let answer = try await node.mount(try node.attributes(for: .build(1)))
            #expect(answer.line == "OK")
            #expect(await daemon.stop() == 0)
            #expect(daemon.log.contains(" info     TokenMinted token minted audit=true cause=mount "), "\(daemon.log)")
            #expect(!daemon.log.contains("\u{1B}"))
        }
    }
}
