// The ways in which the loopback Pod API misbehaves.

/// A kind of call of the Pod API.
package enum PodCall: Sendable, Hashable, CaseIterable {
    case list, get, watch
    case createEvent, patchEvent
    /// Of a SecretProviderClass.
    case getClass
    case getNode, patchNode
}

/// What an API server, or something between it and us, does wrong.
package enum PodFault: Sendable, Hashable {
    // Any call.

    /// It answers with this status and a Status object.
    case status(Int, retryAfter: Int? = nil)
    /// It takes the call and never answers.
    case hangs
    /// It takes the call and closes the connection.
    case drops
    /// It answers as it should, this much later.
    case delays(Duration)
    /// It answers 200 and what is no JSON.
    case talksGarbage

    // Events.

    /// It answers that the namespace is being deleted.
    case terminatesNamespace
    /// It answers that the namespace has used up its ResourceQuota.
    case exceedsQuota
    /// It makes the event, and closes the connection instead of an answer.
    case losesAnswer

    // Nodes.

    /// Somebody adds a taint at the head of the list before the patch is applied.
    case movesTaints

    // Lists.

    /// It answers with a well-formed list without Pods.
    case emptyList
    /// It closes the connection in the middle of the list.
    case cutsList
    /// It answers the second page and later ones with 410.
    case expiresPages

    // Watches.

    /// It sends an `ERROR` event with 410.
    case expiresWatch
    /// It takes the watch and ends it properly, at once.
    case endsAtOnce
    /// It sends half of the first event and closes the connection.
    case closesInMidLine
    /// It sends half of the first event and ends the watch properly.
    case endsInMidLine
    /// It sends a line that is no event, then ends the watch.
    case garbageLine
    /// It sends a line of this many bytes.
    case longLine(Int)
    /// It takes the watch and sends nothing, not even bookmarks.
    case staysSilent
    /// It leaves out all events.
    case losesEvents
    /// It sends each event twice.
    case duplicates
    /// It holds each event back until the next one was sent.
    case reorders
}
