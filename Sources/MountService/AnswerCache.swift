// The encoded answer of each volume, kept while its leases and its request stay the same.

package import Leases
package import MountRequests
import ProviderAPI
package import Refusals
package import Rendering
import SwiftProtobuf
import Synchronization
package import TokenStore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The answers that were given, by volume: a republish gets the very same bytes, without reading a parameter again.
///
/// It is bounded in bytes and forgets the oldest first; an answer that it forgot is made anew from the leases.
package final class AnswerCache: Sendable {
    private struct Volume: Hashable {
        let podUID: String
        let name: String
    }

    private struct Entry {
        let parameters: [String: String]
        let plan: MountPlan
        let leases: [LeaseID]
        let bytes: [UInt8]
        let until: UTCInstant
        let order: UInt64

        /// About the memory that it holds.
        var cost: Int { parameters.reduce(1024 + bytes.count) { $0 + $1.key.utf8.count + $1.value.utf8.count } }
    }

    private struct State {
        var entries: [Volume: Entry] = [:]
        var cost = 0
        var nextOrder: UInt64 = 0
        var nextSweep: UTCInstant?
    }

    private let budget: Int
    private let clock: any WallClock
    private let state = Mutex(State())

    /// - Parameter budget: the most bytes that answers may hold. A real one has a few kilobytes.
    package init(clock: any WallClock, budget: Int = 32 << 20) {
        self.clock = clock
        self.budget = budget
    }

    /// The number of answers that are held.
    package var count: Int { state.withLock { $0.entries.count } }

    /// The answer to a call that asks for the same as the last one of its volume, when no lease needs a refresh.
    package func fresh(_ claim: MountClaim, _ subject: Subject, _ leases: LeaseManager) -> [UInt8]? {
        let volume = Volume(podUID: subject.podUID, name: claim.volume)
        guard let entry = state.withLock({ $0.entries[volume] }) else { return nil }
        guard entry.plan.subject == subject, entry.parameters == claim.parameters else { return nil }
        for (token, id) in zip(entry.plan.tokens, entry.leases) {
            guard leases.fresh(token.key)?.id == id else { return nil }
        }
        return entry.bytes
    }

    /// The bytes of the `MountResponse` for a plan and its leases, in the plan's order of tokens.
    package func answer(
        _ plan: MountPlan,
        _ leases: [Lease],
        _ claim: MountClaim,
        versioner: ObjectVersioner
    ) throws(Refusal) -> [UInt8] {
        let bytes = try Self.encode(plan, leases, versioner: versioner)
        let now = clock.now
        let until = leases.map(\.usableUntil).min() ?? now
        let volume = Volume(podUID: plan.subject.podUID, name: plan.volume)
        state.withLock { state in
            state.nextOrder += 1
            let entry = Entry(
                parameters: claim.parameters,
                plan: plan,
                leases: leases.map(\.id),
                bytes: bytes,
                until: until,
                order: state.nextOrder
            )
            state.cost += entry.cost - (state.entries.updateValue(entry, forKey: volume)?.cost ?? 0)
            if state.cost > budget || now >= state.nextSweep ?? now {
                Self.shrink(&state, to: budget, now: now)
                state.nextSweep = now.advanced(by: .seconds(60))
            }
        }
        return bytes
    }

    /// Forgets what has expired; where that is not enough also the oldest, down to three quarters of the budget.
    private static func shrink(_ state: inout State, to budget: Int, now: UTCInstant) {
        let isTooMuch = state.cost > budget
        for (volume, entry) in state.entries.sorted(by: { $0.value.order < $1.value.order }) {
            guard entry.until <= now || (isTooMuch && state.cost > budget / 4 * 3) else { continue }
            state.entries[volume] = nil
            state.cost -= entry.cost
        }
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
