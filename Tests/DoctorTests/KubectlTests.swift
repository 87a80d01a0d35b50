// kubectl as a program: a script plays its answers, its refusals and its silence.

import Foundation
import Support
import Testing

@testable import Doctor

struct KubectlTests {
    /// A kubectl that answers from files of its folder, `pods.json` for pods, and writes down what it was asked.
    private static let script = """
        echo "$@" >> "$(dirname "$0")/asked"
        resource=${2%%.*}
        [ "$resource" = configmaps ] && resource="configmaps-$3"
        if [ -e "$(dirname "$0")/$resource.err" ]; then cat "$(dirname "$0")/$resource.err" >&2; exit 1; fi
        if [ -e "$(dirname "$0")/$resource.json" ]; then cat "$(dirname "$0")/$resource.json"; exit 0; fi
        echo "Error from server (NotFound): $resource not found" >&2
        exit 1
        """

    private static let forbidden =
        #"Error from server (Forbidden): csinodes.storage.k8s.io is forbidden: User "jane" cannot list resource"#

    private func withKubectl<Result>(_ body: (ProgramFolder, Kubectl) async throws -> Result) async throws -> Result {
        try await withProgramFolder { folder in
            let world = World()
            let program = try await folder.script("kubectl", Self.script)
            let texts = [
                "csidrivers": world.csiDriver, "secretproviderclasses": world.secretClass, "csinodes": world.csiNodes,
            ]
            for (name, text) in texts { try await folder.file("\(name).json", text) }
            try await folder.file("daemonsets.json", world.daypass + "\n---\n" + yaml(world.driver))
            try await folder.file("pods.json", world.daypassPods + "\n---\n" + world.pod)
            let map = """
                apiVersion: v1
                kind: ConfigMap
                metadata: { name: daypass, namespace: daypass }
                data:
                  node.yaml: |
                \(world.configuration.split(separator: "\n").map { "    \($0)" }.joined(separator: "\n"))
                """
            try await folder.file("configmaps-daypass.json", map)
            return try await body(folder, Kubectl(program: program, environment: ["PATH": "/usr/bin:/bin"]))
        }
    }

    /// JSON is YAML, but for the first brace, by which a file is told to be JSON alone.
    private func yaml(_ json: String) -> String { "# JSON\n" + json }

