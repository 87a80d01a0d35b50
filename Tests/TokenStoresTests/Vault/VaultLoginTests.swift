// Logins: whose token, which role, and each way in which Vault says no.

import Foundation
import LoopbackCluster
import LoopbackSources
import Testing
import TokenStore
import TokenStoreTesting

@testable import TokenStores

@Suite struct VaultLoginTests {
    @Test func kubernetesAuthTakesThePodsToken() async throws {
        let fixture = try VaultFixture()
        fixture.vault.setRole("k8s", LoopbackVault.Role(.kubernetes, policy: VaultFixture.policy))
        let auth = VaultAuthSettings(method: .kubernetes, role: "k8s")
        _ = try await fixture.store(VaultFixture.settings(auth: auth)).issue(fixture.request())
        #expect(fixture.lines().first == "POST /v1/auth/kubernetes/login")
    }

    @Test func theNodesOwnTokenIsReadEachTime() async throws {
        let fixture = try VaultFixture()
        fixture.vault.setRole(
            "node",
            LoopbackVault.Role(subject: "system:serviceaccount:kube-system:daypass", policy: VaultFixture.policy)
        )
        let daypass = Subject(namespace: "kube-system", serviceAccount: "daypass", podName: "d", podUID: "u")
        let own = try fixture.subjects.token(for: daypass, audience: "vault", at: fixture.clock.now)
        let auth = VaultAuthSettings(
            method: .jwt,
            role: "node",
            jwtFile: SecretReference(file: "/run/vault/token")
        )
        let settings = VaultFixture.settings(auth: auth)
        #expect(VaultStore.subjectTokenAudience(for: settings) == nil)
        // It comes up without the file: kubelet may write it later.
        let early = try VaultStore(settings: settings, context: fixture.context())
        var request = try fixture.request()
        request.subjectToken = nil
        let missing = await VaultFixture.error { _ = try await early.issue(request) }
        #expect(missing?.message == "/run/vault/token does not exist")
        let store = try VaultStore(settings: settings, context: fixture.context(["/run/vault/token": own + "\n"]))
        _ = try await store.issue(request)
        #expect(fixture.vault.live.count == 1)
    }

    @Test func thePodsTokenIsAskedForByItsAudience() async throws {
        #expect(VaultStore.subjectTokenAudience(for: VaultFixture.settings()) == "vault")
        let auth = VaultAuthSettings(method: .jwt, role: "builds", audience: "https://vault.example.com")
        let settings = VaultFixture.settings(auth: auth)
        #expect(VaultStore.subjectTokenAudience(for: settings) == "https://vault.example.com")
        let fixture = try VaultFixture()
        var request = try fixture.request()
        request.subjectToken = nil
        let error = await VaultFixture.error { _ = try await fixture.store(settings).issue(request) }
        #expect(error?.code == .misconfigured)
        #expect(error?.message.contains("for the audience https://vault.example.com did not come") == true)
        #expect(fixture.vault.seen.isEmpty)
    }

    /// What is wrong with the token, and what comes of it with each method.
    enum Fault: String, CaseIterable { case audience, signature, expired, subject, unknownRole, noMount }

