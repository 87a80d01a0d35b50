// A cluster in which all is well, in the shapes that kubectl prints, and a way to spoil it.

import Foundation
import Policy
import TokenStores

@testable import Doctor

/// A cluster and a node, as texts. A test changes a text and looks at what the checks say then.
struct World {
    var csiDriver = """
        {
          "apiVersion": "storage.k8s.io/v1", "kind": "CSIDriver",
          "metadata": {
            "annotations": {"meta.helm.sh/release-name": "csi-secrets-store", "meta.helm.sh/release-namespace": "kube-system"},
            "creationTimestamp": "2026-11-01T08:00:00Z",
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "name": "secrets-store.csi.k8s.io", "resourceVersion": "812", "uid": "0c1e8a52-1111-4f5e-9d6e-000000000001"
          },
          "spec": {
            "attachRequired": false, "fsGroupPolicy": "ReadWriteOnceWithFSType", "podInfoOnMount": true,
            "requiresRepublish": true, "seLinuxMount": false, "storageCapacity": false,
            "tokenRequests": [{"audience": "sts.amazonaws.com"}, {"audience": "daypass", "expirationSeconds": 3600}],
            "volumeLifecycleModes": ["Ephemeral"]
          }
        }
        """
    var driver = """
        {
          "apiVersion": "apps/v1", "kind": "DaemonSet",
          "metadata": {
            "annotations": {"meta.helm.sh/release-name": "csi-secrets-store", "meta.helm.sh/release-namespace": "kube-system"},
            "labels": {"app": "secrets-store-csi-driver", "app.kubernetes.io/version": "1.6.1"},
            "name": "csi-secrets-store-secrets-store-csi-driver", "namespace": "kube-system", "generation": 2
          },
          "spec": {
            "selector": {"matchLabels": {"app": "secrets-store-csi-driver"}},
            "template": {
              "metadata": {"labels": {"app": "secrets-store-csi-driver"}},
              "spec": {
                "containers": [
                  {"name": "node-driver-registrar", "image": "registry.k8s.io/sig-storage/csi-node-driver-registrar:v2.13.0",
                   "args": ["--v=5", "--csi-address=/csi/csi.sock"]},
                  {"name": "secrets-store", "image": "registry.k8s.io/csi-secrets-store/driver:v1.6.1",
                   "args": ["--endpoint=$(CSI_ENDPOINT)", "--nodeid=$(KUBE_NODE_NAME)",
                     "--provider-volume=/var/run/secrets-store-csi-providers",
                     "--additional-provider-volume-paths=/etc/kubernetes/secrets-store-csi-providers",
                     "--enable-secret-rotation=true", "--rotation-poll-interval=2m", "--metrics-addr=:8095"],
                   "volumeMounts": [
                     {"mountPath": "/csi", "name": "plugin-dir"},
                     {"mountPath": "/var/lib/kubelet/pods", "mountPropagation": "Bidirectional", "name": "mountpoint-dir"},
                     {"mountPath": "/var/run/secrets-store-csi-providers", "name": "providers-dir"},
                     {"mountPath": "/etc/kubernetes/secrets-store-csi-providers", "name": "providers-dir-0"}]}
                ],
                "nodeSelector": {"kubernetes.io/os": "linux"},
                "tolerations": [{"operator": "Exists"}],
                "volumes": [
                  {"hostPath": {"path": "/var/lib/kubelet/plugins/csi-secrets-store/", "type": "DirectoryOrCreate"}, "name": "plugin-dir"},
                  {"hostPath": {"path": "/var/lib/kubelet/pods", "type": "DirectoryOrCreate"}, "name": "mountpoint-dir"},
                  {"hostPath": {"path": "/var/run/secrets-store-csi-providers", "type": "DirectoryOrCreate"}, "name": "providers-dir"},
                  {"hostPath": {"path": "/etc/kubernetes/secrets-store-csi-providers", "type": "DirectoryOrCreate"}, "name": "providers-dir-0"}
                ]
              }
            }
          },
          "status": {"currentNumberScheduled": 3, "desiredNumberScheduled": 3, "numberAvailable": 3, "numberReady": 3}
        }
        """
    var daypass = """
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: { name: daypass, namespace: daypass, labels: { app.kubernetes.io/name: daypass } }
        spec:
          selector: { matchLabels: { app.kubernetes.io/name: daypass } }
          template:
            metadata: { labels: { app.kubernetes.io/name: daypass } }
            spec:
              serviceAccountName: daypass
              nodeSelector: { kubernetes.io/os: linux }
              tolerations:
                - operator: Exists
              terminationGracePeriodSeconds: 30
              containers:
                - name: daypass
                  image: registry.example.com/daypass:1.0.0
                  args: [serve, --config, /config/node.yaml]
                  env:
                    - name: NODE_NAME
                      valueFrom: { fieldRef: { apiVersion: v1, fieldPath: spec.nodeName } }
                  securityContext: { runAsUser: 0, readOnlyRootFilesystem: true }
                  volumeMounts:
                    - { name: providers, mountPath: /var/run/secrets-store-csi-providers }
                    - { name: state, mountPath: /run/daypass }
                    - { name: pods, mountPath: /var/lib/kubelet/pods, readOnly: true }
                    - { name: configuration, mountPath: /config, readOnly: true }
                    - { name: keys, mountPath: /etc/daypass/keys, readOnly: true }
              volumes:
                - { name: providers, hostPath: { path: /var/run/secrets-store-csi-providers, type: DirectoryOrCreate } }
                - { name: state, hostPath: { path: /run/daypass, type: DirectoryOrCreate } }
                - { name: pods, hostPath: { path: /var/lib/kubelet/pods, type: Directory } }
                - { name: configuration, configMap: { name: daypass, defaultMode: 420 } }
                - { name: keys, secret: { secretName: daypass-keys, defaultMode: 256 } }
        status: { desiredNumberScheduled: 3, numberReady: 3 }
        """
    var daypassPods = """
        apiVersion: v1
        kind: PodList
        items:
          - metadata: { name: daypass-a, namespace: daypass, ownerReferences: [{ kind: DaemonSet, name: daypass }] }
            spec: { nodeName: node-1, containers: [{ name: daypass, image: "registry.example.com/daypass:1.0.0" }] }
            status: { phase: Running }
          - metadata: { name: daypass-b, namespace: daypass, ownerReferences: [{ kind: DaemonSet, name: daypass }] }
            spec: { nodeName: node-2, containers: [{ name: daypass, image: "registry.example.com/daypass:1.0.0" }] }
            status: { phase: Running }
        """
    var csiNodes = """
        apiVersion: v1
        kind: List
        items:
          - { apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: { name: node-1 }, spec: { drivers: [{ name: secrets-store.csi.k8s.io }] } }
          - { apiVersion: storage.k8s.io/v1, kind: CSINode, metadata: { name: node-2 }, spec: { drivers: [{ name: secrets-store.csi.k8s.io }] } }
        """
    var syncRole = ""
    var secretClass = """
        apiVersion: secrets-store.csi.x-k8s.io/v1
        kind: SecretProviderClass
        metadata: { name: build-credentials, namespace: binder }
        spec:
          provider: daypass
          parameters:
            tokens: |
              - { name: source, store: github, repository: "${repository}", permissions: { contents: read } }
            files: |
              - { path: .gitconfig, format: gitconfig, tokens: [source] }
              - { path: git-credential, format: git-credential, tokens: [source] }
        """
    var pod = """
        apiVersion: v1
        kind: Pod
        metadata: { name: build-1, namespace: binder, uid: 5f2b1a52-0000-4f5e-9d6e-000000000001 }
        spec:
          nodeName: node-1
          serviceAccountName: builder
          containers:
            - name: build
              image: alpine/git
              volumeMounts: [{ name: credentials, mountPath: /credentials, readOnly: true }]
          volumes:
            - name: credentials
              csi:
                driver: secrets-store.csi.k8s.io
                readOnly: true
                volumeAttributes: { secretProviderClass: build-credentials, repository: "https://github.com/our-org/app" }
        status: { phase: Running }
        """
    var configuration = """
        stores:
          github:
            kind: github-app
            appID: "123456"
            privateKey: { file: /etc/daypass/keys/github.pem }
        grants:
          - name: binder-clone
            to: { namespace: binder, serviceAccount: builder }
            store: github
            allow: { repositories: ["our-org/*"], permissions: { contents: read } }

        """

