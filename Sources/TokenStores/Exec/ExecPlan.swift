// The settings of a store of kind `exec`, checked.

import TokenStore

/// What a store runs, and how it talks to it.
struct ExecPlan: Sendable {
    /// The time for one run unless the operator sets another.
    static let usualTimeout: Duration = .seconds(10)

    let service: TokenService
    let failures: ProgramFailures
    let arguments: [String]
    let environment: [String: ExecVariable]
    let timeout: Duration
    let username: String?
    let refreshAfter: Duration?
    let talk: any ExecTalk

    init(_ settings: ExecSettings) throws(TokenStoreError) {
        service = try settings.places.service()
        try Self.check(settings)
        try ForeignCredential.check(username: settings.username)
        failures = ProgramFailures(
            program: settings.program,
            timeoutKey: "timeoutSeconds",
            language: settings.protocol.rawValue
        )
        arguments = settings.arguments ?? []
        environment = settings.environment ?? [:]
        timeout =
            try ForeignCredential.seconds("timeoutSeconds", settings.timeoutSeconds, in: 1...60) ?? Self.usualTimeout
        username = settings.username
        refreshAfter = try ForeignCredential.seconds(
            "refreshAfterSeconds",
            settings.refreshAfterSeconds,
            in: 30...86400
        )
        talk =
            switch settings.protocol {
            case .gitCredential:
                try GitCredentialTalk(
                    service,
                    path: settings.repositoryPath ?? .none,
                    username: settings.username,
                    failures: failures
                )
            case .dockerCredentialHelper:
                try DockerHelperTalk(service, serverURL: settings.serverURL, failures: failures)
            case .kubeletCredentialProvider:
                try KubeletProviderTalk(
                    service,
                    audience: settings.audience,
                    annotations: settings.serviceAccountAnnotations ?? [:],
                    failures: failures
                )
            }
    }

    private static func check(_ settings: ExecSettings) throws(TokenStoreError) {
        let parts = settings.program.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count > 1, parts[0].isEmpty, !parts.dropFirst().contains(where: { ["", ".", ".."].contains($0) }),
            settings.program.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        else {
            throw TokenStoreError(
                .misconfigured,
                "program is no absolute path of plain ASCII without dots",
                fix: "write the path from / on; the arguments go into arguments"
            )
        }
        guard settings.arguments?.contains(where: { $0.utf8.contains(0) }) != true else {
            throw TokenStoreError(.misconfigured, "an argument holds a NUL", fix: "remove it")
        }
        for (name, variable) in settings.environment ?? [:] {
            guard isVariable(name) else {
                throw TokenStoreError(
                    .misconfigured,
                    "environment has a name that is not of letters, digits and _",
                    fix: "write names as in HOME"
                )
            }
            if case .value(let value) = variable, value.utf8.contains(0) {
                throw TokenStoreError(.misconfigured, "environment.\(name) holds a NUL", fix: "remove it")
            }
        }
        try onlyWith(.gitCredential, "repositoryPath", settings.repositoryPath != nil, settings)
        try onlyWith(.dockerCredentialHelper, "serverURL", settings.serverURL != nil, settings)
        try onlyWith(.kubeletCredentialProvider, "audience", settings.audience != nil, settings)
        let annotations = settings.serviceAccountAnnotations
        try onlyWith(.kubeletCredentialProvider, "serviceAccountAnnotations", annotations != nil, settings)
    }

    private static func onlyWith(
        _ words: ExecProtocol,
        _ key: String,
        _ isSet: Bool,
        _ settings: ExecSettings
    ) throws(TokenStoreError) {
        guard isSet, settings.protocol != words else { return }
        throw TokenStoreError(
            .misconfigured,
            "\(key) is for \(words.rawValue), and protocol is \(settings.protocol.rawValue)",
            fix: "remove it"
        )
    }

    private static func isVariable(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else {
            return false
        }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"):
                true
            default: false
            }
        }
    }
}

/// One protocol: what a program is given, and what its answer means.
protocol ExecTalk: Sendable {
    /// The arguments that the protocol adds.
    var arguments: [String] { get }

    /// What the program reads.
    func input(_ request: TokenRequest) throws(TokenStoreError) -> Secret

    /// The credential in an output.
    func credential(_ output: ProgramOutput, for request: TokenRequest) throws(TokenStoreError) -> ForeignCredential
}
