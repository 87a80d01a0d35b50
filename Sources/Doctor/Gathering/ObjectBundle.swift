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
        let roles = all("ClusterRole", "clusterroles")
        syncRoles =
            switch roles {
            case .known(let roles): .known(roles.filter { $0.name == "secretprovidersyncing-role" })
            case .unknown: roles
            }
        let makers: Set<String> = [
            "CronJob", "Deployment", "Job", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet",
        ]
        workloads = objects.filter { makers.contains($0.kind) }
    }
}
