// One watch of the loopback Pod API.

import FlyingSocks
import Synchronization

extension PodConnection {
    /// Sends the changes after the asked resource version, in chunks, until the watch's time is over.
    func watch(_ request: PodRequest, _ fault: PodFault?) async throws {
        guard let node = request.node else { return try await write(Self.head(400, "Content-Length: 0")) }
        try await write(Self.head(200, "Transfer-Encoding: chunked"))
        let start = Int(request.query["resourceVersion"] ?? "") ?? 0
        let isTooOld = pods.state.withLock { start < $0.ledger.compacted }
        switch fault {
        case .endsAtOnce: return try await end()
        case .staysSilent: return try await hang()
        case .garbageLine:
            try await chunk("{\"type\":\"ADDED\",\"object\":\n")
            return try await end()
        case .longLine(let bytes):
            return try await chunk("{\"type\":\"ADDED\",\"object\":\"" + String(repeating: "x", count: bytes))
        case .expiresWatch:
            return try await expire()
        default:
            if isTooOld { return try await expire() }
        }
        let opening = pods.state.withLock { state in
            state.openWatches += 1
            return state
        }
        defer { pods.state.withLock { $0.openWatches -= 1 } }
        let seconds = Int(request.query["timeoutSeconds"] ?? "") ?? 3600
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                try await follow(node, from: start, request.query["allowWatchBookmarks"] == "true", fault, opening)
            }
            group.addTask {
                try await Task.sleep(for: .seconds(seconds))
                try await end()
            }
            try await group.next()
            group.cancelAll()
        }
    }

    private func follow(
        _ node: String?,
        from start: Int,
        _ wantsBookmarks: Bool,
        _ fault: PodFault?,
        _ opening: LoopbackPods.State
    ) async throws {
        var version = start
        var bookmarks = opening.bookmarks
        var held: String?
        for await _ in pods.changes() {
            let (changes, state) = pods.state.withLock { ($0.ledger.changes(after: version, node: node), $0) }
            version = state.ledger.version
            for change in changes where fault != .losesEvents {
                let line = PodObjects.event(change.type, PodObjects.pod(change.pod)) + "\n"
                switch fault {
                case .closesInMidLine: return try await chunk(String(line.prefix(line.count / 2)))
                case .endsInMidLine:
                    try await chunk(String(line.prefix(line.count / 2)))
                    return try await end()
                case .duplicates:
                    try await chunk(line + line)
                case .reorders:
                    guard let before = held else {
                        held = line
                        continue
                    }
                    held = nil
                    try await chunk(line + before)
                default:
                    // In two pieces, as networks do.
                    try await chunk(String(line.prefix(40)))
                    try await chunk(String(line.dropFirst(40)))
                }
            }
            if wantsBookmarks, state.bookmarks != bookmarks {
                bookmarks = state.bookmarks
                try await chunk(PodObjects.bookmark(version: version) + "\n")
            }
            if state.endings != opening.endings { return try await end() }
        }
    }

    private func expire() async throws {
        try await chunk(PodObjects.event("ERROR", PodObjects.status(410)) + "\n")
        try await end()
    }

    private func chunk(_ text: String) async throws {
        try await write("\(String(text.utf8.count, radix: 16))\r\n\(text)\r\n")
    }

    private func end() async throws { try await write("0\r\n\r\n") }
}
