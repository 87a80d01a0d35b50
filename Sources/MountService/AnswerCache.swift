// The encoded answer of each volume, kept while its leases and its request stay the same.

package import Leases
import MountRequests
import ProviderAPI
package import Refusals
package import Rendering
import SwiftProtobuf
import Synchronization
import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// Renders and encodes answers, each once: a republish gets the very same bytes again.
package final class AnswerCache: Sendable {
    private struct Volume: Hashable {
        let podUID: String
        let name: String
    }

    private struct Entry {
        let serials: [UInt64]
        let files: [FileAsk]
        let bytes: [UInt8]
        let until: UTCInstant
    }

    private struct State {
        var entries: [Volume: Entry] = [:]
        var nextSweepAt = 256
    }

    private let state = Mutex(State())

    package init() {}

    /// The bytes of the `MountResponse` for a plan and its leases, in the plan's order of tokens.
    package func answer(
        _ plan: MountPlan,
        _ leases: [Lease],
        versioner: ObjectVersioner
    ) throws(Refusal) -> [UInt8] {
        let volume = Volume(podUID: plan.subject.podUID, name: plan.volume)
        let serials = leases.map(\.serial)
        let known: [UInt8]? = state.withLock { state in
            guard let entry = state.entries[volume], entry.serials == serials, entry.files == plan.files else {
                return nil
            }
            return entry.bytes
        }
        if let known { return known }
        let bytes = try Self.encode(plan, leases, versioner: versioner)
        let until = leases.map(\.usableUntil).min() ?? UTCInstant(epochSeconds: 0)
        let newest = leases.map(\.issuedAt).max() ?? UTCInstant(epochSeconds: 0)
        state.withLock { state in
            state.entries[volume] = Entry(serials: serials, files: plan.files, bytes: bytes, until: until)
            // Volumes whose tokens have expired belong to Pods that are gone. Doubling keeps the cost of looking low.
            if state.entries.count >= state.nextSweepAt {
                state.entries = state.entries.filter { newest < $0.value.until }
                state.nextSweepAt = max(256, state.entries.count * 2)
            }
        }
        return bytes
    }

    private static func encode(
        _ plan: MountPlan,
        _ leases: [Lease],
        versioner: ObjectVersioner
    ) throws(Refusal) -> [UInt8] {
        var response = V1alpha1_MountResponse()
        var issued: [String: IssuedToken] = [:]
        for (token, lease) in zip(plan.tokens, leases) { issued[token.key.token] = lease.token }
        for file in try plan.filePlan().render(issued) {
            response.files.append(
                V1alpha1_File.with {
                    $0.path = file.path
                    $0.mode = Int32(file.mode)
                    $0.contents = Data(file.contents)
                }
            )
            response.objectVersion.append(
                V1alpha1_ObjectVersion.with {
                    $0.id = file.path
                    $0.version = versioner.version(of: file)
                }
            )
        }
        do { return try response.serializedBytes() } catch {
            throw Refusal(.defect, "the answer could not be encoded")
        }
    }
}
