// Which directories tell of changes, in the layouts of kubelet and of people.

import Foundation
import Support
import Testing

@testable import Daemon

struct WatchedDirectoriesTests {
    private static func inFolder(_ body: (String) throws -> Void) throws {
        let name = "daypass-watched-\(UUID().uuidString.prefix(8))"
        let folder = FileManager.default.temporaryDirectory.appending(path: name).resolvingSymlinksInPath()
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try body(folder.path)
    }

    private static func link(_ path: String, to target: String) throws {
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: target)
    }

    @Test func kubeletsVolume() throws {
        try Self.inFolder { folder in
            try FileManager.default.createDirectory(atPath: "\(folder)/..1", withIntermediateDirectories: true)
            try Data("x".utf8).write(to: URL(filePath: "\(folder)/..1/node.yaml"))
            try Self.link("\(folder)/..data", to: "..1")
            try Self.link("\(folder)/node.yaml", to: "..data/node.yaml")
            #expect(WatchedDirectories.of(["\(folder)/node.yaml"]) == [folder, "\(folder)/..1"])
        }
    }

    @Test func linksUpAndAcross() throws {
        try Self.inFolder { folder in
            for name in ["a", "b/c"] {
                try FileManager.default.createDirectory(atPath: "\(folder)/\(name)", withIntermediateDirectories: true)
            }
            try Data("x".utf8).write(to: URL(filePath: "\(folder)/b/c/key"))
            try Self.link("\(folder)/a/key", to: "../b/./c/key")
            try Self.link("\(folder)/d", to: "\(folder)/a")
            #expect(WatchedDirectories.of(["\(folder)/d/key"]) == [folder, "\(folder)/a", "\(folder)/b/c"])
        }
    }

    @Test func whatIsNotThereYet() throws {
        try Self.inFolder { folder in
            #expect(WatchedDirectories.of(["\(folder)/x/y/key", "\(folder)/z"]) == [folder])
            try Self.link("\(folder)/circle", to: "circle")
            #expect(WatchedDirectories.of(["\(folder)/circle"]) == [folder])
        }
    }
}