    @Test("the objects of a cluster are gathered, and only get is ever said")
    func gathering() async throws {
        try await withKubectl { folder, kubectl in
            let gathering = ClusterGathering(kubectl, namespace: nil)
            let objects = try await gathering.objects()
            #expect(try objects.csiDriver().name == "secrets-store.csi.k8s.io")
            #expect(try objects.driver().object.namespace == "kube-system")
            #expect(try objects.daypass().object.namespace == "daypass")
            #expect(try objects.pods.get().count == 3)
            #expect(try objects.syncRoles.get().isEmpty)
            let text = try await gathering.configuration(for: objects).get()
            #expect(text.origin == "configmap daypass/daypass" && text.text.contains("kind: github-app"))
            let asked = (folder.read("asked") ?? "").split(separator: "\n")
            #expect(asked.count == 7)
            #expect(
                asked.allSatisfy { $0.hasPrefix("get ") && !$0.contains("secrets ") && $0.contains("--output json") }
            )
            #expect(asked.filter { $0.contains("--all-namespaces") }.count == 3)
        }
    }

    @Test("a namespace, a context and a configuration are handed on")
    func options() async throws {
        try await withKubectl { folder, kubectl in
            var kubectl = kubectl
            kubectl.context = "prod; rm -rf /"
            kubectl.kubeconfig = "/tmp/a b"
            _ = try await ClusterGathering(kubectl, namespace: "binder").objects()
            let asked = folder.read("asked") ?? ""
            #expect(asked.contains("get pods --namespace binder --output json"))
            #expect(asked.contains("get daemonsets.apps --all-namespaces"))
            #expect(asked.contains("--context prod; rm -rf / --kubeconfig /tmp/a b"))
        }
    }

    @Test("a missing right skips its checks and says which right")
    func forbidden() async throws {
        try await withKubectl { folder, kubectl in
            try await folder.file("csinodes.err", Self.forbidden + "\n")
            var facts = Facts(place: .cluster)
            facts.objects = try await ClusterGathering(kubectl, namespace: nil).objects()
            let finding = try #require(facts.findings("driver-on-nodes").first)
            #expect(finding.severity == .skipped)
            #expect(finding.message.contains("you may not list csinodes") && finding.message.contains("User \"jane\""))
            #expect(finding.fix.contains("right to list csinodes.storage.k8s.io"))
            #expect(facts.findings("driver-installed").first?.severity == .ok)
        }
    }

    @Test("a cluster without the driver has no class and no CSIDriver")
    func withoutDriver() async throws {
        try await withKubectl { folder, kubectl in
            try await folder.file(
                "csidrivers.err",
                #"Error from server (NotFound): csidrivers.storage.k8s.io "x" not found"#
            )
            try await folder.file(
                "secretproviderclasses.err",
                #"error: the server doesn't have a resource type "secretproviderclasses""#
            )
            var facts = Facts(place: .cluster)
            facts.objects = try await ClusterGathering(kubectl, namespace: nil).objects()
            #expect(facts.findings("driver-installed").first?.severity == .error)
            #expect(try facts.objects.classes.get().isEmpty)
        }
    }

    @Test(
        "a cluster that can't be asked ends it",
        arguments: [
            "Unable to connect to the server: dial tcp 192.0.2.1:6443: i/o timeout",
            "E1124 02:27:11.1 memcache.go:265] couldn't get current server API group list\n"
                + "The connection to the server localhost:8080 was refused - did you specify the right host or port?",
            "error: You must be logged in to the server (Unauthorized)", "error: context \"x\" does not exist",
            "error: error loading config file \"/x\": open /x: permission denied",
        ]
    )
    func unreachable(_ text: String) async throws {
        try await withKubectl { folder, kubectl in
            try await folder.file("csidrivers.err", text + "\n")
            let failure = await #expect(throws: GatheringFailure.self) {
                _ = try await ClusterGathering(kubectl, namespace: nil).objects()
            }
            #expect(failure?.message.contains("the cluster can't be asked") == true)
            #expect(failure?.message.contains("memcache") == false)
        }
    }

    @Test("a program that is not there ends it")
    func missing() async throws {
        let kubectl = Kubectl(program: "/nowhere/at/all/kubectl", environment: [:])
        let failure = await #expect(throws: GatheringFailure.self) {
            _ = try await ClusterGathering(kubectl, namespace: nil).objects()
        }
        #expect(failure?.fix.contains("--kubectl") == true)
    }

    @Test("a kubectl that hangs is ended, with what it started")
    func hanging() async throws {
        try await withProgramFolder { folder in
            let program = try await folder.script("kubectl", "echo $$ > \(folder.path)/id; sleep 1000 & wait")
            // The time limit is the test's own here: nothing waits for the real one.
            let kubectl = Kubectl(program: program, timeout: .seconds(-4), environment: ["PATH": "/usr/bin:/bin"])
            await #expect(throws: Kubectl.Failure.timedOut) { _ = try await kubectl.get("pods", in: .allNamespaces) }
            guard let id = folder.read("id").flatMap({ Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) })
            else { return }
            await until { kill(-id, 0) != 0 }
            #expect(kill(-id, 0) != 0)
        }
    }

    @Test("an answer that is too large, and one that is no object, are told apart")
    func answers() async throws {
        try await withProgramFolder { folder in
            let large = try await folder.script("large", "head -c 200000 /dev/zero")
            var kubectl = Kubectl(program: large, mostBytes: 100_000, environment: ["PATH": "/usr/bin:/bin"])
            await #expect(throws: Kubectl.Failure.tooLarge) { _ = try await kubectl.get("pods", in: .allNamespaces) }
            kubectl.program = try await folder.script("odd", "echo hello")
            let failure = await #expect(throws: Kubectl.Failure.self) {
                _ = try await kubectl.get("pods", in: .cluster)
            }
            guard case .other(let why)? = failure else { return #expect(Bool(false), "\(String(describing: failure))") }
            #expect(why.contains("can't be read"))
        }
    }

    @Test(
        "what the DaemonSet and the ConfigMap do not tell is said",
        arguments: [
            ("args: [serve, --config, /config/node.yaml]", "args: [serve]", "runs without --config"),
            ("configMap: { name: daypass, defaultMode: 420 }", "emptyDir: {}", "is not from a ConfigMap"),
            ("/config/node.yaml]", "/config/other.yaml]", "has no key other.yaml"),
            ("configMap: { name: daypass,", "configMap: { name: other,", "no configmap daypass/other"),
        ]
    )
    func places(_ old: String, _ new: String, _ text: String) async throws {
        try await withKubectl { folder, kubectl in
            var world = World()
            try world.daypass.change(old, new)
            try await folder.file("daemonsets.json", world.daypass)
            let gathering = ClusterGathering(kubectl, namespace: nil)
            let found = try await gathering.configuration(for: try await gathering.objects())
            guard case .unknown(let skip) = found else { return #expect(Bool(false), "it was found") }
            #expect(skip.why.contains(text) && skip.fix.contains("--config"), "\(skip)")
        }
    }

    @Test(
        "a name that is an option, or no name, never reaches kubectl",
        arguments: ["--server=https://evil", "-o", "", "a b", "A", "../x", "a..b", "x-", "a;b"]
    )
    func hostileNames(_ name: String) async throws {
        try await withKubectl { folder, kubectl in
            await #expect(throws: Kubectl.Failure.self) {
                _ = try await kubectl.get("configmaps", name, in: .namespace("daypass"))
            }
            await #expect(throws: Kubectl.Failure.self) {
                _ = try await kubectl.get("configmaps", "daypass", in: .namespace(name))
            }
            #expect(folder.read("asked") == nil)
            var world = World()
            try world.daypass.change("configMap: { name: daypass,", "configMap: { name: \"\(name)\",")
            let objects = try world.facts().objects
            #expect(throws: Skip.self) { try ConfigurationPlace(objects) }
        }
    }

    @Test("among several DaemonSets that look like Daypass only the one of our name and namespace is believed")
    func severalDaemonSets() throws {
        let world = World()
        var evil = world
        try evil.daypass.change("{ name: daypass, namespace: daypass,", "{ name: a, namespace: binder,")
        var objects = try world.facts().objects
        let other = try evil.facts().objects.daypass().object
        objects.daemonSets = .known([other] + (try objects.daemonSets.get()))
        #expect(try objects.daypass().object.key == "daypass/daypass")
        objects.daemonSets = .known([other, other])
        var facts = try world.facts()
        facts.objects = objects
        #expect(facts.findings("daypass-installed").first?.severity == .warning)
        let skipped = try #require(facts.findings("daypass-ready").first)
        #expect(skipped.severity == .skipped && skipped.fix == "name it with --config")
        #expect(throws: Skip.self) { try ConfigurationPlace(objects) }
    }

    @Test(
        "what is no name stands in single quotes in a command",
        arguments: [
            ("build-1", "build-1"), ("a.b", "a.b"), ("$(id)", "'$(id)'"), ("a'b", #"'a'\''b'"#),
            ("--server=x", "'?-server=x'"), ("", "''"), ("a\nb", "'a b'"),
        ]
    )
    func quoting(_ text: String, _ word: String) {
        #expect(ObjectName.shell(text) == word)
    }

    @Test("a fix never holds a tenant's command")
    func hostileFix() throws {
        var facts = try facts { world in
            try world.pod.change("{ name: build-1, namespace: binder", "{ name: $(id), namespace: binder")
        }
        var node = try facts.node.get()
        var daemon = try node.daemon.get()
        daemon.volumes = []
        node.daemon = .known(daemon)
        facts.node = .known(node)
        let finding = try #require(facts.findings("pod-unanswered").first)
        #expect(finding.fix.contains("kubectl describe pod '$(id)' -n binder"), "\(finding.fix)")
    }
}