    /// The facts of this world.
    func facts() throws -> Facts {
        var facts = Facts(place: .cluster)
        facts.objects.csiDrivers = .known(try read(csiDriver))
        facts.objects.csiNodes = .known(try read(csiNodes))
        facts.objects.daemonSets = .known(try read(driver) + read(daypass))
        facts.objects.pods = .known(try read(daypassPods) + read(pod))
        facts.objects.classes = .known(try read(secretClass))
        facts.objects.syncRoles = .known(try read(syncRole))
        let node = try NodeConfiguration.load(yaml: configuration, file: "node.yaml", kinds: BuiltinStores.all)
        facts.configuration = .known(
            ConfigurationFacts(origin: "node.yaml", problems: node.warnings, node: node, fileProblems: [])
        )
        facts.node = .known(Self.node(digest: node.digest))
        facts.sources = .known([
            SourceFacts(
                store: "github",
                kind: "github-app",
                address: "https://api.github.com",
                outcome: .answered(status: 200),
                app: AppFacts(installations: ["our-org": false])
            )
        ])
        facts.clocks = .known([ClockFacts(whose: "the API server", aheadBySeconds: 1, isAPIServer: true)])
        return facts
    }

    private func read(_ text: String) throws -> [KubeObject] {
        text.isEmpty ? [] : try KubeObject.read(Array(text.utf8))
    }

