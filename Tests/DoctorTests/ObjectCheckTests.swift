// Every check of objects in a good world and in bad ones.

import Foundation
import Policy
import Testing

@testable import Doctor

/// A spoiled world, and what its check must say.
struct BadWorld: Sendable, CustomTestStringConvertible {
    let check: String
    let severity: Severity
    /// What place, message and fix together must hold.
    let texts: [String]
    let spoil: @Sendable (inout World) throws -> Void

    init(
        _ check: String,
        _ severity: Severity,
        _ texts: String...,
        spoil: @escaping @Sendable (inout World) throws -> Void
    ) {
        self.check = check
        self.severity = severity
        self.texts = texts
        self.spoil = spoil
    }

    var testDescription: String { "\(check): \(texts.first ?? "")" }
}

struct ObjectCheckTests {
    @Test("in a good world every check is well, and none is skipped")
    func goodWorld() throws {
        let findings = Checks.run(on: try facts())
        #expect(findings.filter { $0.severity != .ok } == [])
        #expect(Set(findings.map(\.check)) == Set(Checks.all.map(\.name)))
    }

    @Test("the names of checks are unique, and each is a word with dashes")
    func names() {
        let names = Checks.all.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0 == "-" } })
        #expect(Checks.all.allSatisfy { !$0.finds.isEmpty && !$0.finds.contains("\n") })
    }

    @Test("each bad world is noticed, with its fix", arguments: Self.badDrivers + Self.badDaypass + Self.badTenants)
    func badWorlds(_ bad: BadWorld) throws {
        let findings = try facts(bad.spoil).findings(bad.check)
        let worst = try #require(findings.first)
        let text = "\(worst.place): \(worst.message); \(worst.fix)"
        #expect(worst.severity == bad.severity, "\(text)")
        for expected in bad.texts { #expect(text.contains(expected), "\(text)") }
        if worst.severity.isProblem { #expect(!worst.fix.isEmpty) }
    }

    static let badDrivers = [
        BadWorld("driver-installed", .error, "not installed", "helm install") { $0.csiDriver = "" },
        BadWorld("driver-installed", .error, "no DaemonSet runs the driver") { $0.driver = "" },
        BadWorld("driver-ready", .error, "2 of 3", "describe pod") {
            try $0.driver.change(#""numberReady": 3"#, #""numberReady": 2"#)
        },
        BadWorld("driver-ready", .error, "runs on no node") {
            try $0.driver.change(#""desiredNumberScheduled": 3"#, #""desiredNumberScheduled": 0"#)
        },
        BadWorld("driver-ready", .skipped, "has no status") {
            try $0.driver.change(#""desiredNumberScheduled": 3, "#, "")
        },
        BadWorld("driver-on-nodes", .warning, "node node-2", "tolerations") {
            try $0.csiNodes.change(
                "{ name: node-2 }, spec: { drivers: [{ name: secrets-store.csi.k8s.io }] }",
                "{ name: node-2 }, spec: { drivers: [{ name: ebs.csi.aws.com }] }"
            )
        },
        BadWorld("driver-on-nodes", .error, "no node") {
            try $0.csiNodes.change("secrets-store.csi.k8s.io", "ebs.csi.aws.com")
        },
        BadWorld("driver-version", .error, "v1.3.2", "CVE-2023-2878", "--version") {
            try $0.driver.change("driver:v1.6.1", "driver:v1.3.2")
        },
        BadWorld("driver-version", .warning, "v1.5.6", "volumeAttributes", "helm upgrade csi-secrets-store") {
            try $0.driver.change("driver:v1.6.1", "driver:v1.5.6")
        },
        BadWorld("driver-version", .warning, "v1.6.0", "fixed in 1.6.1") {
            try $0.driver.change("driver:v1.6.1", "driver:v1.6.0")
        },
        BadWorld("driver-version", .ok, "v1.6.1", "empty volume") { _ in },
        BadWorld("driver-version", .ok, "v1.7.0") { try $0.driver.change("driver:v1.6.1", "driver:v1.7.0") },
        BadWorld("driver-version", .ok, "v1.6.1", "empty volume") {
            try $0.driver.change("driver:v1.6.1", "driver@sha256:0a1b2c")
        },
        BadWorld("driver-version", .skipped, "does not tell") {
            try $0.driver.change("driver:v1.6.1", "driver:latest")
            try $0.driver.change(#""app.kubernetes.io/version": "1.6.1""#, #""x": "y""#)
        },
        BadWorld(
            "driver-token-audience",
            .error,
            #""daypass" is missing"#,
            #"tokenRequests=[{"audience":"sts.amazonaws.com"},{"audience":"daypass"}]"#
        ) {
            try $0.csiDriver.change(#", {"audience": "daypass", "expirationSeconds": 3600}"#, "")
        },
        BadWorld("driver-token-audience", .error, "is empty", "kubectl patch csidriver") {
            try $0.csiDriver.change(
                #""tokenRequests": [{"audience": "sts.amazonaws.com"}, {"audience": "daypass", "expirationSeconds": 3600}],"#,
                ""
            )
            try $0.csiDriver.change("meta.helm.sh", "example.com")
        },
        BadWorld("driver-token-audience", .error, #""https://builds.example" is missing"#) {
            $0.configuration = "identity: { audience: \"https://builds.example\" }\n" + $0.configuration
        },
        BadWorld("driver-token-audience", .error, #""octo.example" is missing"#, "store octo shows such a token") {
            try $0.configuration.change("stores:\n", "stores:\n" + octoStore)
        },
        BadWorld("driver-token-audience", .ok) {
            $0.configuration = "identity: driver\n" + $0.configuration
            try $0.csiDriver.change(#", {"audience": "daypass", "expirationSeconds": 3600}"#, "")
        },
        BadWorld("driver-token-life", .error, "300 s") { try $0.csiDriver.change("3600", "300") },
        BadWorld("driver-pod-info", .error, "podInfoOnMount", "--type=merge") {
            try $0.csiDriver.change(#""podInfoOnMount": true"#, #""podInfoOnMount": false"#)
        },
        BadWorld("driver-pod-info", .error, "podInfoOnMount") {
            try $0.csiDriver.change(#""podInfoOnMount": true,"#, "")
        },
        BadWorld("driver-republish", .warning, "enableSecretRotation=true") {
            try $0.csiDriver.change(#""requiresRepublish": true"#, #""requiresRepublish": false"#)
        },
        BadWorld("driver-republish", .ok, "before 1.6") {
            try $0.csiDriver.change(#""requiresRepublish": true"#, #""requiresRepublish": false"#)
            try $0.driver.change("driver:v1.6.1", "driver:v1.5.6")
        },
        BadWorld("driver-rotation", .warning, "helm upgrade", "enableSecretRotation=true") {
            try $0.driver.change("--enable-secret-rotation=true", "--enable-secret-rotation=false")
        },
        BadWorld("driver-rotation", .warning, "add --enable-secret-rotation=true") {
            try $0.driver.change(#""--enable-secret-rotation=true", "#, "")
            try $0.driver.change("meta.helm.sh", "example.com")
        },
        BadWorld("driver-poll-interval", .warning, "1h0m0s", "rotationPollInterval=2m") {
            try $0.driver.change("--rotation-poll-interval=2m", "--rotation-poll-interval=1h0m0s")
        },
        BadWorld("driver-poll-interval", .skipped, "no duration") {
            try $0.driver.change("--rotation-poll-interval=2m", "--rotation-poll-interval=soon")
        },
        BadWorld("driver-tokens-in-secrets", .warning, "v1.5.6") {
            try $0.csiDriver.change(#""seLinuxMount": false"#, #""serviceAccountTokenInSecrets": true"#)
            try $0.driver.change("driver:v1.6.1", "driver:v1.5.6")
        },
        BadWorld("driver-tokens-in-secrets", .ok) {
            try $0.csiDriver.change(#""seLinuxMount": false"#, #""serviceAccountTokenInSecrets": true"#)
        },
        BadWorld("driver-sync-secret", .warning, "binder/build-credentials", "syncSecret.enabled=false") {
            $0.syncRole = syncRole
            $0.secretClass += secretObjects
        },
        BadWorld("driver-sync-secret", .ok, "no class of Daypass uses it") { $0.syncRole = syncRole },
        BadWorld("socket-directory", .error, "/opt/providers of the node", "looks in") {
            try $0.daypass.change(
                "hostPath: { path: /var/run/secrets-store",
                "hostPath: { path: /opt/providers }, x: { path: /x"
            )
        },
        BadWorld("socket-directory", .error, "not a hostPath") {
            try $0.daypass.change(
                "{ name: providers, hostPath: { path: /var/run/secrets-store-csi-providers, type: DirectoryOrCreate } }",
                "{ name: providers, emptyDir: {} }"
            )
        },
        BadWorld("socket-directory", .warning, "for old installations") {
            try $0.daypass.change("/var/run/secrets-store-csi-providers", "/etc/kubernetes/secrets-store-csi-providers")
            $0.configuration += "server: { socket: /etc/kubernetes/secrets-store-csi-providers/daypass.sock }\n"
        },
        BadWorld("socket-directory", .error, "looks for daypass.sock") {
            $0.configuration += "server: { socket: /var/run/secrets-store-csi-providers/other.sock }\n"
        },
        BadWorld("socket-directory", .error, "not a hostPath") {
            $0.configuration += "server: { socket: /tmp/daypass.sock }\n"
        },
        BadWorld("socket-directory", .ok) {
            try $0.daypass.change("mountPath: /var/run/secrets-store", "mountPath: /run/secrets-store")
        },
        BadWorld("socket-mounts", .error, "/var/run/secrets-store-csi-providers is searched") {
            try $0.driver.change(
                #"{"mountPath": "/var/run/secrets-store-csi-providers", "name": "providers-dir"},"#,
                ""
            )
        },
        BadWorld("socket-mounts", .skipped, "name no directory") {
            try $0.driver.change(#""--provider-volume=/var/run/secrets-store-csi-providers","#, "")
        },
    ]

    static let badDaypass = [
        BadWorld("daypass-installed", .error, "no DaemonSet runs Daypass") { $0.daypass = "" },
        BadWorld("daypass-installed", .warning, "2 DaemonSets") {
            $0.daypass +=
                "\n---\n"
                + $0.daypass.replacing("{ name: daypass, namespace: daypass, l", with: "{ name: other, namespace: x, l")
        },
        BadWorld("daypass-ready", .error, "1 of 3") { try $0.daypass.change("numberReady: 3", "numberReady: 1") },
        BadWorld("daypass-tolerations", .warning, "tolerates everything", "operator: Exists") {
            try $0.daypass.change("- operator: Exists", "- { key: builds, operator: Exists }")
        },
        BadWorld("daypass-tolerations", .warning, "builds:NoSchedule") {
            try $0.daypass.change(
                "- operator: Exists",
                "- { key: builds, operator: Equal, value: a, effect: NoSchedule }"
            )
            try $0.driver.change(
                #"{"operator": "Exists"}"#,
                #"{"key": "builds", "operator": "Equal", "value": "b", "effect": "NoSchedule"}"#
            )
        },
        BadWorld("daypass-tolerations", .ok) {
            try $0.driver.change(
                #"{"operator": "Exists"}"#,
                #"{"key": "builds", "operator": "Equal", "value": "b", "effect": "NoSchedule"}"#
            )
        },
        BadWorld("daypass-tolerations", .warning, "pool=builds") {
            try $0.daypass.change("{ kubernetes.io/os: linux }", "{ kubernetes.io/os: linux, pool: builds }")
        },
        BadWorld("daypass-versions", .warning, "daypass:0.9.0 runs on node-2", "rollout status") {
            let old = #"node-2, containers: [{ name: daypass, image: "registry.example.com/daypass:1.0.0""#
            try $0.daypassPods.change(old, old.replacing("1.0.0", with: "0.9.0"))
        },
        BadWorld("daypass-versions", .skipped, "not among") {
            try $0.daypassPods.change("namespace: daypass", "namespace: other")
        },
        BadWorld("daypass-node-name", .warning, "NODE_NAME is not set", "fieldPath: spec.nodeName") {
            try $0.daypass.change("NODE_NAME", "OTHER")
        },
        BadWorld("daypass-node-name", .warning, "not taken from") {
            try $0.daypass.change("fieldPath: spec.nodeName", "fieldPath: status.hostIP")
        },
        BadWorld("daypass-node-name", .ok, "builds.pods is off") {
            try $0.daypass.change("NODE_NAME", "OTHER")
            $0.configuration += "builds: { pods: off }\n"
        },
        BadWorld("daypass-state", .error, "the journal is in /run/daypass", "DirectoryOrCreate") {
            try $0.daypass.change(
                "{ name: state, hostPath: { path: /run/daypass, type: DirectoryOrCreate } }",
                "{ name: state, emptyDir: {} }"
            )
        },
        BadWorld("daypass-security", .error, "hostUsers") {
            try $0.daypass.change("serviceAccountName: daypass", "hostUsers: false")
        },
        BadWorld("daypass-security", .warning, "user 1000") {
            try $0.daypass.change("runAsUser: 0", "runAsUser: 1000")
        },
        BadWorld("daypass-security", .warning, "runAsNonRoot") {
            try $0.daypass.change("runAsUser: 0", "runAsNonRoot: true")
        },
        BadWorld("daypass-security", .error, "automountServiceAccountToken") {
            try $0.daypass.change("serviceAccountName: daypass", "automountServiceAccountToken: false")
        },
        BadWorld("daypass-grace", .warning, "is 15", "terminationGracePeriodSeconds: 30") {
            try $0.daypass.change("terminationGracePeriodSeconds: 30", "terminationGracePeriodSeconds: 15")
        },
        BadWorld("daypass-grace", .warning, "130 s") { $0.configuration += "server: { drain: 120s }\n" },
        BadWorld("kubelet-directory", .error, "/var/lib/k0s/kubelet/pods") {
            try $0.driver.change("/var/lib/kubelet/pods", "/var/lib/k0s/kubelet/pods")
        },
        BadWorld("kubelet-directory", .warning, "nothing notices") {
            try $0.daypass.change("- { name: pods, mountPath: /var/lib/kubelet/pods, readOnly: true }\n", "\n")
            $0.configuration += "builds: { pods: off }\n"
        },
        BadWorld(
            "configuration-mounts",
            .error,
            "stores.github.privateKey.file names /etc/daypass/keys/github.pem",
            "daypass-keys"
        ) {
            try $0.daypass.change("mountPath: /etc/daypass/keys", "mountPath: /keys")
        },
        BadWorld("configuration", .warning, "no grants") {
            $0.configuration = $0.configuration.components(separatedBy: "grants:")[0]
        },
    ]

    static let badTenants = [
        BadWorld("class-provider", .error, #""Daypass""#, "provider: daypass") {
            try $0.secretClass.change("provider: daypass", "provider: Daypass")
        },
        BadWorld("class-provider", .error, #""day-pass""#) {
            try $0.secretClass.change("provider: daypass", "provider: day-pass")
        },
        BadWorld("class-provider", .error, #""vault""#) {
            try $0.secretClass.change("provider: daypass", "provider: vault")
        },
        BadWorld("class-provider", .error, "names no provider") {
            try $0.secretClass.change("provider: daypass", "x: y")
        },
        BadWorld("class-provider", .ok) {
            try $0.secretClass.change("provider: daypass", "provider: vault")
            try $0.secretClass.change("tokens: |", "objects: |")
        },
        BadWorld("class-parameters", .error, "no parameters") {
            $0.secretClass = $0.secretClass.components(separatedBy: "  parameters:")[0]
        },
        BadWorld(
            "class-secret-objects",
            .warning,
            "etcd",
            "kubectl -n binder patch secretproviderclass build-credentials"
        ) {
            $0.secretClass += secretObjects
        },
        BadWorld("pod-class", .error, "names no SecretProviderClass") {
            try $0.pod.change("secretProviderClass: build-credentials, ", "")
        },
        BadWorld("pod-class", .error, "names the class other", "kubectl -n binder get") {
            try $0.pod.change("build-credentials", "other")
        },
        BadWorld("pod-class", .error, "not in its namespace") {
            try $0.secretClass.change("namespace: binder", "namespace: other")
        },
        BadWorld("pod-read-only", .error, "pod binder/build-1", "readOnly: true") {
            try $0.pod.change("        readOnly: true\n", "        x: y\n")
        },
        BadWorld("pod-sub-path", .warning, "container build", "whole volume") {
            try $0.pod.change("mountPath: /credentials,", "mountPath: /root/.gitconfig, subPath: .gitconfig,")
        },
        BadWorld("pod-class-twice", .warning, "build-credentials is mounted twice") {
            let volumes = $0.pod.components(separatedBy: "  volumes:\n")[1].components(separatedBy: "status:")[0]
            try $0.pod.change("status:", volumes.replacing("name: credentials", with: "name: again") + "status:")
        },
        BadWorld("pod-secret-env", .warning, "Secret synced-token") {
            $0.secretClass += secretObjects
            try $0.pod.change(
                "image: alpine/git",
                "image: alpine/git\n      env: [{ name: T, valueFrom: { secretKeyRef: { name: synced-token, key: t } } }]"
            )
        },
        BadWorld("pod-secret-env", .warning, "Secret synced-token") {
            $0.secretClass += secretObjects
            try $0.pod.change(
                "image: alpine/git",
                "image: alpine/git\n      envFrom: [{ secretRef: { name: synced-token } }]"
            )
        },
        BadWorld("pod-grant", .error, "no grant names service account default", "serviceAccount: default") {
            try $0.pod.change("  serviceAccountName: builder\n", "")
        },
        BadWorld("pod-grant", .error, "NotGranted", "else/app") { try $0.pod.change("our-org/app", "else/app") },
        BadWorld("pod-grant", .error, "AttributeMissing", "repository") {
            try $0.pod.change(#", repository: "https://github.com/our-org/app""#, "")
        },
        BadWorld("pod-grant", .ok) {
            try $0.pod.change("  serviceAccountName: builder\n", "")
            try $0.pod.change("phase: Running", "phase: Succeeded")
        },
    ]

    private static let syncRole =
        #"{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"ClusterRole","metadata":{"name":"secretprovidersyncing-role"}}"#
    private static let secretObjects =
        "\n  secretObjects: [{ secretName: synced-token, type: Opaque, data: [{ objectName: t, key: t }] }]\n"
    private static let octoStore = """
          octo:
            kind: octo-sts
            acceptWiderTokens: true
            url: https://octo.example
            identity: builder
            audience: octo.example

        """
}
