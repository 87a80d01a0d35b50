// Where AWS's services are: by partition, region and kind of network.

import TokenStore

/// Which of a service's endpoints to use.
package enum AWSEndpointKind: String, Sendable, Hashable, Decodable, CaseIterable {
    /// IPv4, the names that everybody knows.
    case classic
    /// IPv4 and IPv6.
    case dualstack
    /// With FIPS 140 validated modules.
    case fips
    /// Both.
    case fipsDualstack = "fips-dualstack"

    var isFIPS: Bool { self == .fips || self == .fipsDualstack }
    var isDualStack: Bool { self == .dualstack || self == .fipsDualstack }
}

/// The endpoints of one region.
struct AWSEndpoints: Sendable {
    let partition: AWSPartition
    let region: String
    let kind: AWSEndpointKind

    /// - Throws: ``TokenStoreError`` for a text that is no region, or a kind that the region does not have.
    init(region: String, kind: AWSEndpointKind) throws(TokenStoreError) {
        guard let partition = AWSPartition.of(region: region) else {
            throw TokenStoreError(
                .misconfigured,
                "region is no region of AWS that is known",
                fix: "write its name, for example eu-central-1"
            )
        }
        if kind.isFIPS, !partition.fipsRegions.contains(region) {
            throw TokenStoreError(
                .misconfigured,
                "endpoint is \(kind.rawValue), and \(region) has no FIPS endpoints",
                fix: "use a region of the United States, or leave endpoint out"
            )
        }
        if kind.isDualStack, partition.dualStack == nil {
            throw TokenStoreError(
                .misconfigured,
                "endpoint is \(kind.rawValue), and no dual-stack endpoints are known in \(partition.name)",
                fix: "leave endpoint out"
            )
        }
        self.partition = partition
        self.region = region
        self.kind = kind
    }

    /// The Security Token Service of the region. GovCloud's ordinary one is the one with FIPS modules.
    var sts: String {
        let isPlain = !kind.isFIPS || (partition.name == "aws-us-gov" && !kind.isDualStack)
        return "https://\(isPlain ? "sts" : "sts-fips").\(region).\(apiSuffix)"
    }

    /// ECR's API.
    var ecr: String {
        let name =
            switch kind {
            case .classic: "api.ecr"
            case .dualstack: "ecr"
            case .fips, .fipsDualstack: "ecr-fips"
            }
        return "https://\(name).\(region).\(apiSuffix)"
    }

    /// An account's registry: the host in image names.
    func registry(account: String) -> String {
        let fips = kind.isFIPS ? "-fips" : ""
        if kind.isDualStack, let dualStack = partition.dualStack {
            return "\(account).dkr-ecr\(fips).\(region).\(dualStack.registry)"
        }
        return "\(account).dkr.ecr\(fips).\(region).\(partition.suffix)"
    }

    /// CodeCommit's git server.
    var codeCommitGit: String { "https://git-codecommit.\(region).\(partition.suffix)" }

    private var apiSuffix: String { (kind.isDualStack ? partition.dualStack?.api : nil) ?? partition.suffix }
}
