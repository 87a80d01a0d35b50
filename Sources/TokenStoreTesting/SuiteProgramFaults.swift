// The suite's checks of a store that runs programs: what it makes of a program that fails.

import Synchronization
import TokenStore

extension TokenStoreCompatibilitySuite {
    /// What a program may do wrong. The marked text stands for a secret in its outputs.
    private static var programFaults: [(name: String, fault: FaultyPrograms.Fault, codes: Set<TokenStoreError.Code>)] {
        [
            ("a program that can't be run", .none(.notRunnable), [.misconfigured]),
            ("a program for which the system has no resources", .none(.noResources), [.unavailable]),
            ("a program that hangs", .none(.timedOut), [.unavailable]),
            ("a program that writes too much", .none(.tooMuchOutput), [.malformedAnswer, .unavailable]),
            ("a program that was stopped", .none(.cancelled), [.cancelled]),
            ("a program that fails", .ended(1), [.unavailable, .refused, .misconfigured]),
            ("a program that a signal ends", .ended(nil), [.unavailable]),
            ("a program that writes something unknown", .ended(0), [.malformedAnswer, .misconfigured, .refused]),
        ]
    }

    /// Each fault at the first run and, where a store runs programs several times, at each later one.
    func programFaultViolations(_ watch: SecretWatch) async -> [String] {
        var found: [String] = []
        for (name, fault, codes) in Self.programFaults {
            for position in 0..<4 {
                let programs = FaultyPrograms(base: watch.watched(context).programs, fault: fault, position: position)
                do throws(TokenStoreError) {
                    var context = watch.watched(context)
                    context.programs = programs
                    let store = try Store(settings: settings, context: context)
                    let token = try await issue(store, renamedRequest, watch)
                    await discard(token, store)
                    if programs.count <= position { break }
                    found.append("\(name) at run \(position + 1) was answered with a token")
                } catch {
                    if !codes.contains(error.code) {
                        let wanted = codes.map(\.description).sorted().joined(separator: " or ")
                        found.append("\(name) at run \(position + 1) ended in \(error.code), not in \(wanted)")
                    }
                    if error.description.contains(FaultyTransport.mark) {
                        found.append("\(name) at run \(position + 1): the error repeats what the program wrote")
                    }
                    found += textViolations(error)
                }
            }
        }
        return found
    }
}

/// A program runner whose nth run goes wrong.
final class FaultyPrograms: ProgramRunner {
    enum Fault: Sendable {
        case none(ProgramError.Code)
        case ended(Int?)
    }

    private let base: any ProgramRunner
    private let fault: Fault
    private let position: Int
    private let runs = Mutex(0)

    init(base: any ProgramRunner, fault: Fault, position: Int) {
        self.base = base
        self.fault = fault
        self.position = position
    }

    var count: Int { runs.withLock { $0 } }

    func check(_ path: String) throws(ProgramError) { try base.check(path) }

    func run(_ call: ProgramCall) async throws(ProgramError) -> ProgramOutput {
        let index = runs.withLock { runs in
            runs += 1
            return runs - 1
        }
        guard index == position else { return try await base.run(call) }
        switch fault {
        case .none(let code): throw ProgramError(code, "the suite's fault")
        case .ended(let status):
            let output = Secret(utf8: FaultyTransport.mark + "\n")
            return ProgramOutput(status: status, output: output, errors: output)
        }
    }
}
