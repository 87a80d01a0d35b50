// What a token store is handed: it opens no socket, reads no file, runs no program and asks no clock by itself.

public import Logging

/// The surroundings of a token store.
public struct TokenStoreContext: Sendable {
    /// The store's name in the configuration, for messages.
    public var name: String
    /// The time of day.
    public var clock: any WallClock
    /// The way out over HTTP.
    public var http: any HTTPTransport
    /// Reads the secrets that settings refer to.
    public var secrets: any SecretReader
    /// Runs programs.
    public var programs: any ProgramRunner
    /// The store's logger. A store logs at `debug` and `trace` only, and never a header, a body or a token.
    public var logger: Logger

    /// Creates a context.
    public init(
        name: String,
        clock: any WallClock,
        http: any HTTPTransport,
        secrets: any SecretReader,
        programs: any ProgramRunner = NoPrograms(),
        logger: Logger
    ) {
        self.name = name
        self.clock = clock
        self.http = http
        self.secrets = secrets
        self.programs = programs
        self.logger = logger
    }
}

/// Where settings say that a secret is kept: `privateKey: { file: /etc/daypass/keys/app.pem }`.
public struct SecretReference: Sendable, Hashable, Decodable {
    /// The absolute path of the file that holds the secret.
    public var file: String

    /// Creates a reference to a file.
    public init(file: String) { self.file = file }
}

/// Reads the secrets that settings refer to.
public protocol SecretReader: Sendable {
    /// Reads a secret.
    ///
    /// - Throws: ``TokenStoreError`` with code `misconfigured`, naming the file and what is wrong with it.
    func read(_ reference: SecretReference) throws(TokenStoreError) -> Secret
}
