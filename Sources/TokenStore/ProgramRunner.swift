// Programs as a token store sees them: one run, one output, nothing inherited, nothing unbounded.

/// Runs programs. A run inherits no environment, no open file and no directory of the daemon's; it ends, with all its
/// children, at its deadline or when its task is cancelled.
public protocol ProgramRunner: Sendable {
    /// Runs a program to its end, whatever its exit status.
    ///
    /// - Throws: ``ProgramError`` when there is no whole output.
    func run(_ call: ProgramCall) async throws(ProgramError) -> ProgramOutput

    /// Checks, without running it, whether a program could be run: that it is there, can be executed, and that nobody
    /// else can change it. For stores that want to say so when they are made. Passes everything unless the runner says
    /// otherwise.
    ///
    /// - Throws: ``ProgramError`` with code `notRunnable`.
    func check(_ path: String) throws(ProgramError)
}

extension ProgramRunner {
    public func check(_ path: String) throws(ProgramError) {}
}

/// One run of a program.
public struct ProgramCall: Sendable {
    /// The program's absolute path. It is not looked up in `PATH`, and no shell reads it.
    public var path: String
    /// The arguments after the program's name. Never put a secret in them: every process of the machine can read them.
    public var arguments: [String]
    /// The whole environment.
    public var environment: [String: String]
    /// What the program reads from its standard input, which ends after it.
    public var input: Secret
    /// The time for the whole run.
    public var timeout: Duration
    /// The most bytes that are taken of its standard output, and of its standard error.
    public var outputLimit: Int

    /// Creates a run; it may take 10 seconds and write 64 KiB.
    public init(
        _ path: String,
        _ arguments: [String] = [],
        environment: [String: String] = [:],
        input: Secret = Secret([]),
        timeout: Duration = .seconds(10),
        outputLimit: Int = 64 << 10
    ) {
        self.path = path
        self.arguments = arguments
        self.environment = environment
        self.input = input
        self.timeout = timeout
        self.outputLimit = outputLimit
    }
}

/// What a program left. Both outputs may hold a token, and neither is ever logged.
public struct ProgramOutput: Sendable {
    /// The exit status; `nil` when a signal ended the program.
    public var status: Int?
    /// What it wrote to its standard output.
    public var output: Secret
    /// What it wrote to its standard error.
    public var errors: Secret

    /// Creates an output.
    public init(status: Int?, output: Secret, errors: Secret = Secret([])) {
        self.status = status
        self.output = output
        self.errors = errors
    }
}

/// Why there is no whole output. `message` is one line without anything that the program wrote.
public struct ProgramError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The classes of failure.
    public enum Code: String, Sendable, Hashable {
        /// There is no such program, it can't be executed, or others than its owner can change it.
        case notRunnable
        /// The system has no process, open file, pipe or memory to spare for a run. Another try may help.
        case noResources
        /// The deadline passed; the program and its children were killed.
        case timedOut
        /// It wrote more than is allowed; it and its children were killed.
        case tooMuchOutput
        /// The task was cancelled; the program and its children were killed.
        case cancelled
    }

    /// The class of failure.
    public var code: Code
    /// What happened, in one line.
    public var message: String

    /// Creates an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { "\(code.rawValue): \(message)" }
}

/// Runs nothing: for surroundings without programs.
public struct NoPrograms: ProgramRunner {
    /// Creates the runner.
    public init() {}

    public func run(_ call: ProgramCall) async throws(ProgramError) -> ProgramOutput {
        throw ProgramError(.notRunnable, "no program can be run here")
    }
}
