// What an operator writes for a store of kind `file`.

package import TokenStore

/// The settings of a ``FileStore``.
package struct FileSettings: Decodable, Sendable {
    /// The file that holds the token.
    package var token: SecretReference
    /// How it holds it; `plain` unless given.
    package var format: FileTokenFormat?
    /// For `json`: where the token is; `token` unless given. A dot leads into an object.
    package var tokenKey: String?
    /// For `json`: where the user name is; `username`, where there is one, unless given.
    package var usernameKey: String?
    /// For `json`: where the expiry is; `expiry`, where there is one, unless given.
    package var expiryKey: String?
    /// The user name that goes with the token.
    package var username: String?
    /// The absolute path of a file that holds the user name.
    package var usernameFile: String?
    /// The absolute path of a file that holds the expiry.
    package var expiryFile: String?
    /// How often the file is read again, in seconds: 300 unless given where the expiry is not known, else as the token's
    /// life says.
    package var refreshAfterSeconds: Int?
    /// Where the tokens are good.
    package var gitURL: String?
    package var nestedNames: Bool?
    package var namesIgnoreCase: Bool?
    package var registryHost: String?
    package var registryCredential: String?
    package var otherHost: String?

    package init(
        token: SecretReference,
        format: FileTokenFormat? = nil,
        tokenKey: String? = nil,
        usernameKey: String? = nil,
        expiryKey: String? = nil,
        username: String? = nil,
        usernameFile: String? = nil,
        expiryFile: String? = nil,
        refreshAfterSeconds: Int? = nil,
        places: TokenPlaces
    ) {
        self.token = token
        self.format = format
        self.tokenKey = tokenKey
        self.usernameKey = usernameKey
        self.expiryKey = expiryKey
        self.username = username
        self.usernameFile = usernameFile
        self.expiryFile = expiryFile
        self.refreshAfterSeconds = refreshAfterSeconds
        gitURL = places.gitURL
        nestedNames = places.nestedNames
        namesIgnoreCase = places.namesIgnoreCase
        registryHost = places.registryHost
        registryCredential = places.registryCredential
        otherHost = places.otherHost
    }

    var places: TokenPlaces {
        TokenPlaces(
            gitURL: gitURL,
            nestedNames: nestedNames,
            namesIgnoreCase: namesIgnoreCase,
            registryHost: registryHost,
            registryCredential: registryCredential,
            otherHost: otherHost
        )
    }
}

/// How a file holds a token.
package enum FileTokenFormat: String, Decodable, Sendable, CaseIterable {
    /// The token alone; white space around it does not count.
    case plain
    /// A JSON object.
    case json
}

/// The settings of a store of kind `file`, checked.
struct FilePlan: Sendable {
    /// How often a file is read whose token names no expiry.
    static let usualRefresh: Duration = .seconds(300)

    let service: TokenService
    let token: SecretReference
    /// Where things are in a JSON file; `nil` for a plain one.
    let keys: FileTokenKeys?
    let username: String?
    let usernameFile: SecretReference?
    let expiryFile: SecretReference?
    let refreshAfter: Duration?

    init(_ settings: FileSettings) throws(TokenStoreError) {
        service = try settings.places.service()
        try Self.checkPath("token.file", settings.token.file)
        try Self.checkPath("usernameFile", settings.usernameFile)
        try Self.checkPath("expiryFile", settings.expiryFile)
        try ForeignCredential.check(username: settings.username)
        let isJSON = settings.format == .json
        guard isJSON || [settings.tokenKey, settings.usernameKey, settings.expiryKey].allSatisfy({ $0 == nil }) else {
            throw Self.problem("tokenKey, usernameKey and expiryKey are for format json", fix: "set format: json")
        }
        let names = [settings.username, settings.usernameFile, settings.usernameKey].compactMap(\.self)
        guard names.count <= 1 else {
            throw Self.problem(
                "more than one of username, usernameFile and usernameKey is set",
                fix: "say in one way what the user name is"
            )
        }
        guard isJSON || !names.isEmpty else {
            throw Self.problem(
                "neither username nor usernameFile is set, and a plain file holds the token alone",
                fix: "set username to what the service expects beside the token"
            )
        }
        guard settings.expiryFile == nil || settings.expiryKey == nil else {
            throw Self.problem("expiryFile and expiryKey are set", fix: "say in one way when the token expires")
        }
        keys = isJSON ? try FileTokenKeys(settings) : nil
        token = settings.token
        username = settings.username
        usernameFile = settings.usernameFile.map { SecretReference(file: $0) }
        expiryFile = settings.expiryFile.map { SecretReference(file: $0) }
        refreshAfter = try ForeignCredential.seconds(
            "refreshAfterSeconds",
            settings.refreshAfterSeconds,
            in: 30...86400
        )
    }

    private static func checkPath(_ key: String, _ path: String?) throws(TokenStoreError) {
        guard let path, !path.hasPrefix("/") || path.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return }
        throw problem("\(key) is no absolute path", fix: "write the path from / on")
    }

    private static func problem(_ message: String, fix: String) -> TokenStoreError {
        TokenStoreError(.misconfigured, message, fix: fix)
    }
}
