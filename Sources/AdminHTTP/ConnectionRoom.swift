// The connections that are open, and which of them makes room for a new one.

import Glibc
import Synchronization

/// Counts connections, in all and for each peer, and shuts some of them down when there are too many.
///
/// Who has asked is answered: a connection whose request is complete is never closed for a newer one while its answer is
/// under way, so that nobody can end kubelet's probe by connecting often. No peer gets more than its part of the room.
///
/// A descriptor is in here from its acceptance until just before it is closed, so that none is shut down whose number
/// already belongs to somebody else.
final class ConnectionRoom: Sendable {
    /// How far a connection has come, in the order in which they make room for new ones.
    enum Stage {
        /// Its request is not complete.
        case asking
        /// It was answered, and the caller has not closed it yet.
        case answered
        /// Its answer is being found or sent.
        case inWork
    }

    /// What becomes of a new connection.
    enum Entry: Hashable {
        /// It is in, with its number. `evicted` is the number of the one that was closed for it.
        case entered(UInt64, evicted: UInt64?)
        /// Its peer has as many as it may have, and none of them makes room.
        case tooManyOfPeer
        /// There is no room, and nobody makes any.
        case full
    }

    private struct Connection {
        let id: UInt64
        let descriptor: Int32
        let peer: HTTPRequest.Peer
        var stage = Stage.asking
        var isLeaving = false
    }

    private struct State {
        /// The oldest first.
        var open: [Connection] = []
        var lastID: UInt64 = 0

        /// Those that were not asked to leave.
        func staying(_ indices: some Sequence<Int>) -> [Int] { indices.filter { !open[$0].isLeaving } }

        /// Which one makes room: the oldest that asks, else the oldest that was answered.
        func leaver(_ indices: some Sequence<Int>) -> Int? {
            let candidates = staying(indices)
            return candidates.first { open[$0].stage == .asking } ?? candidates.first { open[$0].stage == .answered }
        }
    }

    private let limit: Int
    private let limitForPeer: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - limit: how many there may be.
    ///   - limitForPeer: how many one address may have; all callers of a Unix socket are one.
    init(limit: Int, limitForPeer: Int) {
        self.limit = limit
        self.limitForPeer = limitForPeer
    }

    /// How many are open.
    var count: Int { state.withLock { $0.open.count } }

    /// Takes a connection in. Those that were asked to leave still count for twice the limits.
    func enter(_ descriptor: Int32, of peer: HTTPRequest.Peer) -> Entry {
        state.withLock { state in
            let ofPeer = state.open.indices.filter { state.open[$0].peer == peer }
            guard ofPeer.count < limitForPeer * 2 else { return .tooManyOfPeer }
            guard state.open.count < limit * 2 else { return .full }
            var leaver: Int?
            if state.staying(ofPeer).count >= limitForPeer {
                // A peer makes room for itself.
                leaver = state.leaver(ofPeer)
                if leaver == nil { return .tooManyOfPeer }
            } else if state.staying(state.open.indices).count >= limit {
                leaver = state.leaver(state.open.indices)
                if leaver == nil { return .full }
            }
            if let leaver {
                state.open[leaver].isLeaving = true
                // Its reads and writes end at once.
                shutdown(state.open[leaver].descriptor, Int32(SHUT_RDWR))
            }
            state.lastID += 1
            state.open.append(Connection(id: state.lastID, descriptor: descriptor, peer: peer))
            return .entered(state.lastID, evicted: leaver.map { state.open[$0].id })
        }
    }

    /// A connection has come further.
    func move(_ id: UInt64, to stage: Stage) {
        state.withLock { state in
            guard let index = state.open.firstIndex(where: { $0.id == id }) else { return }
            state.open[index].stage = stage
        }
    }

    /// Lets a connection go; its descriptor may be closed then.
    func leave(_ id: UInt64) { state.withLock { $0.open.removeAll { $0.id == id } } }
}
