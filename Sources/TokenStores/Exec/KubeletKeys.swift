// Which entry of a credential provider's answer is for which image, by kubelet's rules, and Go's durations.

import TokenStore

/// The keys of `auth` (<https://kubernetes.io/docs/tasks/administer-cluster/kubelet-credential-provider/>): a host with
/// `*` inside its parts, perhaps a port, perhaps the beginning of a path.
struct KubeletKeys {
    private let hostParts: [Substring]
    private let port: Substring
    private let path: Substring
    /// The host with its port and the path: kubelet sorts by it.
    let text: String

    /// `nil` for a key that kubelet could not read or that no image can match.
    init?(_ key: String) {
        var rest = Substring(key)
        for scheme in ["https://", "http://"] where rest.hasPrefix(scheme) { rest = rest.dropFirst(scheme.count) }
        guard rest.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"?#@[]\\%\"<>^`{|}".utf8.contains($0) }) else {
            return nil
        }
        let host = rest.prefix { $0 != "/" }
        var path = rest[host.endIndex...]
        // These stand for the host alone, as in docker's files.
        if path.hasPrefix("/v1/") || path.hasPrefix("/v2/") { path = path.dropFirst(3) }
        if path == "/" { path = "" }
        let parts = host.split(separator: ":", omittingEmptySubsequences: false)
        guard let name = parts.first, !name.isEmpty, parts.count <= 2 else { return nil }
        hostParts = name.split(separator: ".", omittingEmptySubsequences: false)
        port = parts.count == 2 ? parts[1] : ""
        self.path = path
        text = String(host + path)
    }

    /// Whether a credential under this key is for an image, which is written `host[:port]/path`.
    func matches(_ image: KubeletKeys) -> Bool {
        guard port == image.port, hostParts.count == image.hostParts.count, image.path.hasPrefix(path) else {
            return false
        }
        return zip(hostParts, image.hostParts).allSatisfy { Self.matches($0, $1) }
    }

    /// The key whose credential is used first: of those that match, the last one in the order of their texts.
    static func best(_ keys: [String], for image: String) -> String? {
        guard let target = KubeletKeys(image) else { return nil }
        let read = keys.compactMap { key in KubeletKeys(key).map { (key: key, read: $0) } }
        let order = read.sorted { ($0.read.text, $0.key) > ($1.read.text, $1.key) }
        if let found = order.first(where: { $0.read.matches(target) }) { return found.key }
        // Docker Hub has another name in docker's files than in images.
        guard target.hostParts == ["docker", "io"] else { return nil }
        return order.first { $0.read.text == "index.docker.io" }?.key
    }

    /// `*` is any run of characters.
    private static func matches(_ pattern: Substring, _ text: Substring) -> Bool {
        let pieces = pattern.split(separator: "*", omittingEmptySubsequences: false)
        guard let first = pieces.first, let last = pieces.last, pieces.count > 1 else { return pattern == text }
        guard text.hasPrefix(first), text.count >= first.count + last.count, text.hasSuffix(last) else { return false }
        var rest = text.dropFirst(first.count).dropLast(last.count)
        for piece in pieces.dropFirst().dropLast() where !piece.isEmpty {
            guard let found = rest.firstRange(of: piece) else { return false }
            rest = rest[found.upperBound...]
        }
        return true
    }
}

/// A length of time in an answer: Go's form (`5m`, `1h30m`, `1.5s`), never negative, or the number 0.
struct KubeletDuration: Decodable {
    let length: Duration

    private static let units: [(name: String, length: Duration)] = [
        ("ns", .nanoseconds(1)), ("us", .microseconds(1)), ("ms", .milliseconds(1)), ("s", .seconds(1)),
        ("m", .seconds(60)), ("h", .seconds(3600)),
    ]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let length: Duration? =
            if let text = try? container.decode(String.self) {
                Self.parse(text)
            } else {
                try container.decode(Double.self) == 0 ? .zero : nil
            }
        guard let length else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no duration")
        }
        self.length = length
    }

    static func parse(_ text: String) -> Duration? {
        if text == "0" { return .zero }
        var sum = Duration.zero
        var rest = Substring(text.hasPrefix("+") ? text.dropFirst() : Substring(text))
        guard !rest.isEmpty, rest.utf8.count <= 64 else { return nil }
        while !rest.isEmpty {
            let number = rest.prefix { $0.isASCII && $0.isNumber || $0 == "." }
            rest = rest[number.endIndex...]
            let unit = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest[unit.endIndex...]
            guard let value = Double(number), let length = units.first(where: { $0.name == unit })?.length,
                value < 1e9
            else { return nil }
            sum += length * value
        }
        return sum <= .seconds(31_536_000) ? sum : nil
    }
}
