// Objects from files: dumps of a cluster, or what is about to be applied.

extension ClusterObjects {
    /// Sorts the objects of files by kind. A kind of which there is no object is unknown: nobody can tell whether the
    /// cluster has none, or the dump has not.
    package init(files objects: [KubeObject]) {
        self.init()
        func all(_ kind: String, _ resource: String) -> Objects {
            let found = objects.filter { $0.kind == kind }
            let command = "kubectl get \(resource) -o json"
            return found.isEmpty
                ? .unknown(Skip("the files hold no \(kind)", fix: "add the output of: \(command)")) : .known(found)
        }
        csiDrivers = all("CSIDriver", "csidrivers")
        csiNodes = all("CSINode", "csinodes")
        daemonSets = all("DaemonSet", "daemonsets -A")
        pods = all("Pod", "pods -A")
        classes = all("SecretProviderClass", "secretproviderclasses -A")
        // That the files have other roles says nothing about this one.
        let roles = objects.filter { $0.kind == "ClusterRole" && $0.name == ClusterGathering.syncRole }
        let command = "kubectl get clusterrole \(ClusterGathering.syncRole) -o json"
        syncRoles =
            roles.isEmpty
            ? .unknown(Skip("the files do not hold the driver's role", fix: "add the output, if any, of: \(command)"))
            : .known(roles)
        let makers: Set<String> = [
            "CronJob", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet",
        ]
        workloads = objects.filter { makers.contains($0.kind) }
    }
}
