// The real kubectl against an API server on loopback: what we ask for is what it understands.

import FlyingFox
import FlyingSocks
import Foundation
import Support
import Testing

@testable import Doctor

@Suite(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/kubectl"), "kubectl is not installed"))
struct RealKubectlTests {
    /// The part of an API server that `kubectl get` calls: what kinds there are, and the objects.
    private struct Server {
        let objects: [String: String]
        let forbidden: String?

        private static let groups = [
            "storage.k8s.io": [("csidrivers", "CSIDriver", false), ("csinodes", "CSINode", false)],
            "apps": [("daemonsets", "DaemonSet", true)],
            "secrets-store.csi.x-k8s.io": [("secretproviderclasses", "SecretProviderClass", true)],
            "rbac.authorization.k8s.io": [("clusterroles", "ClusterRole", false)],
        ]

        func answer(_ path: String) -> (Int, String) {
            if let forbidden, path.hasSuffix(forbidden) {
                let message = "\(forbidden.dropFirst()) is forbidden: User jane cannot list resource"
                return (403, status("Forbidden", message, 403))
            }
            switch path {
            case "/api": return (200, #"{"kind":"APIVersions","versions":["v1"]}"#)
            case "/apis":
                let groups = Self.groups.keys.sorted().map { name in
                    let version = #"{"groupVersion":"\#(name)/v1","version":"v1"}"#
                    return #"{"name":"\#(name)","versions":[\#(version)],"preferredVersion":\#(version)}"#
                }
                return (200, #"{"kind":"APIGroupList","apiVersion":"v1","groups":[\#(groups.joined(separator: ","))]}"#)
            case "/api/v1":
                return (200, resources("v1", [("pods", "Pod", true), ("configmaps", "ConfigMap", true)]))
            default: break
            }
            for (group, kinds) in Self.groups where path == "/apis/\(group)/v1" {
                return (200, resources("\(group)/v1", kinds))
            }
            if let body = objects[path] { return (200, body) }
            return (404, status("NotFound", "it is not found", 404))
        }

        private func status(_ reason: String, _ message: String, _ code: Int) -> String {
            #"{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"\#(reason)","message":"\#(message)","code":\#(code)}"#
        }

        private func resources(_ version: String, _ kinds: [(String, String, Bool)]) -> String {
            let list = kinds.map { name, kind, isNamespaced in
                #"{"name":"\#(name)","singularName":"","namespaced":\#(isNamespaced),"kind":"\#(kind)","verbs":["get","list"]}"#
            }
            return
                #"{"kind":"APIResourceList","groupVersion":"\#(version)","resources":[\#(list.joined(separator: ","))]}"#
        }
    }

    private func withCluster<Result>(
        forbidden: String? = nil,
        _ body: (Kubectl, Box<[String]>) async throws -> Result
    ) async throws -> Result {
        func list(_ kind: String, _ version: String, _ texts: [String]) throws -> String {
            let items = try texts.flatMap { try KubeObject.read(Array($0.utf8)) }.map(\.tree)
            let tree = ObjectTree.map([
                "apiVersion": .text(version), "kind": .text("\(kind)List"), "metadata": .map([:]),
                "items": .list(items),
            ])
            return String(decoding: try JSONEncoder().encode(tree), as: UTF8.self)
        }
        let world = World()
        let object = ObjectTree.map([
            "apiVersion": .text("v1"), "kind": .text("ConfigMap"),
            "metadata": .map(["name": .text("daypass"), "namespace": .text("daypass")]),
            "data": .map(["node.yaml": .text(world.configuration)]),
        ])
        let map = String(decoding: try JSONEncoder().encode(object), as: UTF8.self)
        let storage = "/apis/storage.k8s.io/v1"
        let answers = Server(
            objects: [
                "\(storage)/csidrivers/secrets-store.csi.k8s.io": world.csiDriver,
                "\(storage)/csinodes": try list("CSINode", "storage.k8s.io/v1", [world.csiNodes]),
                "/apis/apps/v1/daemonsets": try list("DaemonSet", "apps/v1", [world.driver, world.daypass]),
                "/api/v1/pods": try list("Pod", "v1", [world.daypassPods, world.pod]),
                "/api/v1/namespaces/daypass/configmaps/daypass": map,
                "/apis/secrets-store.csi.x-k8s.io/v1/secretproviderclasses": try list(
                    "SecretProviderClass",
                    "secrets-store.csi.x-k8s.io/v1",
                    [world.secretClass]
                ),
            ],
            forbidden: forbidden
        )
        let asked = Box<[String]>([])
        let server = HTTPServer(address: try .inet(ip4: "127.0.0.1", port: 0), logger: .disabled)
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run() }
            defer { group.cancelAll() }
            try await server.waitUntilListening(timeout: 60)
            guard case .ip4(_, let port) = await server.listeningAddress else { throw SceneryFailure("no port") }
            await server.appendRoute("*") { request in
                asked.update { $0.append("\(request.method.rawValue) \(request.path)") }
                let (status, body) = answers.answer(request.path)
                return HTTPResponse(
                    statusCode: HTTPStatusCode(status, phrase: "Answer"),
                    headers: [.contentType: "application/json"],
                    body: Data(body.utf8)
                )
            }
            return try await withProgramFolder { folder in
                let cluster = "{ name: c, cluster: { server: \"http://127.0.0.1:\(port)\" } }"
                let config = """
                    apiVersion: v1
                    kind: Config
                    clusters: [\(cluster)]
                    users: [{ name: u, user: { token: x } }]
                    contexts: [{ name: one, context: { cluster: c, user: u } }]
                    """
                let kubeconfig = try await folder.file("config", config, mode: "0600")
                let kubectl = Kubectl(
                    program: "/usr/bin/kubectl",
                    context: "one",
                    kubeconfig: kubeconfig,
                    environment: ["PATH": "/usr/bin:/bin", "HOME": folder.path]
                )
                return try await body(kubectl, asked)
            }
        }
    }

    @Test("the objects of a cluster and its configuration are gathered, with GET alone")
    func gathering() async throws {
        try await withCluster { kubectl, asked in
            let gathering = ClusterGathering(kubectl, namespace: nil)
            let objects = try await gathering.objects()
            #expect(try objects.csiDriver().name == "secrets-store.csi.k8s.io")
            #expect(try objects.driver().container.image.hasSuffix(":v1.6.1"))
            #expect(try objects.pods.get().count == 3)
            #expect(try objects.classes.get().map(\.key) == ["binder/build-credentials"])
            #expect(try objects.csiNodes.get().count == 2)
            #expect(try objects.syncRoles.get().isEmpty)
            let text = try await gathering.configuration(for: objects).get()
            #expect(text.text.hasPrefix("stores:"))
            #expect(
                asked.get().allSatisfy { $0.hasPrefix("GET ") && !$0.contains("secrets/") && !$0.hasSuffix("/secrets") }
            )
        }
    }

    @Test("what the API server forbids is told by its name")
    func forbidden() async throws {
        try await withCluster(forbidden: "/daemonsets") { kubectl, _ in
            var facts = Facts(place: .cluster)
            facts.objects = try await ClusterGathering(kubectl, namespace: nil).objects()
            let finding = try #require(facts.findings("daypass-installed").first)
            #expect(
                finding.severity == .skipped && finding.message.contains("you may not list daemonsets"),
                "\(finding)"
            )
        }
    }

    @Test("a context that is not there, and a server that is not there, end it")
    func unreachable() async throws {
        try await withCluster { kubectl, _ in
            var kubectl = kubectl
            kubectl.context = "other"
            let failure = await #expect(throws: GatheringFailure.self) {
                _ = try await ClusterGathering(kubectl, namespace: nil).objects()
            }
            #expect(failure?.message.contains("the cluster can't be asked") == true, "\(String(describing: failure))")
        }
        let kubectl = Kubectl(program: "/usr/bin/kubectl", environment: ["PATH": "/usr/bin:/bin", "HOME": "/nowhere"])
        await #expect(throws: GatheringFailure.self) {
            _ = try await ClusterGathering(kubectl, namespace: nil).objects()
        }
    }
}
