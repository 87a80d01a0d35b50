// A volume of the driver in a Pod, with its class, and what Daypass would answer to it.

import MountRequests
import Policy
import Refusals
import TokenStore

/// A volume of the driver in a Pod, or in the template of one.
struct BuildVolume: Sendable {
    let pod: KubeObject
    let template: PodTemplate
    let volume: PodTemplate.Volume
    let attributes: [String: String]
    /// The class, when it is known.
    let definition: KubeObject?

    var place: String { pod.place }
    var name: String { Printable.text(volume.name) }
    var className: String? { attributes["secretProviderClass"].flatMap { $0.isEmpty ? nil : $0 } }

    /// All volumes of the driver, of Pods that have not ended.
    ///
    /// - Throws: ``Skip`` when Pods are not known.
    static func all(in facts: Facts) throws(Skip) -> [BuildVolume] {
        let classes = Dictionary((facts.objects.classes.value ?? []).map { ($0.key, $0) }) { first, _ in first }
        // A file may hold a Deployment and no Pod.
        let pods = facts.objects.workloads.isEmpty ? try facts.objects.pods.get() : facts.objects.pods.value ?? []
        var found: [BuildVolume] = []
        for pod in pods + facts.objects.workloads where !hasEnded(pod) {
            guard let template = PodTemplate(pod) else { continue }
            for volume in template.volumes {
                guard let attributes = volume.secretsStoreAttributes else { continue }
                let name = attributes["secretProviderClass"] ?? ""
                let definition = classes["\(pod.namespace)/\(name)"]
                found.append(
                    BuildVolume(
                        pod: pod,
                        template: template,
                        volume: volume,
                        attributes: attributes,
                        definition: definition
                    )
                )
            }
        }
        return found
    }

    /// Those whose class is of Daypass.
    ///
    /// - Throws: ``Skip`` when Pods or classes are not known.
    static func ours(in facts: Facts) throws(Skip) -> [BuildVolume] {
        let all = try all(in: facts)
        _ = try facts.objects.classes.get()
        return all.filter { $0.definition.map(Classes.isOurs) == true }
    }

    private static func hasEnded(_ pod: KubeObject) -> Bool {
        ["Succeeded", "Failed"].contains(pod.tree["status", "phase"]?.text)
    }

    func subPathMounts() -> [Trouble] {
        template.containers.compactMap { container in
            guard container.mounts.contains(where: { $0.volume == volume.name && $0.isSubPath }) else { return nil }
            let message =
                "container \(Printable.text(container.name)) mounts a subPath of volume \(name), which stays as it is when "
                + "the token is refreshed"
            let fix = "mount the whole volume at a directory, and point the tool at the file in it"
            return .warning(place, message, fix: fix)
        }
    }

    static func repeated(in volumes: [BuildVolume]) -> [Trouble] {
        var seen: Set<String> = []
        return volumes.compactMap { one in
            guard let name = one.className, !seen.insert("\(one.pod.kind) \(one.pod.key) \(name)").inserted else {
                return nil
            }
            let message =
                "the class \(Printable.text(name)) is mounted twice: the driver keeps one status for both volumes"
            return .warning(one.place, message, fix: "mount one volume in both places, or make a second class")
        }
    }

    /// What Daypass would answer to this volume, as far as the objects tell.
    func refusals(by policy: NodePolicy) -> [Trouble] {
        let subject = Subject(
            namespace: pod.namespace,
            serviceAccount: template.serviceAccount,
            podName: pod.name,
            podUID: pod.tree["metadata", "uid"]?.text ?? "00000000-0000-4000-8000-000000000000"
        )
        guard policy.grants.contains(where: { $0.names(subject) }) else {
            let message = "no grant names service account \(Printable.text(template.serviceAccount)) of this namespace"
            let fix =
                "add a grant with to: { namespace: \(Printable.text(pod.namespace)), serviceAccount: "
                + "\(Printable.text(template.serviceAccount)) }, or set the Pod's serviceAccountName"
            return [.error(place, message, fix: fix)]
        }
        let parameters = definition?.tree["spec", "parameters"]?.textEntries ?? [:]
        let ask: VolumeAsk
        do throws(Refusal) {
            ask = try MountRequestParser.volumeAsk(parameters.merging(attributes) { $1 })
        } catch { return [refusal(error)] }
        return ask.tokens.compactMap { token in
            do throws(Refusal) {
                _ = try policy.authorize(token, for: subject)
                return nil
            } catch { return refusal(error) }
        }
    }

    private func refusal(_ refusal: Refusal) -> Trouble {
        let fix = refusal.fix.isEmpty ? "docs/reasons.md#\(refusal.reason.code.lowercased())" : refusal.fix
        return .error(place, "volume \(name): \(refusal.reason.code): \(refusal.message)", fix: fix)
    }
}
