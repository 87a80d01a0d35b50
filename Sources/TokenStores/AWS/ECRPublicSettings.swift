// What an operator writes for a store of kind `aws-ecr-public`, and what follows from it.

import TokenStore

/// The settings of an ``ECRPublicStore``.
package struct ECRPublicSettings: Decodable, Sendable, AWSRoleSettings {
    /// The IAM role that is assumed for each build.
    package var roleARN: String
    /// The aliases of the role's account: the first part of its repositories' names (`public.ecr.aws/ALIAS/name`). Without
    /// them tokens can only pull.
    package var aliases: [String]?
    /// The region whose STS is asked; us-east-1, where ECR Public is, unless given.
    package var region: String?
    /// `dualstack` for the registry's name `ecr-public.aws.com`; `classic`, `public.ecr.aws`, unless given.
    package var endpoint: AWSEndpointKind?
    /// The audience of the Pods' tokens; `sts.amazonaws.com` unless given.
    package var audience: String?
    /// The node's own access key, where AWS can't verify the Pods' tokens.
    package var accessKey: AWSAccessKeyFiles?
    /// With `accessKey`: what the role's trust policy asks for.
    package var externalID: String?
    /// How long sessions last, in seconds: 900 to 43200, and no longer than the role allows; 3600 unless given.
    package var sessionSeconds: Int?
    /// The address of STS; that of the region unless given.
    package var stsURL: String?
    /// The address of ECR Public's API; AWS's own unless given.
    package var ecrURL: String?

    package init(
        roleARN: String,
        aliases: [String]? = nil,
        region: String? = nil,
        endpoint: AWSEndpointKind? = nil,
        audience: String? = nil,
        accessKey: AWSAccessKeyFiles? = nil,
        externalID: String? = nil,
        sessionSeconds: Int? = nil,
        stsURL: String? = nil,
        ecrURL: String? = nil
    ) {
        self.roleARN = roleARN
        self.aliases = aliases
        self.region = region
        self.endpoint = endpoint
        self.audience = audience
        self.accessKey = accessKey
        self.externalID = externalID
        self.sessionSeconds = sessionSeconds
        self.stsURL = stsURL
        self.ecrURL = ecrURL
    }
}

/// The public registry, and an account's part of it; checked.
struct ECRPublicRegistry: Sendable {
    /// The one region that can issue passwords.
    static let region = "us-east-1"

    let endpoints: AWSEndpoints
    let role: AWSRole
    let api: ServiceURL
    private let aliases: [String]

    init(_ settings: ECRPublicSettings) throws(TokenStoreError) {
        let kind = settings.endpoint ?? .classic
        guard !kind.isFIPS else {
            throw TokenStoreError(
                .misconfigured,
                "endpoint is \(kind.rawValue), and ECR Public has no FIPS endpoints",
                fix: "leave endpoint out, or write dualstack"
            )
        }
        endpoints = try AWSEndpoints(region: settings.region ?? Self.region, kind: kind)
        guard endpoints.partition.name == "aws" else {
            throw TokenStoreError(
                .misconfigured,
                "region is in \(endpoints.partition.name), and ECR Public is in the partition aws only",
                fix: "leave region out"
            )
        }
        role = try AWSRole(settings, endpoints: endpoints)
        let host = kind.isDualStack ? "ecr-public.us-east-1.api.aws" : "api.ecr-public.us-east-1.amazonaws.com"
        api = try AskChecks.url("ecrURL", settings.ecrURL ?? "https://\(host)")
        aliases = settings.aliases ?? []
        let probe = TokenService(registryHost: "public.ecr.aws")
        guard
            aliases.allSatisfy({ !$0.contains("/") && (try? probe.repository("public.ecr.aws/\($0)/x")) == "\($0)/x" })
        else {
            throw TokenStoreError(
                .misconfigured,
                "an entry of aliases is no alias of a public registry",
                fix: "write what follows public.ecr.aws/ in the names of your repositories, up to the next slash"
            )
        }
    }

    var service: TokenService {
        TokenService(registryHost: endpoints.kind.isDualStack ? "ecr-public.aws.com" : "public.ecr.aws")
    }

    /// The session policy for a scope.
    func policy(_ scope: TokenScope) throws(TokenStoreError) -> String {
        try RegistryAsk.check(scope, service: service, source: "ECR Public")
        var policy = SessionPolicy(anywhere: ["ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken"])
        let actions = Self.actions(scope.actions)
        guard !actions.isEmpty else { return try policy.json() }
        policy.actions = actions
        for name in scope.repositories {
            let parts = name.split(separator: "/", maxSplits: 1)
            guard parts.count == 2, aliases.contains(String(parts[0])) else {
                throw TokenStoreError(
                    .refused,
                    "a repository to push to or delete from is not below an alias of this store's settings",
                    fix: "write public.ecr.aws/ALIAS/name, and the alias into aliases of the store"
                )
            }
            policy.resources.append("arn:aws:ecr-public::\(role.arn.account):repository/\(parts[1])")
        }
        return try policy.json()
    }

    /// IAM's names for what may be done
    /// (<https://docs.aws.amazon.com/AmazonECR/latest/public/public-repository-policy-examples.html>). Pulling needs none.
    private static func actions(_ actions: Set<RegistryAction>) -> [String] {
        var names: Set<String> = []
        if actions.contains(.push) {
            names.formUnion(["BatchCheckLayerAvailability", "InitiateLayerUpload", "UploadLayerPart"])
            names.formUnion(["CompleteLayerUpload", "PutImage"])
        }
        if actions.contains(.delete) { names.insert("BatchDeleteImage") }
        return names.map { "ecr-public:\($0)" }
    }
}
