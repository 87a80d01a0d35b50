// The DaemonSet of Daypass: does it run where it must, and has it got what it needs.

import Policy

extension Checks {
    static let daypass = [
        Check("daypass-installed", .daypass, "no DaemonSet runs Daypass, or more than one does") { facts throws(Skip) in
            let found = try facts.objects.allOfDaypass()
            guard let first = found.first else {
                let message = "no DaemonSet runs Daypass"
                return [.error("daemonsets", message, fix: "install it: daemonset/README.md")]
            }
            guard found.count == 1 else {
                let message = "\(found.count) DaemonSets run Daypass: \(Printable.list(found.map(\.place)))"
                return [.warning(first.place, message, fix: "keep one of them: they fight for one socket")]
            }
            return [.note(first.place, "image \(Printable.text(first.container.image))")]
        },
        Check("daypass-ready", .daypass, "the DaemonSet of Daypass is not ready on every node") { facts throws(Skip) in
            try readiness(of: try facts.objects.daypass())
        },
        Check("daypass-tolerations", .daypass, "nodes that take the driver and not Daypass") { facts throws(Skip) in
            let driver = try facts.objects.driver()
            return Scheduling.compare(try facts.objects.daypass(), driver)
        },
        Check("daypass-versions", .daypass, "Pods of Daypass that run different images") { facts throws(Skip) in
            try Scheduling.versions(facts)
        },
        Check("daypass-node-name", .daypass, "NODE_NAME is missing, so Pods are not watched") { facts throws(Skip) in
            let daypass = try facts.objects.daypass()
            if case .off? = facts.nodeConfiguration?.builds.pods { return [.note(daypass.place, "builds.pods is off")] }
            if case .at(let source)? = facts.nodeConfiguration?.builds.pods, source.nodeName != nil { return [] }
            let variables = daypass.container.tree["env"]?.elements ?? []
            let variable = variables.first { $0["name"]?.text == "NODE_NAME" }
            let field = variable?["valueFrom", "fieldRef", "fieldPath"]?.text
            guard field != "spec.nodeName" else { return [] }
            let message = variable == nil ? "NODE_NAME is not set" : "NODE_NAME is not taken from spec.nodeName"
            let consequence = "Pods are not watched, and ends of builds show late or not at all"
            let fix = "env: [{ name: NODE_NAME, valueFrom: { fieldRef: { fieldPath: spec.nodeName } } }]"
            return [.warning(daypass.place, "\(message): \(consequence)", fix: fix)]
        },
        Check("daypass-state", .daypass, "the journal or the admin socket is not in a directory of the node") {
            facts throws(Skip) in
            try DaemonSurroundings(facts).state()
        },
        Check("daypass-security", .daypass, "settings of the Pod with which the daemon can't serve the driver") {
            facts throws(Skip) in
            try DaemonSurroundings(facts).security()
        },
        Check("daypass-grace", .daypass, "a grace period that is shorter than the daemon's own end") {
            facts throws(Skip) in
            try DaemonSurroundings(facts).grace()
        },
        Check("kubelet-directory", .daypass, "kubelet's directory of Pods is mounted from, or at, another path") {
            facts throws(Skip) in
            try DaemonSurroundings(facts).kubelet()
        },
    ]
}

/// Where Pods of the two DaemonSets run.
private enum Scheduling {
    static func compare(_ daypass: Workload, _ driver: Workload) -> [Trouble] {
        var troubles: [Trouble] = []
        let own = daypass.template.tree["tolerations"]?.elements ?? []
        for toleration in driver.template.tree["tolerations"]?.elements ?? []
        where !own.contains(where: { covers($0, toleration) }) {
            let words = [toleration["key"]?.text, toleration["effect"]?.text].compactMap(\.self).joined(separator: ":")
            let what = words.isEmpty ? "everything" : Printable.text(words)
            let message = "the driver tolerates \(what), and Daypass does not: on such nodes Pods wait for a provider"
            troubles.append(.warning(daypass.place, message, fix: "tolerations: [{ operator: Exists }]"))
        }
        for (key, value) in daypass.template.nodeSelector.sorted(by: { $0.key < $1.key })
        where driver.template.nodeSelector[key] != value && key != "kubernetes.io/os" {
            let message =
                "it runs only on nodes with \(Printable.text(key))=\(Printable.text(value)), the driver on others too"
            let fix = "take it out of nodeSelector, or keep builds on those nodes"
            troubles.append(.warning(daypass.place, message, fix: fix))
        }
        return troubles
    }

    /// Whether one toleration lets a Pod onto every node that the other does
    /// (<https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/>).
    private static func covers(_ own: ObjectTree, _ other: ObjectTree) -> Bool {
        func exists(_ one: ObjectTree) -> Bool { one["operator"]?.text == "Exists" }
        let ownKey = own["key"]?.text ?? ""
        let effect = own["effect"]?.text ?? ""
        guard effect.isEmpty || effect == other["effect"]?.text else { return false }
        if ownKey.isEmpty { return exists(own) }
        guard ownKey == other["key"]?.text else { return false }
        return exists(own) || (!exists(other) && own["value"]?.text == other["value"]?.text)
    }

    static func versions(_ facts: Facts) throws(Skip) -> [Trouble] {
        let daypass = try facts.objects.daypass()
        var nodes: [String: [String]] = [:]
        for pod in try facts.objects.pods.get() where isMade(pod, by: daypass) {
            guard let template = PodTemplate(pod) else { continue }
            let container = template.containers.first { $0.name == daypass.container.name }
            nodes[container?.image ?? "", default: []].append(template.nodeName ?? "no node")
        }
        guard nodes.count > 1 else {
            if nodes.isEmpty {
                throw Skip("its Pods are not among those that were looked at", fix: "leave --namespace out")
            }
            return []
        }
        let wanted = daypass.container.image
        return nodes.filter { $0.key != wanted }.sorted { $0.key < $1.key }.map { image, nodes in
            let message =
                "\(Printable.text(image)) runs on \(Printable.list(nodes)), and \(Printable.text(wanted)) is wanted"
            let name = "\(ObjectName.shell(daypass.object.name)) -n \(ObjectName.shell(daypass.object.namespace))"
            return .warning(daypass.place, message, fix: "kubectl rollout status daemonset \(name)")
        }
    }

    private static func isMade(_ pod: KubeObject, by daypass: Workload) -> Bool {
        guard pod.namespace == daypass.object.namespace, pod.kind == "Pod" else { return false }
        let owners = pod.tree["metadata", "ownerReferences"]?.elements ?? []
        return owners.contains { $0["kind"]?.text == "DaemonSet" && $0["name"]?.text == daypass.object.name }
    }
}
