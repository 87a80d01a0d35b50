// The socket's file: when it appears, whose it is, and what it must not replace.

import Glibc
import Testing

@testable import UnaryRPC

func writeFile(_ path: String, _ text: String) throws {
    let file = try #require(fopen(path, "w"))
    fputs(text, file)
    fclose(file)
}

@Suite("The listener's file")
struct ListenerTests {
    @Test("the path appears with publish, with the mode asked for", arguments: [0o600, 0o660, 0o666] as [UInt32])
    func publishes(mode: UInt32) async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let listener = try UnixSocketListener.bind(path: path, mode: mode, logger: quiet)
            let temporary = names(in: directory)
            #expect(temporary.count == 1)
            #expect(temporary.allSatisfy { !$0.hasSuffix(".sock") && $0.hasPrefix(".") })
            #expect(
                FileStatus(of: "\(directory)/\(temporary[0])", followingLinks: false).map { $0.mode & 0o777 } == mode
            )
            try listener.publish()
            try listener.publish()
            #expect(names(in: directory) == ["x.sock"])
            #expect(FileStatus(of: path, followingLinks: false).map { $0.mode & 0o777 } == mode)
            listener.close()
            listener.close()
            #expect(names(in: directory) == [])
        }
    }

    @Test("a listener that is never published leaves nothing")
    func neverPublished() async throws {
        try await withDirectory { directory in
            let listener = try UnixSocketListener.bind(path: "\(directory)/x.sock", logger: quiet)
            listener.close()
            #expect(names(in: directory) == [])
        }
    }

    @Test("a stale socket is replaced at the moment of publication")
    func staleSocket() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let stale = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
            try #require(withSocketAddress(path) { bind(stale, $0, $1) } == 0)
            close(stale)
            let before = try #require(FileStatus(of: path, followingLinks: false))
            let listener = try UnixSocketListener.bind(path: path, logger: quiet)
            #expect(FileStatus(of: path, followingLinks: false)?.isSameFile(as: before) == true)
            try listener.publish()
            #expect(FileStatus(of: path, followingLinks: false)?.isSameFile(as: before) == false)
            #expect(RawPeer(connectingTo: path) != nil)
            listener.close()
        }
    }

    @Test("two servers overlap: the successor's socket survives the predecessor's end")
    func overlap() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let first = try UnixSocketListener.bind(path: path, logger: quiet)
            try first.publish()
            let second = try UnixSocketListener.bind(path: path, logger: quiet)
            try second.publish()
            first.close()
            #expect(names(in: directory) == ["x.sock"])
            #expect(RawPeer(connectingTo: path) != nil)
            second.close()
            #expect(names(in: directory) == [])
        }
    }

    @Test("a server that ends while its successor begins leaves the successor's socket")
    func handover() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            for _ in 0..<100 {
                let first = try UnixSocketListener.bind(path: path, logger: quiet)
                try first.publish()
                let second = try UnixSocketListener.bind(path: path, logger: quiet)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { first.close() }
                    group.addTask { try second.publish() }
                    try await group.waitForAll()
                }
                #expect(RawPeer(connectingTo: path) != nil)
                second.close()
                #expect(names(in: directory) == [])
            }
        }
    }

    @Test("what is not a socket is refused and stays")
    func notASocket() async throws {
        try await withDirectory { directory in
            try writeFile("\(directory)/file", "precious")
            try #require(mkdir("\(directory)/dir", 0o700) == 0)
            try #require(symlink("\(directory)/nowhere", "\(directory)/link") == 0)
            let before = names(in: directory)
            for name in before {
                let error = #expect(throws: UnixSocketError.self) {
                    try UnixSocketListener.bind(path: "\(directory)/\(name)", logger: quiet)
                }
                #expect(error?.reason == .notASocket)
                #expect(
                    error?.description
                        == "SocketPathTaken: \(directory)/\(name) exists and is not a socket; remove it or choose another path"
                )
            }
            #expect(names(in: directory) == before)
        }
    }

    @Test("a missing directory is named")
    func missingDirectory() {
        let error = #expect(throws: UnixSocketError.self) {
            try UnixSocketListener.bind(path: "/nonexistent/dir/x.sock", logger: quiet)
        }
        #expect(error?.reason == .noDirectory)
        #expect(
            error?.description
                == "SocketDirectoryMissing: the directory /nonexistent/dir of the socket /nonexistent/dir/x.sock does not exist; create it first"
        )
    }

    @Test("a path of 107 bytes is served, one of 108 is refused with its length")
    func longPaths() async throws {
        try await withDirectory { directory in
            let longest = "\(directory)/" + String(repeating: "a", count: 107 - directory.utf8.count - 1)
            let listener = try UnixSocketListener.bind(path: longest, logger: quiet)
            try await withUnaryServer(on: listener, logger: quiet, handler: echo) { server in
                try await withUnaryClient(socketPath: server.socketPath) { client in
                    let answer = try await client.call("/test/Echo", [1])
                    #expect(answer == [1])
                }
            }
            let error = #expect(throws: UnixSocketError.self) {
                try UnixSocketListener.bind(path: longest + "b", logger: quiet)
            }
            #expect(error?.reason == .pathTooLong)
            #expect(error?.description.contains("has 108 bytes and a Unix socket's path at most 107") == true)
        }
    }

    @Test("a path without a name is refused", arguments: ["", "/", "/tmp/", "/tmp/..", "."])
    func noName(path: String) {
        let error = #expect(throws: UnixSocketError.self) { try UnixSocketListener.bind(path: path, logger: quiet) }
        #expect(error?.reason == .badPath)
    }

    @Test("sockets that a crash left under temporary names go, others stay")
    func abandoned() async throws {
        try await withDirectory { directory in
            let path = "\(directory)/x.sock"
            let address = try UnixSocketAddress(path: path)
            let crashed = address.temporaryPath()
            for name in [crashed, "\(directory)/other.sock"] {
                let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
                try #require(withSocketAddress(name) { bind(descriptor, $0, $1) } == 0)
                close(descriptor)
            }
            let waiting = try UnixSocketListener.bind(path: path, logger: quiet)
            #expect(names(in: directory).count == 3)
            address.removeAbandoned(olderThan: 3600)
            #expect(names(in: directory).count == 3)
            address.removeAbandoned(olderThan: -1)
            #expect(names(in: directory).count == 2)
            #expect(FileStatus(of: crashed, followingLinks: false) == nil)
            try waiting.publish()
            #expect(names(in: directory) == ["other.sock", "x.sock"])
            waiting.close()
        }
    }
}