    /// A node on which all is well.
    static func node(digest: String) -> NodeFacts {
        var node = NodeFacts(
            version: "1.0.0",
            socketPath: "/var/run/secrets-store-csi-providers/daypass.sock",
            adminSocketPath: "/run/daypass/admin.sock",
            journalPath: "/run/daypass/leases.db"
        )
        node.socketFile = .init(kind: .socket, mode: 0o600, owner: 0)
        node.socketAnswer = .provider(name: "daypass", version: "1.0.0")
        node.olderSocketFile = .known(nil)
        node.adminSocketFile = .init(kind: .socket, mode: 0o600, owner: 0)
        node.journalFolder = .init(kind: .folder, mode: 0o700, owner: 0)
        node.journalFile = .init(kind: .file, mode: 0o600, owner: 0)
        node.journalFileSystem = "tmpfs"
        node.nodeName = "node-1"
        var daemon = DaemonFacts(
            version: "1.0.0",
            configuration: digest,
            detectors: [.init(name: "pod watch", isWatching: true, note: "last list at 2026-11-23T17:16:42Z")]
        )
        daemon.volumes = [.init(podUID: "5f2b1a52-0000-4f5e-9d6e-000000000001", name: "credentials")]
        node.daemon = .known(daemon)
        return node
    }
}

/// The facts of a good world, changed.
func facts(_ change: (inout World) throws -> Void = { _ in }) throws -> Facts {
    var world = World()
    try change(&world)
    return try world.facts()
}

extension String {
    /// Replaces a text that must be there.
    mutating func change(_ old: String, _ new: String) throws {
        guard contains(old) else { throw Unchanged(text: old) }
        self = replacing(old, with: new)
    }
}

/// A fixture does not hold what a test wants to change.
struct Unchanged: Error { let text: String }

extension Facts {
    /// The findings of one check.
    func findings(_ check: String) -> [Finding] { Checks.run(on: self, only: [check]) }
}
