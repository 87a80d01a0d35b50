// A program runner that answers from a script and records what was run.

import Synchronization
public import TokenStore

/// A program runner for tests. Each run is given to the script in order; a run that the script does not expect fails
/// with `notRunnable`, and is recorded all the same. As with a real runner, a cancelled task runs nothing.
public final class ScriptedPrograms: ProgramRunner {
    /// Answers one run.
    public typealias Step = @Sendable (ProgramCall) async throws(ProgramError) -> ProgramOutput

    private struct State {
        var steps: [Step]
        var calls: [ProgramCall] = []
    }

    private let state: Mutex<State>
    private let otherwise: Step?

    /// Creates a runner that plays `steps` in order.
    ///
    /// - Parameter otherwise: answers each run that comes after them.
    public init(_ steps: [Step] = [], otherwise: Step? = nil) {
        state = Mutex(State(steps: steps))
        self.otherwise = otherwise
    }

    /// The runs, in order.
    public var calls: [ProgramCall] { state.withLock { $0.calls } }

    /// The number of steps that nobody asked for yet.
    public var remaining: Int { state.withLock { $0.steps.count } }

    /// Adds a step to the end of the script.
    public func then(_ step: @escaping Step) { state.withLock { $0.steps.append(step) } }

    /// Adds an output to the end of the script.
    ///
    /// - Parameter status: the exit status; `nil` for a program that a signal ended.
    public func then(status: Int? = 0, output: String = "", errors: String = "") {
        then { _ throws(ProgramError) in
            ProgramOutput(status: status, output: Secret(utf8: output), errors: Secret(utf8: errors))
        }
    }

    public func run(_ call: ProgramCall) async throws(ProgramError) -> ProgramOutput {
        guard !Task.isCancelled else { throw ProgramError(.cancelled, "the task was cancelled") }
        let step = state.withLock { state in
            state.calls.append(call)
            return state.steps.isEmpty ? otherwise : state.steps.removeFirst()
        }
        guard let step else { throw ProgramError(.notRunnable, "the script has no step for this run") }
        return try await step(call)
    }
}
