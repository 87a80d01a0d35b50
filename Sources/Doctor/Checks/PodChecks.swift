// Pods with a volume of the driver: how the volume is written, and what its class gives.

import Policy

extension Checks {
    static let pods = [
        Check("pod-class", .pods, "a Pod whose volume names no class, or one that is not there") { facts throws(Skip) in
            let known = try facts.objects.classes.get()
            let keys = Set(known.map(\.key))
            return try BuildVolume.all(in: facts).compactMap { volume in
                guard let name = volume.className else {
                    let message = "volume \(volume.name) names no SecretProviderClass"
                    return .error(volume.place, message, fix: "volumeAttributes: { secretProviderClass: NAME }")
                }
                guard !keys.contains("\(volume.pod.namespace)/\(name)"), !known.isEmpty || facts.place != .files else {
                    return nil
                }
                let message =
                    "volume \(volume.name) names the class \(Printable.text(name)), which is not in its namespace"
                let list = "kubectl -n \(ObjectName.shell(volume.pod.namespace)) get secretproviderclass"
                return .error(volume.place, message, fix: "make the class there, or name one of: \(list)")
            }
        },
        Check("pod-read-only", .pods, "a volume without readOnly: true, which the driver refuses") {
            facts throws(Skip) in
            try BuildVolume.ours(in: facts).filter { !$0.volume.isReadOnly }.map { volume in
                let message = "volume \(volume.name) is not readOnly, and the driver mounts no other"
                return .error(
                    volume.place,
                    message,
                    fix: "volumes: [{ name: \(volume.name), csi: { readOnly: true, ... } }]"
                )
            }
        },
        Check("pod-sub-path", .pods, "a subPath mount of our volume, which never sees a refreshed token") {
            facts throws(Skip) in
            try BuildVolume.ours(in: facts).flatMap { volume in volume.subPathMounts() }
        },
        Check("pod-class-twice", .pods, "a Pod that mounts one class in two volumes") { facts throws(Skip) in
            BuildVolume.repeated(in: try BuildVolume.ours(in: facts))
        },
        Check("pod-secret-env", .pods, "an environment variable from a Secret that secretObjects makes of a token") {
            facts throws(Skip) in
            try SyncedSecrets(facts).troubles()
        },
        Check("pod-grant", .pods, "a Pod whose tokens no grant gives") { facts throws(Skip) in
            let node = try facts.configuration.get().usable()
            return try BuildVolume.ours(in: facts).flatMap { $0.refusals(by: node.policy) }
        },
        Check("pod-unanswered", .pods, "a volume of a running Pod of this node for which the daemon has no lease") {
            facts throws(Skip) in
            try Unanswered.look(facts)
        },
    ]
}

/// Secrets that the driver makes of mounted tokens, and who reads them.
private struct SyncedSecrets {
    let facts: Facts
    /// The Secrets that classes of ours make, by namespace and name.
    private let secrets: Set<String>

    init(_ facts: Facts) throws(Skip) {
        self.facts = facts
        var names: Set<String> = []
        for one in try facts.objects.classes.get() where Classes.isOurs(one) {
            for secret in one.tree["spec", "secretObjects"]?.elements ?? [] {
                if let name = secret["secretName"]?.text { names.insert("\(one.namespace)/\(name)") }
            }
        }
        secrets = names
    }

    func troubles() throws(Skip) -> [Trouble] {
        let pods = try facts.objects.pods.get() + facts.objects.workloads
        guard !secrets.isEmpty else { return [] }
        return pods.flatMap { pod in
            (PodTemplate(pod)?.containers ?? []).flatMap { container in
                names(in: container).filter { secrets.contains("\(pod.namespace)/\($0)") }.map { name in
                    let message =
                        "container \(Printable.text(container.name)) has environment variables from the Secret "
                        + "\(Printable.text(name)), which is a copy of a token and is never refreshed in there"
                    return .warning(
                        pod.place,
                        message,
                        fix: "read the mounted file, and remove secretObjects from the class"
                    )
                }
            }
        }
    }

    private func names(in container: PodTemplate.Container) -> Set<String> {
        let single = (container.tree["env"]?.elements ?? []).compactMap {
            $0["valueFrom", "secretKeyRef", "name"]?.text
        }
        let whole = (container.tree["envFrom"]?.elements ?? []).compactMap { $0["secretRef", "name"]?.text }
        return Set(single + whole)
    }
}

/// Pods of this node that run although no Mount for them was answered.
private enum Unanswered {
    static func look(_ facts: Facts) throws(Skip) -> [Trouble] {
        let node = try facts.node.get()
        let daemon = try node.daemon.get()
        let volumes = try BuildVolume.ours(in: facts)
        return volumes.compactMap { one in
            let uid = one.pod.tree["metadata", "uid"]?.text ?? ""
            guard one.pod.kind == "Pod", one.pod.tree["status", "phase"]?.text == "Running",
                node.nodeName == nil || one.template.nodeName == node.nodeName,
                !daemon.volumes.contains(DaemonFacts.Volume(podUID: uid, name: one.volume.name))
            else { return nil }
            let message =
                "it runs with volume \(one.name), for which the daemon of this node holds no lease any more, or never did; "
                + "look at its events first"
            let pod = "pod \(ObjectName.shell(one.pod.name)) -n \(ObjectName.shell(one.pod.namespace))"
            let fix =
                "kubectl describe \(pod); only if an event says VolumeUnanswered, delete the Pod, so that it is mounted anew"
            // A lease also ends with its token, or is revoked: that is no proof of an empty volume.
            return .warning(one.place, message, fix: fix)
        }
    }
}
