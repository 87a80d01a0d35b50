// A Mount call as the driver makes it, to be spoiled by tests.

import Foundation
import MountRequests
import Refusals

struct Call {
    static let uid = "0f6a4a52-6c3e-4f3a-9d0e-0d8f8a1f2b3c"
    static let tokens = """
        - { name: source, store: github, repository: "${repository}", permissions: { contents: read } }
        - { name: image,  store: push,   repository: "${image}", actions: [push, pull] }
        """
    static let files = """
        - { path: .gitconfig,  format: gitconfig,     tokens: [source] }
        - { path: config.json, format: docker-config, tokens: [image], mode: 0400 }
        """
    /// What must never be shown.
    static let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzZWNyZXQiOjF9.c2lnbmF0dXJl"

    var attributes = [
        "csi.storage.k8s.io/ephemeral": "true",
        "csi.storage.k8s.io/pod.name": "build-7",
        "csi.storage.k8s.io/pod.namespace": "binder",
        "csi.storage.k8s.io/pod.uid": uid,
        "csi.storage.k8s.io/serviceAccount.name": "builder",
        "csi.storage.k8s.io/serviceAccount.tokens": """
        {"daypass":{"token":"\(jwt)","expirationTimestamp":"2026-01-29T22:29:56Z"},"vault":{"token":"other"}}
        """,
        "secretProviderClass": "build-credentials",
        "repository": "https://github.com/our-org/x",
        "image": "registry.example/binder/x:1",
        "tokens": tokens,
        "files": files,
    ]
    var secrets = "null"
    var targetPath = "/var/lib/kubelet/pods/\(uid)/volumes/kubernetes.io~csi/credentials/mount"
    var permission = "420"
    /// Sent in place of the attributes.
    var attributesText: String?

    static func with(_ change: (inout Call) -> Void) -> Call {
        var call = Call()
        change(&call)
        return call
    }

    /// A call with other parameters.
    static func with(tokens: String = Call.tokens, files: String = Call.files) -> Call {
        with {
            $0.attributes["tokens"] = tokens
            $0.attributes["files"] = files
        }
    }

    static func json(_ map: [String: String]) throws -> String {
        String(decoding: try JSONEncoder().encode(map), as: UTF8.self)
    }

    func parse() throws -> MountRequest {
        try MountRequestParser.parse(
            attributes: attributesText ?? Self.json(attributes),
            secrets: secrets,
            targetPath: targetPath,
            permission: permission,
            audience: "daypass"
        )
    }

    /// The line that a person sees.
    func refusal() -> String {
        do {
            _ = try parse()
            return "not refused"
        } catch {
            return "\(error)"
        }
    }
}
