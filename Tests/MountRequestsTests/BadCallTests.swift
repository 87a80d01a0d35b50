// Calls that are refused, with the text that a person sees.

import MountRequests
import Refusals
import Testing
import TokenStore

private let podInfo = "set podInfoOnMount: true on the CSIDriver object secrets-store.csi.k8s.io"
private let json = "the Secrets Store CSI driver sends a JSON object of strings; check what it is that calls"
private let path = "kubelet sends <its directory>/pods/<uid>/volumes/kubernetes.io~csi/<volume>/mount"

private struct BadCall: Sendable, CustomTestStringConvertible {
    var change: @Sendable (inout Call) -> Void
    var refusal: String
    var testDescription: String { refusal }

    init(_ refusal: String, _ change: @escaping @Sendable (inout Call) -> Void) {
        self.refusal = refusal
        self.change = change
    }
}

private let badAttributes: [BadCall] = [
    BadCall("AttributesMalformed: the attributes of this call are no JSON; \(json)") {
        $0.attributesText = "tokens: []"
    },
    BadCall("AttributesMalformed: the attributes of this call are no JSON; \(json)") { $0.attributesText = "" },
    BadCall("AttributesMalformed: the attributes of this call are no JSON; \(json)") {
        $0.attributesText = "{\"a\":\"b\""
    },
    BadCall("AttributesMalformed: the attributes of this call are no JSON; \(json)") {
        $0.attributesText = String(repeating: "[", count: 100_000)
    },
    BadCall("AttributesMalformed: the attributes of this call are JSON, but no object; \(json)") {
        $0.attributesText = #"["a","b"]"#
    },
    BadCall("AttributesMalformed: the attributes of this call are JSON, but no object; \(json)") {
        $0.attributesText = "null"
    },
    BadCall(
        #"AttributesMalformed: the attributes of this call hold a value that is no text, under the key "a"; \#(json)"#
    ) {
        $0.attributesText = #"{"a":{"b":"c"}}"#
    },
    BadCall(
        #"AttributesMalformed: the attributes of this call hold a value that is no text, under the key "a"; \#(json)"#
    ) {
        $0.attributesText = #"{"a":5}"#
    },
    BadCall(
        #"AttributesMalformed: the attributes of this call hold a value that is no text, under the key "a"; \#(json)"#
    ) {
        $0.attributesText = #"{"a":null}"#
    },
    BadCall(
        "RequestTooLarge: the attributes of this call are 5242880 bytes long, and 262144 are allowed; shorten "
            + "volumeAttributes, or the parameters of the SecretProviderClass"
    ) { $0.attributesText = String(repeating: " ", count: 5 << 20) },
    BadCall(
        "RequestTooLarge: the attributes of this call have 311 keys, and 256 are allowed; remove keys from "
            + "volumeAttributes, or from the parameters of the SecretProviderClass"
    ) { call in for number in 0..<300 { call.attributes["key\(number)"] = "x" } },
    BadCall("SecretsMalformed: the secrets of this call are no JSON; \(json)") { $0.secrets = "nil" },
    BadCall("SecretsMalformed: the secrets of this call are JSON, but no object; \(json)") { $0.secrets = "[]" },
    BadCall(#"SecretsMalformed: the secrets of this call hold a value that is no text, under the key "a"; \#(json)"#) {
        $0.secrets = #"{"a":["ghp_secret"]}"#
    },
    BadCall(
        "RequestTooLarge: the secrets of this call are 300000 bytes long, and 262144 are allowed; shorten "
            + "volumeAttributes, or the parameters of the SecretProviderClass"
    ) { $0.secrets = String(repeating: " ", count: 300_000) },
]

private let badPodInfo: [BadCall] = [
    BadCall("PodInfoMissing: the attribute csi.storage.k8s.io/pod.name is missing; \(podInfo)") {
        $0.attributes["csi.storage.k8s.io/pod.name"] = nil
    },
    BadCall("PodInfoMissing: the attribute csi.storage.k8s.io/pod.namespace is missing; \(podInfo)") {
        $0.attributes["csi.storage.k8s.io/pod.namespace"] = nil
    },
    BadCall("PodInfoMissing: the attribute csi.storage.k8s.io/pod.uid is missing; \(podInfo)") {
        $0.attributes["csi.storage.k8s.io/pod.uid"] = ""
    },
    BadCall("PodInfoMissing: the attribute csi.storage.k8s.io/serviceAccount.name is missing; \(podInfo)") {
        $0.attributes["csi.storage.k8s.io/serviceAccount.name"] = nil
    },
    BadCall(
        #"AttributesMalformed: the attribute csi.storage.k8s.io/pod.namespace is "Kube System", which no object of a "#
            + "cluster is called; \(podInfo), so that kubelet sets it"
    ) { $0.attributes["csi.storage.k8s.io/pod.namespace"] = "Kube System" },
    BadCall(
        #"AttributesMalformed: the attribute csi.storage.k8s.io/pod.uid is "../..", which no object of a "#
            + "cluster is called; \(podInfo), so that kubelet sets it"
    ) { $0.attributes["csi.storage.k8s.io/pod.uid"] = "../.." },
    BadCall(
        #"VolumeNotEphemeral: this is no inline volume of a Pod (csi.storage.k8s.io/ephemeral is "false"); use "#
            + "spec.volumes[].csi in the Pod, not a PersistentVolume"
    ) { $0.attributes["csi.storage.k8s.io/ephemeral"] = "false" },
]

