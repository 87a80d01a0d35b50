// What the Pod watch asks of an API server.

package import KubernetesAPI

/// The three calls about Pods that the watch makes.
package protocol PodAPI: Sendable {
    /// The Pods of a node, or a page of them.
    ///
    /// - Parameter limit: the most Pods in a page; `nil` takes all at once from the server's memory
    ///   (`resourceVersion=0`), which may be a little behind.
    func list(node: String, limit: Int?, continuing token: String?) async throws(KubernetesError) -> PodPage

    /// The Pod that has this name now.
    func get(_ name: PodName) async throws(KubernetesError) -> PodAnswer

    /// Watches a node's Pods from a resource version on. It returns when the server ends the watch properly.
    ///
    /// - Parameters:
    ///   - span: how long the watch may last.
    ///   - opened: called when the server took the call.
    ///   - event: called for each event, in order, ``PodEvent/failure(code:reason:)`` excepted: that one is thrown.
    func watch(
        node: String,
        from version: String,
        span: Duration,
        opened: () -> Void,
        event: (PodEvent) -> Void
    ) async throws(KubernetesError)
}

/// A part of a list.
package struct PodPage: Sendable {
    package var pods: [PodFacts]
    /// The list's resource version: where a watch goes on.
    package var version: String
    /// What fetches the next page; `nil` after the last one.
    package var next: String?

    package init(pods: [PodFacts], version: String, next: String? = nil) {
        self.pods = pods
        self.version = version
        self.next = next
    }
}
