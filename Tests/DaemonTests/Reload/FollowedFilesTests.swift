// Files that change in all the ways in which files change: what they hold comes into force by itself.

import Foundation
import Glibc
import Leases
import Support
import Testing
import TokenStore

@testable import Daemon

struct FollowedFilesTests {
    /// Kubelet's way: a new folder, and one link that is moved over the old one.
    @Test func aLinkIsSwapped() async throws {
        try await ReloadBench.with { bench in
            let folder = bench.path("volume")
            func publish(_ version: Int, _ key: String) throws {
                let new = "\(folder)/..\(version)"
                try FileManager.default.createDirectory(atPath: new, withIntermediateDirectories: true)
                try ReloadBench.write(key, to: "\(new)/key")
                try FileManager.default.createSymbolicLink(
                    atPath: "\(folder)/..tmp",
                    withDestinationPath: "..\(version)"
                )
                #expect(rename("\(folder)/..tmp", "\(folder)/..data") == 0)
            }
            try publish(1, "key 1")
            try FileManager.default.createSymbolicLink(
                atPath: "\(folder)/key",
                withDestinationPath: "..data/key"
            )
            try bench.write(bench.yaml([bench.store("github", key: "volume/key")]), to: "node.yaml")
            await until { bench.inForce.status.applied == 1 }
            try publish(2, "key 2")
            await until { bench.inForce.status.applied == 2 }
            try publish(3, "key 3")
            await until { bench.inForce.status.applied == 3 }
            let lease = try await bench.mount("github")
            #expect(lease.token.secret.revealText() == "token by key 3")
            await until { bench.lines("configuration applied") == 3 }
            #expect(bench.lines("configuration applied", "the files of store github changed") == 2)
        }
    }

    @Test func aFileIsMovedIntoPlaceOrWrittenOver() async throws {
        try await ReloadBench.with { bench in
            let first = bench.inForce.status.digest
            try bench.write(bench.yaml([bench.store("github")], grants: ["other"]), to: "node.yaml")
            await until { bench.inForce.status.applied == 1 }
            let second = bench.inForce.status.digest
            // The line is written a moment later.
            await until { bench.lines("configuration applied") == 1 }
            #expect(first != second && bench.lines(first, second, "grant to-other added; grant to-github removed") == 1)
            try bench.overwrite(bench.yaml([bench.store("github")]), in: "node.yaml")
            await until { bench.inForce.status.applied == 2 }
            #expect(bench.inForce.status.digest == first)
        }
    }

    /// A file that is empty or gone for longer than a moment changes nothing, and is told once.
    @Test func aFileThatIsEmptyOrGoneChangesNothing() async throws {
        try await ReloadBench.with { bench in
            let text = bench.yaml([bench.store("github")])
            let digest = bench.inForce.status.digest
            try bench.overwrite("", in: "node.yaml")
            await until { bench.inForce.status.refused == 1 }
            try FileManager.default.removeItem(atPath: bench.path("node.yaml"))
            await until { bench.inForce.status.refused == 2 }
            #expect(bench.inForce.status.lastRefusal?.message.contains("No such file") == true)
            for _ in 1...3 {
                let report = try await bench.reload()
                #expect(report.outcome == .refused && report.problems.count == 1)
            }
            #expect(bench.lines("configuration refused") == 2)
            #expect(bench.inForce.status.digest == digest && !bench.inForce.status.isCurrent)
            try bench.write(text, to: "node.yaml")
            await until { bench.lines("hold again what is in force") == 1 }
            #expect(bench.inForce.status.isCurrent && bench.lines("hold again what is in force") == 1)
            #expect(bench.inForce.status.applied == 0 && bench.inForce.status.digest == digest)
        }
    }
}