private let badPaths: [BadCall] = [
    BadCall(
        "VolumeNotEphemeral: this call comes from the secrets-store-sync-controller, which copies tokens into Secrets; "
            + "mount the token in the build's Pod with an inline csi volume"
    ) { $0.targetPath = "/mnt/secrets-store" },
    BadCall(#"TargetPathMalformed: target_path "" is not absolute; \#(path)"#) { $0.targetPath = "" },
    BadCall(#"TargetPathMalformed: target_path "pods/a" is not absolute; \#(path)"#) { $0.targetPath = "pods/a" },
    BadCall(#"TargetPathMalformed: target_path "/a/b" is no path of a Pod's csi volume; \#(path)"#) {
        $0.targetPath = "/a/b"
    },
    BadCall(#"TargetPathMalformed: target_path "/k/../pods" holds an empty, "." or ".." part; \#(path)"#) {
        $0.targetPath = "/k/../pods"
    },
    BadCall(
        #"TargetPathMalformed: target_path "/k//pods/u/volumes/kubernetes.io~csi/v/mount" holds an empty, "." or ".." "#
            + "part; \(path)"
    ) { $0.targetPath = "/k//pods/u/volumes/kubernetes.io~csi/v/mount" },
    BadCall(
        #"TargetPathMalformed: target_path "/k/pods/u/volumes/kubernetes.io~csi/v/mount/" holds an empty, "." or ".." "#
            + "part; \(path)"
    ) { $0.targetPath = "/k/pods/u/volumes/kubernetes.io~csi/v/mount/" },
    BadCall(
        #"TargetPathMalformed: target_path "/k/pods/u_/volumes/kubernetes.io~csi/v/mount" holds no Pod UID after pods/; "#
            + path
    ) { $0.targetPath = "/k/pods/u_/volumes/kubernetes.io~csi/v/mount" },
    BadCall(
        #"TargetPathMalformed: target_path "/k/pods/u/volumes/kubernetes.io~csi/V/mount" holds no volume name after "#
            + "kubernetes.io~csi/; \(path)"
    ) { $0.targetPath = "/k/pods/u/volumes/kubernetes.io~csi/V/mount" },
    BadCall(
        #"TargetPathMalformed: target_path "/k/pods/u/volumes/kubernetes.io~nfs/v/mount" is no path of a Pod's csi "#
            + "volume; \(path)"
    ) { $0.targetPath = "/k/pods/u/volumes/kubernetes.io~nfs/v/mount" },
    BadCall("TargetPathMalformed: target_path is longer than 4096 bytes; \(path)") {
        $0.targetPath = "/" + String(repeating: "a/", count: 3000)
    },
]

private let badPermissions = ["", "0644", "-1", "512", "1000", "4.2e2", "\"420\"", "rw", "null", "٤٢٠"].map { text in
    BadCall(
        "PermissionMalformed: the permission of this call is \(Refusal.quoted(text)); the Secrets Store CSI driver "
            + "sends a number from 0 to 511, which is 0777 in octal"
    ) { $0.permission = text }
}

private let badTokens = [
    "ghp_notjson", "[]", "null", "\"\(Call.jwt)\"", #"{"daypass":"\#(Call.jwt)"}"#, #"{"daypass":{"token":5}}"#,
    #"{"daypass":{"token":""}}"#, #"{"daypass":{"expirationTimestamp":"x"}}"#,
    #"{"daypass":{"token":"\#(String(repeating: "x", count: 20_000))"}}"#,
    "{" + (0..<100).map { #""a\#($0)":{}"# }.joined(separator: ",") + "}",
].map { text in
    BadCall(
        "TokenMalformed: csi.storage.k8s.io/serviceAccount.tokens is not what kubelet writes (a JSON object of service "
            + "account tokens by audience); remove that key from volumeAttributes and parameters, and set tokenRequests "
            + #"for the audience "daypass" on the CSIDriver object secrets-store.csi.k8s.io"#
    ) { $0.attributes["csi.storage.k8s.io/serviceAccount.tokens"] = text }
}

@Suite struct BadCallTests {
    @Test(arguments: badAttributes + badPodInfo + badPaths + badPermissions + badTokens)
    fileprivate func isRefused(bad: BadCall) {
        let refusal = Call.with(bad.change).refusal()
        #expect(refusal == bad.refusal)
        #expect(!refusal.contains("eyJ") && !refusal.contains("ghp_"))
        #expect(refusal.utf8.count < Refusal.longestLine)
    }
}
