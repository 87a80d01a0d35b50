// Which connections make room for new ones.

import Testing

@testable import AdminHTTP

@Suite struct ConnectionRoomTests {
    private let pods = (0..<8).map { HTTPRequest.Peer.ip("10.0.0.\($0)") }
    private let room = ConnectionRoom(limit: 4, limitForPeer: 2)

    /// Enters a connection that has no descriptor: what is shut down of it is nothing.
    private func enter(_ peer: HTTPRequest.Peer) -> ConnectionRoom.Entry { room.enter(-1, of: peer) }

    /// Fills the room with the numbers 1 to 4, of four peers.
    private func fill() { for pod in pods.prefix(4) { _ = enter(pod) } }

    @Test func theOldestWithoutARequestMakesRoom() {
        fill()
        room.move(1, to: .inWork)
        #expect(enter(pods[4]) == .entered(5, evicted: 2))
        // The one that was asked to leave is not asked again, and takes no place.
        #expect(enter(pods[5]) == .entered(6, evicted: 3))
        room.leave(2)
        room.leave(3)
        #expect(room.count == 4)
        room.leave(4)
        #expect(enter(pods[6]) == .entered(7, evicted: nil))
    }

    @Test func whoWasAnsweredGoesBeforeWhoWaitsForAnAnswer() {
        fill()
        for id in UInt64(1)...4 { room.move(id, to: .inWork) }
        // kubelet's probe is one of them: the new one is closed.
        #expect(enter(pods[4]) == .full)
        room.move(3, to: .answered)
        #expect(enter(pods[4]) == .entered(5, evicted: 3))
        #expect(enter(pods[5]) == .entered(6, evicted: 5))
        room.move(6, to: .inWork)
        #expect(enter(pods[6]) == .full)
    }

    @Test(arguments: [HTTPRequest.Peer.ip("10.1.0.1"), .ip("127.0.0.1"), .unix])
    func aPeerMakesRoomForItself(_ peer: HTTPRequest.Peer) {
        #expect(enter(pods[0]) == .entered(1, evicted: nil))
        #expect(enter(peer) == .entered(2, evicted: nil))
        #expect(enter(peer) == .entered(3, evicted: nil))
        #expect(enter(peer) == .entered(4, evicted: 2))
        room.leave(2)
        room.move(3, to: .inWork)
        room.move(4, to: .inWork)
        #expect(enter(peer) == .tooManyOfPeer)
        #expect(enter(pods[1]) == .entered(5, evicted: nil))
        room.leave(3)
        #expect(enter(peer) == .entered(6, evicted: nil))
    }

    @Test func thoseWhoDoNotLeaveCountTwice() {
        for id in UInt64(1)...4 { #expect(enter(.unix) == .entered(id, evicted: id > 2 ? id - 2 : nil)) }
        #expect(enter(.unix) == .tooManyOfPeer)
        for pod in pods.prefix(4) { _ = enter(pod) }
        #expect(room.count == 8)
        #expect(enter(pods[5]) == .full)
        room.leave(1)
        #expect(enter(pods[5]) != .full)
    }
}