    @Test(arguments: Fault.allCases, [LoopbackVault.Role.Method.jwt, .kubernetes])
    func isRejected(fault: Fault, method: LoopbackVault.Role.Method) async throws {
        let fixture = try VaultFixture()
        let role = LoopbackVault.Role(
            method,
            subject: fault == .subject
                ? "system:serviceaccount:other:builder" : "system:serviceaccount:binder:builder",
            policy: VaultFixture.policy
        )
        if fault != .unknownRole { fixture.vault.setRole("r", role) }
        var request = try fixture.request(audience: fault == .audience ? "sts.amazonaws.com" : "vault")
        if fault == .signature {
            let strange = try SubjectTokens().token(audience: "vault", at: fixture.clock.now)
            request.subjectToken = Secret(utf8: strange)
        }
        if fault == .expired { fixture.clock.advance(by: .seconds(3800)) }
        let auth = VaultAuthSettings(
            method: method == .jwt ? .jwt : .kubernetes,
            mount: fault == .noMount ? "elsewhere" : nil,
            role: "r"
        )
        let store = try fixture.store(VaultFixture.settings(auth: auth))
        let sent = request
        let error = try #require(await VaultFixture.error { _ = try await store.issue(sent) })
        let place = "auth/\(method.rawValue) of Vault"
        switch (fault, method) {
        case (.unknownRole, _):
            #expect(error.code == .misconfigured)
            #expect(error.message == "\(place) has no role r (HTTP 400)")
        case (.audience, .jwt):
            #expect(error.code == .misconfigured)
            #expect(
                error.message
                    == "role r of \(place) does not take the audience of the Pod's service account token (HTTP 400)"
            )
        case (.noMount, _):
            #expect(error.message == "auth/elsewhere of Vault rejects the Pod's service account token (HTTP 403)")
        case (_, .jwt):
            #expect(error.code == .refused)
            #expect(
                error.message
                    == "\(place) rejects the Pod's service account token for role r (HTTP 400)"
            )
        default:
            #expect(error.code == .refused)
            #expect(error.message == "\(place) rejects the Pod's service account token (HTTP 403)")
        }
        #expect(!error.fix.isEmpty)
        #expect(error.tokenMayExist == false)
        #expect(fixture.vault.loginCount == 0)
        #expect(!"\(error)".contains(sent.subjectToken?.revealText() ?? "-"))
    }

    /// What the node's own token is refused for is the operator's to mend, with each method.
    @Test(arguments: [LoopbackVault.Role.Method.jwt, .kubernetes])
    func theNodesOwnTokenIsTheOperators(method: LoopbackVault.Role.Method) async throws {
        let fixture = try VaultFixture()
        fixture.vault.setRole(
            "node",
            LoopbackVault.Role(method, subject: "system:serviceaccount:other:daypass", policy: [:])
        )
        let auth = VaultAuthSettings(
            method: method == .jwt ? .jwt : .kubernetes,
            role: "node",
            jwtFile: SecretReference(file: "/run/vault/token")
        )
        let own = try fixture.subjects.token(audience: "vault", at: fixture.clock.now)
        let context = fixture.context(["/run/vault/token": own])
        let store = try VaultStore(settings: VaultFixture.settings(auth: auth), context: context)
        let error = await VaultFixture.error { _ = try await store.issue(fixture.request()) }
        #expect(error?.code == .misconfigured)
        let status = method == .jwt ? 400 : 403
        #expect(
            error?.message == "auth/\(method.rawValue) of Vault rejects the service account token in "
                + "/run/vault/token for role node (HTTP \(status))"
        )
    }

    @Test func transitsKeysAreNamedInFull() async throws {
        let fixture = try VaultFixture()
        func fix(namespace: String?, token: String) async throws -> String? {
            let auth = VaultAuthSettings(method: .jwt, role: "gone", jwtFile: SecretReference(file: "/token"))
            let settings = TransitSettings(
                address: VaultTransport.address,
                namespace: namespace,
                key: "github-app",
                auth: auth
            )
            let signer = try TransitSigner(settings, context: fixture.context(["/token": token]))
            return await VaultFixture.error { _ = try await signer.signature(of: [1]) }?.fix
        }
        let own = try fixture.subjects.token(audience: "vault", at: fixture.clock.now)
        #expect(try await fix(namespace: nil, token: own) == "create it, or correct transit.auth.role")
        #expect(
            try await fix(namespace: "elsewhere", token: own) == "check transit.auth.mount and transit.namespace"
        )
        #expect(
            try await fix(namespace: nil, token: "")
                == "mount a projected service account token where transit.auth.jwtFile says"
        )
    }

    @Test func limitedUsesAreRefused() async throws {
        let fixture = try VaultFixture()
        var role = LoopbackVault.Role(policy: VaultFixture.policy)
        role.uses = 3
        fixture.vault.setRole("builds", role)
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .misconfigured)
        #expect(error?.fix.hasPrefix("set the role's token_num_uses to 0") == true)
        #expect(fixture.vault.minted.isEmpty)
        #expect(fixture.vault.logins == 0)
    }

    @Test func anotherNamespaceIsAnotherVault() async throws {
        let fixture = try VaultFixture(namespace: "team-a")
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .refused)
        #expect(error?.fix == "check auth.mount and namespace")
    }

    @Test func aPolicyThatForbidsIsNamed() async throws {
        let fixture = try VaultFixture()
        fixture.vault.setRole("builds", LoopbackVault.Role(policy: ["secret/data/ci": ["read"]]))
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .refused)
        #expect(error?.message == "Vault forbids to read github/token (HTTP 403)")
        #expect(
            error?.fix == "give role builds a policy that allows it: path \"github/token\", read or update"
        )
        #expect(fixture.vault.logins == 0)
        let other = await VaultFixture.error {
            let settings = VaultFixture.settings {
                $0.parameters = ["repositories": "{repositories}", "permissions": "{permissions}"]
            }
            fixture.vault.setRole("builds", LoopbackVault.Role(policy: VaultFixture.policy))
            _ = try await fixture.store(settings).issue(fixture.request())
        }
        #expect(other?.message == "Vault's engine does not take the call to github/token (HTTP 400)")
    }

    @Test func waitsAreTakenOver() async throws {
        let fixture = try VaultFixture()
        fixture.vault.setSealed(true)
        let error = await VaultFixture.error { _ = try await fixture.store().issue(fixture.request()) }
        #expect(error?.code == .unavailable)
        #expect(error?.fix == "unseal it")
    }
}
