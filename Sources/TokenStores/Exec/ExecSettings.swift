// What an operator writes for a store of kind `exec`.

package import TokenStore

/// The settings of an ``ExecStore``.
package struct ExecSettings: Decodable, Sendable {
    /// The program's absolute path.
    package var program: String
    /// Its arguments, before the word that the protocol adds.
    package var arguments: [String]?
    /// Its whole environment.
    package var environment: [String: ExecVariable]?
    /// The protocol that it speaks.
    package var `protocol`: ExecProtocol
    /// The time for one run, in seconds: 10 unless given, at most 60.
    package var timeoutSeconds: Int?
    /// The user name to hand out instead of the program's. A git helper is asked with it, too.
    package var username: String?
    /// When to ask again, in seconds, where the program does not say how long the token lasts.
    package var refreshAfterSeconds: Int?
    /// For `git-credential`: what is sent as `path`; nothing unless given.
    package var repositoryPath: ExecRepositoryPath?
    /// For `docker-credential-helper`: the server to ask for, where it is not simply the registry's host.
    package var serverURL: String?
    /// For `kubelet-credential-provider`: the audience of the Pod's token that is sent; none is sent unless given.
    package var audience: String?
    /// For `kubelet-credential-provider`: what is sent as the service account's annotations.
    package var serviceAccountAnnotations: [String: String]?
    /// Where the tokens are good.
    package var gitURL: String?
    package var nestedNames: Bool?
    package var namesIgnoreCase: Bool?
    package var registryHost: String?
    package var registryCredential: String?
    package var otherHost: String?

    package init(
        program: String,
        arguments: [String]? = nil,
        environment: [String: ExecVariable]? = nil,
        protocol: ExecProtocol,
        timeoutSeconds: Int? = nil,
        username: String? = nil,
        refreshAfterSeconds: Int? = nil,
        repositoryPath: ExecRepositoryPath? = nil,
        serverURL: String? = nil,
        audience: String? = nil,
        serviceAccountAnnotations: [String: String]? = nil,
        places: TokenPlaces
    ) {
        self.program = program
        self.arguments = arguments
        self.environment = environment
        self.protocol = `protocol`
        self.timeoutSeconds = timeoutSeconds
        self.username = username
        self.refreshAfterSeconds = refreshAfterSeconds
        self.repositoryPath = repositoryPath
        self.serverURL = serverURL
        self.audience = audience
        self.serviceAccountAnnotations = serviceAccountAnnotations
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

/// A protocol between a caller and a program that knows credentials.
package enum ExecProtocol: String, Decodable, Sendable, CaseIterable {
    case gitCredential = "git-credential"
    case dockerCredentialHelper = "docker-credential-helper"
    case kubeletCredentialProvider = "kubelet-credential-provider"
}

/// What a git helper is sent as `path`, as git does with `credential.useHttpPath`.
package enum ExecRepositoryPath: String, Decodable, Sendable, CaseIterable {
    /// Nothing: one credential for the whole host.
    case none
    /// `owner/name`.
    case repository
    /// `owner/name.git`.
    case repositoryGit = "repository.git"
}

/// A variable of a program's environment: its value, or `{ file: PATH }` for a secret that is read at each run.
package enum ExecVariable: Decodable, Sendable, Hashable {
    case value(String)
    case secret(SecretReference)

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package init(from decoder: any Decoder) throws {
        // Only a mapping can be read key by key; what is wrong in it, or with a text, is said where it is read.
        if (try? decoder.container(keyedBy: AnyKey.self)) != nil {
            self = .secret(try SecretReference(from: decoder))
        } else {
            self = .value(try decoder.singleValueContainer().decode(String.self))
        }
    }
}
