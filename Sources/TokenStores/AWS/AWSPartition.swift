// The partitions of AWS: separate clouds with names, regions and domains of their own.

import TokenStore

/// One partition. The table follows the AWS SDKs' own (`partitions.json` and `endpoints.json` of botocore 1.43,
/// <https://docs.aws.amazon.com/whitepapers/latest/aws-fault-isolation-boundaries/partitions.html>).
struct AWSPartition: Sendable, Hashable {
    /// The second part of an ARN: `aws-us-gov`.
    let name: String
    /// What the names of its regions begin with.
    let regionPrefixes: [String]
    /// The domain of its services.
    let suffix: String
    /// The domain of its services over IPv4 and IPv6, and that of ECR's registries; `nil` where no such endpoints are
    /// published.
    let dualStack: DualStack?
    /// The regions whose ECR and STS have endpoints with FIPS 140 modules.
    let fipsRegions: Set<String>

    struct DualStack: Sendable, Hashable {
        let api: String
        let registry: String
    }

    static let all = [
        Self(
            name: "aws",
            regionPrefixes: ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx"],
            suffix: "amazonaws.com",
            dualStack: DualStack(api: "api.aws", registry: "on.aws"),
            fipsRegions: ["us-east-1", "us-east-2", "us-west-1", "us-west-2"]
        ),
        Self(
            name: "aws-cn",
            regionPrefixes: ["cn"],
            suffix: "amazonaws.com.cn",
            dualStack: DualStack(api: "api.amazonwebservices.com.cn", registry: "on.amazonwebservices.com.cn"),
            fipsRegions: []
        ),
        Self(
            name: "aws-us-gov",
            regionPrefixes: ["us-gov"],
            suffix: "amazonaws.com",
            dualStack: DualStack(api: "api.aws", registry: "on.aws"),
            fipsRegions: ["us-gov-east-1", "us-gov-west-1"]
        ),
        Self(
            name: "aws-eusc",
            regionPrefixes: ["eusc-de"],
            suffix: "amazonaws.eu",
            dualStack: nil,
            fipsRegions: []
        ),
        Self(name: "aws-iso", regionPrefixes: ["us-iso"], suffix: "c2s.ic.gov", dualStack: nil, fipsRegions: []),
        Self(name: "aws-iso-b", regionPrefixes: ["us-isob"], suffix: "sc2s.sgov.gov", dualStack: nil, fipsRegions: []),
        Self(name: "aws-iso-e", regionPrefixes: ["eu-isoe"], suffix: "cloud.adc-e.uk", dualStack: nil, fipsRegions: []),
        Self(name: "aws-iso-f", regionPrefixes: ["us-isof"], suffix: "csp.hci.ic.gov", dualStack: nil, fipsRegions: []),
    ]

    /// The partition that has a region; `nil` when the text is no region's name.
    static func of(region: String) -> AWSPartition? {
        let parts = region.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 3, let number = parts.last, isWord(number, digits: true),
            isWord(parts[parts.count - 2], digits: false)
        else { return nil }
        let prefix = parts.dropLast(2).joined(separator: "-")
        return all.first { $0.regionPrefixes.contains(prefix) }
    }

    private static func isWord(_ text: Substring, digits: Bool) -> Bool {
        let range = digits ? UInt8(ascii: "0")...UInt8(ascii: "9") : UInt8(ascii: "a")...UInt8(ascii: "z")
        return !text.isEmpty && text.utf8.count <= 16 && text.utf8.allSatisfy(range.contains)
    }
}
