// What it means when a program fails, for every store that runs one. Nothing that the program wrote is shown.

import TokenStore

/// Turns endings of one program into ``TokenStoreError``s.
struct ProgramFailures: Sendable {
    /// The program's path.
    let program: String
    /// The key of its time limit in the settings.
    let timeoutKey: String
    /// The protocol that it should speak, for messages.
    let language: String

    /// The error for a run without an output.
    func error(_ error: ProgramError) -> TokenStoreError {
        switch error.code {
        case .notRunnable:
            TokenStoreError(
                .misconfigured,
                error.message,
                fix: "put the program into the directory of programs, as a file that only root can change"
            )
        case .noResources:
            TokenStoreError(
                .unavailable,
                error.message,
                fix: "it is tried again; if it stays so, raise the daemon's limits of open files and processes"
            )
        case .timedOut:
            TokenStoreError(
                .unavailable,
                error.message,
                fix: "see what it waits for, or give it more time with \(timeoutKey)"
            )
        case .tooMuchOutput:
            TokenStoreError(.malformedAnswer, error.message, fix: "check that it speaks \(language)")
        case .cancelled: TokenStoreError(.cancelled, error.message)
        }
    }

    /// The error for an ending with another status than 0.
    func failed(_ output: ProgramOutput) -> TokenStoreError {
        let ending = output.status.map { "ended with status \($0)" } ?? "was ended by a signal"
        return TokenStoreError(
            .unavailable,
            "\(program) \(ending)",
            fix: "run it by hand as the daemon's user with the store's environment; what it writes is not shown here"
        )
    }

    /// The error for an answer that is not of the protocol.
    func unreadable(_ what: String) -> TokenStoreError {
        TokenStoreError(
            .malformedAnswer,
            "\(program) \(what)",
            fix: "check that it speaks \(language)"
        )
    }

    /// The error for a program that works and has nothing.
    func nothing(for place: String, fix: String) -> TokenStoreError {
        TokenStoreError(.refused, "\(program) has no credential for \(place)", fix: fix)
    }
}

extension ProgramRunner {
    /// Checks a store's program before there is anything to run, so that `daypass check` and the start say what is wrong.
    func check(_ failures: ProgramFailures) throws(TokenStoreError) {
        do throws(ProgramError) { try check(failures.program) } catch { throw failures.error(error) }
    }

    /// Runs a program and classes what goes wrong; any exit status is the caller's to judge.
    func run(_ call: ProgramCall, _ failures: ProgramFailures) async throws(TokenStoreError) -> ProgramOutput {
        do throws(ProgramError) { return try await run(call) } catch { throw failures.error(error) }
    }
}
