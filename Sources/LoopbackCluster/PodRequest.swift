// A request to the loopback Pod API, read from the bytes of its head.

/// The parts of a request that matter here.
struct PodRequest: Sendable {
    var method: String
    var path: [String]
    var query: [String: String]
    var authorization: String?
    var contentType = ""
    var contentLength = 0
    var body: [UInt8] = []

    /// Reads a head; `nil` when it is none.
    init?(head: String) {
        let lines = head.split(separator: "\r\n")
        let parts = (lines.first ?? "").split(separator: " ")
        guard parts.count == 3 else { return nil }
        method = String(parts[0])
        let target = parts[1].split(separator: "?", maxSplits: 1)
        guard let path = target.first else { return nil }
        self.path = path.split(separator: "/").map { Self.unescaped($0) }
        query = [:]
        for pair in (target.count > 1 ? target[1] : "").split(separator: "&") {
            let pair = pair.split(separator: "=", maxSplits: 1)
            query[Self.unescaped(pair[0])] = pair.count > 1 ? Self.unescaped(pair[1]) : ""
        }
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let value = String(line[colon...].dropFirst().drop { $0 == " " })
            switch line[..<colon].lowercased() {
            case "authorization": authorization = value
            case "content-type": contentType = value
            case "content-length": contentLength = Int(value) ?? 0
            default: break
            }
        }
    }

    /// What is asked for; `nil` when it is nothing that is here.
    var call: PodCall? {
        switch (method, path.count) {
        case ("GET", 3) where path == ["api", "v1", "pods"]:
            ["true", "1"].contains(query["watch"]) ? .watch : .list
        case ("GET", 6) where path[..<3] == ["api", "v1", "namespaces"] && path[4] == "pods": .get
        case ("POST", 6) where path[..<4] == ["apis", "events.k8s.io", "v1", "namespaces"] && path[5] == "events":
            .createEvent
        case ("PATCH", 7) where path[..<4] == ["apis", "events.k8s.io", "v1", "namespaces"] && path[5] == "events":
            .patchEvent
        case ("GET", 7)
        where path[..<4] == ["apis", "secrets-store.csi.x-k8s.io", "v1", "namespaces"]
            && path[5] == "secretproviderclasses":
            .getClass
        case ("GET", 4) where path[..<3] == ["api", "v1", "nodes"]: .getNode
        case ("PATCH", 4) where path[..<3] == ["api", "v1", "nodes"]: .patchNode
        default: nil
        }
    }

    /// The node that the field selector names.
    ///
    /// - Returns: `.some(nil)` without a selector, `nil` when it is one that is not served here.
    var node: String?? {
        guard let selector = query["fieldSelector"] else { return .some(nil) }
        let name = "spec.nodeName="
        guard selector.hasPrefix(name) else { return nil }
        return .some(String(selector.dropFirst(name.count)))
    }

    private static func unescaped(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
