// A volume in a scratch directory, and what tests ask about it.

import Foundation
import Synchronization
import Testing
import VolumeWriter

/// A scratch directory for one test, which goes away with it.
final class ScratchVolume: Sendable {
    let parent: String
    let path: String
    private let count = Atomic<UInt64>(0)

    init() throws {
        parent = FileManager.default.temporaryDirectory.appending(path: "daypass-\(UUID().uuidString)").path()
        path = parent + "/volume"
        try FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: parent) }

    /// 2026-11-23T12:00:00Z, and 1, 2, 3... for randomness.
    func writer(owner: VolumeOwner = VolumeOwner()) -> VolumeWriter {
        VolumeWriter(
            directory: path,
            owner: owner,
            now: { 1_795_435_200 },
            random: { self.count.add(1, ordering: .relaxed).newValue }
        )
    }

    @discardableResult
    func write(_ files: [String: String], mode: Int = 0o444) throws -> VolumeWriter.Outcome {
        try writer().write(
            files.map { VolumeFile(path: $0.key, mode: mode, contents: Array($0.value.utf8)) }.sorted {
                $0.path < $1.path
            }
        )
    }

    func names(_ folder: String = "") throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: "\(path)/\(folder)").sorted()
    }

    func link(_ name: String) throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: "\(path)/\(name)")
    }

    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }

    func attributes(_ name: String) throws -> [FileAttributeKey: Any] {
        try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
    }

    /// Inode and time of change of everything in the volume.
    func state() throws -> [String] {
        var entries: [String] = []
        let walk = try #require(FileManager.default.enumerator(atPath: path))
        for case let name as String in walk {
            let attributes = try attributes(name)
            entries.append("\(name) \(attributes[.systemFileNumber]!) \(attributes[.modificationDate]!)")
        }
        return entries.sorted()
    }
}
