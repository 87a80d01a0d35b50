// The Pods of a loopback cluster and their history, as an API server keeps them. Pure.

import TokenStore

/// One Pod at one time.
struct LedgerPod: Sendable {
    /// What became of its container.
    struct Run: Sendable {
        var takenUp: UTCInstant
        var startedAt: UTCInstant
        var restarts: Int
    }

    var subject: Subject
    var node: String
    var phase: String
    /// The resource version of this state.
    var version: Int
    var isBeingDeleted = false
    var className: String?
    var run: Run?
}

/// Pods by UID, and each change with its resource version.
struct PodLedger: Sendable {
    struct Change: Sendable {
        /// `ADDED`, `MODIFIED` or `DELETED`.
        var type: String
        var pod: LedgerPod
    }

    private(set) var version = 1000
    private(set) var pods: [String: LedgerPod] = [:]
    private(set) var changes: [Change] = []
    /// Changes up to this version are forgotten.
    private(set) var compacted = 0

    mutating func add(_ subject: Subject, node: String, phase: String, className: String? = nil) {
        record("ADDED", LedgerPod(subject: subject, node: node, phase: phase, version: 0, className: className))
    }

    mutating func change(_ uid: String, _ change: (inout LedgerPod) -> Void) {
        guard var pod = pods[uid] else { return }
        change(&pod)
        record("MODIFIED", pod)
    }

    mutating func delete(_ uid: String) {
        guard let pod = pods[uid] else { return }
        record("DELETED", pod)
        pods[uid] = nil
    }

    /// Forgets the history, as etcd does after some minutes: older versions can't be watched from.
    mutating func compact() {
        // Something else in the cluster changed since.
        version += 1
        compacted = version
        changes = []
    }

    /// The changes on a node after `version`, oldest first.
    func changes(after version: Int, node: String?) -> [Change] {
        changes.filter { $0.pod.version > version && (node == nil || $0.pod.node == node) }
    }

    /// The Pods of a node in the order of an API server: by namespace and name.
    func list(node: String?) -> [LedgerPod] {
        pods.values.filter { node == nil || $0.node == node }
            .sorted { ($0.subject.namespace, $0.subject.podName) < ($1.subject.namespace, $1.subject.podName) }
    }

    func pod(namespace: String, name: String) -> LedgerPod? {
        pods.values.first { $0.subject.namespace == namespace && $0.subject.podName == name }
    }

    private mutating func record(_ type: String, _ pod: LedgerPod) {
        version += 1
        var pod = pod
        pod.version = version
        pods[pod.subject.podUID] = pod
        changes.append(Change(type: type, pod: pod))
    }
}
