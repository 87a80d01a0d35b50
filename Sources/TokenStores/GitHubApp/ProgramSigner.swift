// Signing by a program of the operator's: in front of a KMS, an HSM or a token that only it can reach.

import TokenStore

/// A program that signs.
package struct ProgramSignerSettings: Decodable, Sendable {
    /// Its absolute path.
    package var program: String
    /// What follows its name.
    package var arguments: [String]?
    /// Its whole environment; none unless given. No place for secrets.
    package var environment: [String: String]?

    package init(program: String, arguments: [String]? = nil, environment: [String: String]? = nil) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
    }
}

/// Runs the program for each signature: it reads the bytes to sign from its standard input, and writes the raw signature
/// in base64 to its standard output.
struct ProgramSigner: RemoteAppSigner {
    /// The time for one run.
    static let timeout: Duration = .seconds(10)
    /// The longest output; a signature of 8192 bits has 1368 characters.
    static let outputLimit = 4096

    private static let notRunnableFix = "check that it is there, executable, and changed by its owner only"

    private let settings: ProgramSignerSettings
    private let context: TokenStoreContext

    static func check(_ settings: ProgramSignerSettings) throws(TokenStoreError) {
        guard settings.program.hasPrefix("/"), !settings.program.utf8.contains(0) else {
            throw TokenStoreError(
                .misconfigured,
                "signer.program is no absolute path",
                fix: "write the whole path of the program; it is not looked up in PATH"
            )
        }
    }

    init(_ settings: ProgramSignerSettings, context: TokenStoreContext) throws(TokenStoreError) {
        try Self.check(settings)
        do throws(ProgramError) { try context.programs.check(settings.program) } catch {
            throw TokenStoreError(.misconfigured, "signer: \(error.message)", fix: Self.notRunnableFix, cause: error)
        }
        self.settings = settings
        self.context = context
    }

    var place: String { "the key of \(settings.program)" }

    func signature(of input: [UInt8]) async throws(TokenStoreError) -> [UInt8] {
        let program = settings.program
        let call = ProgramCall(
            program,
            settings.arguments ?? [],
            environment: settings.environment ?? [:],
            input: Secret(input),
            timeout: Self.timeout,
            outputLimit: Self.outputLimit
        )
        let output: ProgramOutput
        do throws(ProgramError) {
            output = try await context.programs.run(call)
        } catch {
            let (code, message): (TokenStoreError.Code, String) =
                switch error.code {
                case .notRunnable: (.misconfigured, "the signer \(program) can't be run")
                case .noResources: (.unavailable, "the system has no resources to run the signer \(program)")
                case .timedOut: (.unavailable, "the signer \(program) took longer than 10 s")
                case .tooMuchOutput: (.malformedAnswer, "the signer \(program) writes too much to be a signature")
                case .cancelled: (.cancelled, "the run of the signer \(program) was cancelled")
                }
            let fix = error.code == .notRunnable ? Self.notRunnableFix : ""
            throw TokenStoreError(code, message, fix: fix, cause: error)
        }
        guard output.status == 0 else {
            let how = output.status.map { "ended with status \($0)" } ?? "was ended by a signal"
            throw TokenStoreError(
                .unavailable,
                "the signer \(program) \(how)",
                fix: "run it by hand, with some bytes on its standard input, to see why"
            )
        }
        guard let signature = signatureBytes(base64: Authorization.trimmed(output.output).revealText()) else {
            throw TokenStoreError(
                .malformedAnswer,
                "the signer \(program) wrote no base64 on one line",
                fix: "let it write the raw signature in base64 (openssl base64 -A), and nothing else"
            )
        }
        return signature
    }
}
