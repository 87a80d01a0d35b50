// kubelet's own keys among the attributes: which Pod the call is for.

import Refusals
import TokenStore

/// The keys that kubelet adds when the CSIDriver object has `podInfoOnMount: true`
/// (<https://kubernetes-csi.github.io/docs/pod-info.html>).
enum PodInfo {
    /// What all of kubelet's keys begin with.
    static let prefix = "csi.storage.k8s.io/"
    static let ephemeral = prefix + "ephemeral"
    static let name = prefix + "pod.name"
    static let namespace = prefix + "pod.namespace"
    static let uid = prefix + "pod.uid"
    static let serviceAccount = prefix + "serviceAccount.name"

    /// Reads the Pod that the call is for. Nothing proves it yet.
    ///
    /// - Throws: ``Refusal`` with ``Reason/podInfoMissing``, ``Reason/volumeNotEphemeral`` or
    ///   ``Reason/attributesMalformed``.
    static func subject(_ attributes: [String: String]) throws(Refusal) -> Subject {
        // Drivers up to v1.5.6 leave the key out when they repeat the call, so its absence says nothing.
        if let value = attributes[ephemeral], value != "true" {
            throw Refusal(
                .volumeNotEphemeral,
                "this is no inline volume of a Pod (\(ephemeral) is \(Refusal.quoted(value)))",
                fix: "use spec.volumes[].csi in the Pod, not a PersistentVolume"
            )
        }
        return Subject(
            namespace: try value(namespace, attributes, isValid: Names.isLabel),
            serviceAccount: try value(serviceAccount, attributes, isValid: Names.isSubdomain),
            podName: try value(name, attributes, isValid: Names.isSubdomain),
            podUID: try value(uid, attributes, isValid: Names.isUID)
        )
    }

    private static func value(
        _ key: String,
        _ attributes: [String: String],
        isValid: (Substring) -> Bool
    ) throws(Refusal) -> String {
        guard let value = attributes[key], !value.isEmpty else {
            throw Refusal(
                .podInfoMissing,
                "the attribute \(key) is missing",
                fix: "set podInfoOnMount: true on the CSIDriver object secrets-store.csi.k8s.io"
            )
        }
        guard isValid(value[...]) else {
            throw Refusal(
                .attributesMalformed,
                "the attribute \(key) is \(Refusal.quoted(value)), which no object of a cluster is called",
                fix:
                    "set podInfoOnMount: true on the CSIDriver object secrets-store.csi.k8s.io, so that kubelet sets it"
            )
        }
        return value
    }
}
