// What an operator writes for a store of kind `aws-ecr`, and the addresses that follow from it.

import TokenStore

/// The settings of an ``ECRStore``.
package struct ECRSettings: Decodable, Sendable, AWSRoleSettings {
    /// The region of the registry, `eu-central-1` for example.
    package var region: String
    /// The IAM role that is assumed for each build.
    package var roleARN: String
    /// The account whose registry it is; that of the role unless given.
    package var registryID: String?
    /// Which endpoints and which name of the registry to use; `classic` unless given.
    package var endpoint: AWSEndpointKind?
    /// The audience of the Pods' tokens; `sts.amazonaws.com` unless given.
    package var audience: String?
    /// The node's own access key, where AWS can't verify the Pods' tokens.
    package var accessKey: AWSAccessKeyFiles?
    /// With `accessKey`: what the role's trust policy asks for.
    package var externalID: String?
    /// How long sessions last, in seconds: 900 to 43200, and no longer than the role allows; 3600 unless given.
    package var sessionSeconds: Int?
    /// Whether a push may create the repository that it pushes to; off unless given.
    package var createRepositories: Bool?
    /// Whether a pull may fill ECR's pull-through cache; off unless given.
    package var pullThroughCache: Bool?
    /// The address of STS; that of the region unless given.
    package var stsURL: String?
    /// The address of ECR's API; that of the region unless given.
    package var ecrURL: String?

    package init(
        region: String,
        roleARN: String,
        registryID: String? = nil,
        endpoint: AWSEndpointKind? = nil,
        audience: String? = nil,
        accessKey: AWSAccessKeyFiles? = nil,
        externalID: String? = nil,
        sessionSeconds: Int? = nil,
        createRepositories: Bool? = nil,
        pullThroughCache: Bool? = nil,
        stsURL: String? = nil,
        ecrURL: String? = nil
    ) {
        self.region = region
        self.roleARN = roleARN
        self.registryID = registryID
        self.endpoint = endpoint
        self.audience = audience
        self.accessKey = accessKey
        self.externalID = externalID
        self.sessionSeconds = sessionSeconds
        self.createRepositories = createRepositories
        self.pullThroughCache = pullThroughCache
        self.stsURL = stsURL
        self.ecrURL = ecrURL
    }
}

/// One private registry, checked.
struct ECRRegistry: Sendable {
    let endpoints: AWSEndpoints
    let role: AWSRole
    let account: String
    let api: ServiceURL
    private let createsRepositories: Bool
    private let fillsCache: Bool

    init(_ settings: ECRSettings) throws(TokenStoreError) {
        endpoints = try AWSEndpoints(region: settings.region, kind: settings.endpoint ?? .classic)
        role = try AWSRole(settings, endpoints: endpoints)
        account = settings.registryID ?? role.arn.account
        guard RoleARN.isAccount(account) else {
            throw TokenStoreError(
                .misconfigured,
                "registryID is no account of AWS",
                fix: "write its twelve digits, in quotes, or leave it out for the role's own account"
            )
        }
        api = try AskChecks.url("ecrURL", settings.ecrURL ?? endpoints.ecr)
        createsRepositories = settings.createRepositories ?? false
        fillsCache = settings.pullThroughCache ?? false
    }

    var service: TokenService { TokenService(registryHost: endpoints.registry(account: account)) }

    /// The session policy for a scope.
    func policy(_ scope: TokenScope) throws(TokenStoreError) -> String {
        try RegistryAsk.check(scope, service: service, source: "ECR")
        let partition = endpoints.partition.name
        let policy = SessionPolicy(
            anywhere: ["ecr:GetAuthorizationToken"],
            actions: actions(scope.actions),
            resources: scope.repositories.map {
                "arn:\(partition):ecr:\(endpoints.region):\(account):repository/\($0)"
            }
        )
        return try policy.json()
    }

    /// IAM's names for what may be done
    /// (<https://docs.aws.amazon.com/AmazonECR/latest/userguide/image-push-iam.html>,
    /// <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonelasticcontainerregistry.html>).
    private func actions(_ actions: Set<RegistryAction>) -> [String] {
        var names: Set<String> = []
        if actions.contains(.pull) {
            names.formUnion(["BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer"])
            if fillsCache { names.formUnion(["BatchImportUpstreamImage", "CreateRepository"]) }
        }
        if actions.contains(.push) {
            // BatchGetImage: clients look whether a manifest is there before they send it.
            names.formUnion(["BatchCheckLayerAvailability", "BatchGetImage"])
            names.formUnion(["InitiateLayerUpload", "UploadLayerPart", "CompleteLayerUpload", "PutImage"])
            if createsRepositories { names.insert("CreateRepository") }
        }
        if actions.contains(.delete) { names.insert("BatchDeleteImage") }
        return names.map { "ecr:\($0)" }
    }
}

/// Checks of a scope that both kinds of ECR share.
enum RegistryAsk {
    static func check(_ scope: TokenScope, service: TokenService, source: String) throws(TokenStoreError) {
        try AskChecks.notEmpty(scope)
        guard scope.permissions.isEmpty, !scope.actions.isEmpty else {
            throw TokenStoreError(
                .refused,
                "a token of \(source) has registry actions, not permissions",
                fix: "ask for actions, for example actions: [pull]"
            )
        }
        for name in scope.repositories {
            // The whole reference: a name may begin with a part that looks like a host. No wildcard passes.
            let whole = "\(service.registryHost ?? "")/\(name)"
            guard (try? service.repository(whole)) == name else {
                throw TokenStoreError(
                    .refused,
                    "a repository of the scope has no name that \(source) allows",
                    fix: "write lower-case letters, digits and . _ - between /"
                )
            }
        }
    }
}
