# What must hold for every set of objects that installs Daypass, whoever rendered it.
import yaml

from schemas import title

CLUSTER_SCOPED = {
    "Namespace", "ClusterRole", "ClusterRoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding",
    "SecurityContextConstraints",
}

# All that may be granted: group, resource, verb. What is optional has a component of its own.
ALWAYS = {("", "pods", verb) for verb in ("get", "list", "watch")} | {
    ("secrets-store.csi.x-k8s.io", "secretproviderclasses", "get"),
}
FOR_EVENTS = {
    ("events.k8s.io", "events", "create"),
    ("events.k8s.io", "events", "patch"),
}
FOR_STARTUP_TAINT = {("", "nodes", "get"), ("", "nodes", "patch")}
FOR_OPENSHIFT = {("security.openshift.io", "securitycontextconstraints", "use")}

SOCKETS = "/var/run/secrets-store-csi-providers"
OWN_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount"


def of_kind(found, kind):
    return [document for document in found if document["kind"] == kind]


def daemonset(found):
    return of_kind(found, "DaemonSet")[0]


def pod(found):
    return daemonset(found)["spec"]["template"]["spec"]


def container(found):
    return pod(found)["containers"][0]


def node_configuration(found):
    """The node.yaml that the DaemonSet mounts, as text; None where its ConfigMap is made by somebody else."""
    volumes = {volume["name"]: volume for volume in pod(found)["volumes"]}
    name = volumes["config"]["configMap"]["name"]
    for config in of_kind(found, "ConfigMap"):
        if config["metadata"]["name"] == name:
            return config["data"]["node.yaml"]
    return None


def rights(found):
    granted = set()
    for role in of_kind(found, "ClusterRole") + of_kind(found, "Role"):
        for rule in role["rules"]:
            for group in rule.get("apiGroups", []):
                for resource in rule.get("resources", []):
                    granted |= {(group, resource, verb) for verb in rule["verbs"]}
            if "nonResourceURLs" in rule:
                granted.add(("", "nonResourceURLs", "*"))
    return granted


def problems(found, kubelet=False, taint=False, openshift=False, events=True, sockets=SOCKETS):
    """Everything that is wrong with a set of objects; the options say what it may have beyond the base."""
    if len(of_kind(found, "DaemonSet")) != 1:
        return ["there must be one DaemonSet"]
    return [
        *scopes(found),
        *role_problems(found, ALWAYS | (FOR_EVENTS if events else set()) | (FOR_STARTUP_TAINT if taint else set())
                       | (FOR_OPENSHIFT if openshift else set())),
        *identity_problems(found),
        *security_problems(found, openshift),
        *volume_problems(found, kubelet, sockets),
        *probe_problems(found),
        *rollout_problems(found),
        *configuration_problems(found, taint, events, sockets),
        *network_problems(found),
        *(taint_problems(found) if taint else []),
    ]


def scopes(found):
    for document in found:
        placed = "namespace" in document["metadata"]
        if placed == (document["kind"] in CLUSTER_SCOPED):
            yield f"{title(document)}: " + ("is no part of a namespace" if placed else "has no namespace")
    for secret in of_kind(found, "Secret"):
        if secret["metadata"]["name"] != "daypass-keys":
            yield f"{title(secret)}: no Secret is made but the keys"


def role_problems(found, allowed):
    granted = rights(found)
    for right in sorted(granted - allowed):
        yield f"grants {right}"
    for right in sorted(allowed - granted):
        yield f"does not grant {right}"
    names = {document["metadata"]["name"] for document in of_kind(found, "ServiceAccount")}
    for binding in of_kind(found, "ClusterRoleBinding") + of_kind(found, "RoleBinding"):
        for subject in binding["subjects"]:
            if subject["kind"] != "ServiceAccount" or subject["name"] not in names:
                yield f"{title(binding)}: binds {subject['kind']}/{subject['name']}"


def identity_problems(found):
    spec = pod(found)
    if spec.get("automountServiceAccountToken") is not False:
        yield "the Pod mounts the default token"
    for account in of_kind(found, "ServiceAccount"):
        if account.get("automountServiceAccountToken") is not False:
            yield f"{title(account)}: its token is mounted by default"
    mounts = [mount for mount in container(found)["volumeMounts"] if mount["mountPath"] == OWN_TOKEN]
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    if len(mounts) != 1 or not mounts[0].get("readOnly"):
        yield f"no read-only volume is at {OWN_TOKEN}"
        return
    projected = volumes[mounts[0]["name"]].get("projected", {})
    files = set()
    for source in projected.get("sources", []):
        if "serviceAccountToken" in source:
            files.add(source["serviceAccountToken"]["path"])
            if source["serviceAccountToken"].get("expirationSeconds", 3607) == 3607:
                yield "the token's life is that of a default one, which API servers make a year"
            if "audience" in source["serviceAccountToken"]:
                yield "the token is for the API server, so it has no audience of its own"
        for item in source.get("configMap", {}).get("items", []) + source.get("downwardAPI", {}).get("items", []):
            files.add(item["path"])
    if files != {"token", "ca.crt", "namespace"}:
        yield f"{OWN_TOKEN} holds {sorted(files)}"
    if projected.get("defaultMode") != 0o400:
        yield "the token can be read by others than root"


def security_problems(found, openshift):
    spec = pod(found)
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(name):
            yield f"{name} is on"
    if spec.get("enableServiceLinks") is not False:
        yield "enableServiceLinks is on"
    context = spec.get("securityContext", {})
    if context.get("seccompProfile") != {"type": "RuntimeDefault"}:
        yield "seccomp is not RuntimeDefault"
    if context.get("runAsUser") != 0 or context.get("runAsGroup") != 0:
        yield "the user is not 0, as whom the driver connects"
    if context.get("seLinuxOptions", {}) != ({"type": "spc_t"} if openshift else {}):
        yield "seLinuxOptions are not as they should be"
    for one in spec["containers"]:
        own = one.get("securityContext", {})
        wanted = {
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        for key, value in wanted.items():
            if own.get(key) != value:
                yield f"container {one['name']}: {key} is {own.get(key)}"
        if "runAsUser" in own and own["runAsUser"] != 0:
            yield f"container {one['name']}: runAsUser"
        for port in one.get("ports", []):
            if "hostPort" in port:
                yield f"container {one['name']}: hostPort"
        resources = one.get("resources", {})
        if "cpu" in resources.get("limits", {}):
            yield "the CPU is limited: bursts would be throttled into the driver's deadlines"
        if "memory" not in resources.get("limits", {}) or set(resources.get("requests", {})) != {"cpu", "memory"}:
            yield "memory has no limit, or CPU or memory no request"
        if any("SECRET" in variable["name"] or "TOKEN" in variable["name"] for variable in one.get("env", [])):
            yield "a secret is in the environment"


def volume_problems(found, kubelet, sockets):
    spec = pod(found)
    paths = {volume["hostPath"]["path"]: volume for volume in spec["volumes"] if "hostPath" in volume}
    mounts = {mount["mountPath"]: mount for mount in container(found)["volumeMounts"]}
    by_name = {mount["name"]: mount for mount in mounts.values()}
    kubelet_paths = [path for path in paths if path.endswith("/pods")]
    for path in set(paths) - {sockets, *kubelet_paths}:
        if by_name[paths[path]["name"]]["mountPath"] != "/run/daypass":
            yield f"a hostPath {path}"
    if len(paths) != (3 if kubelet else 2) or sockets not in paths:
        yield f"the hostPaths are {sorted(paths)}"
    if kubelet != bool(kubelet_paths):
        yield "the kubelet's directory is " + ("missing" if kubelet else "mounted")
    for path in kubelet_paths:
        mount = by_name[paths[path]["name"]]
        if not mount.get("readOnly") or mount["mountPath"] != path or mount.get("mountPropagation", "None") != "None":
            yield "the kubelet's directory is not mounted read-only, at its own path, without propagation"
    for path, kind in ((sockets, "hostPath"), ("/run/daypass", "hostPath"), ("/config", "configMap")):
        mount = mounts.get(path)
        volume = next((one for one in spec["volumes"] if mount and one["name"] == mount["name"]), {})
        if kind not in volume:
            yield f"no {kind} at {path}"
        if mount and mount.get("readOnly", False) != (kind != "hostPath"):
            yield f"{path}: readOnly"
    for mount in mounts.values():
        if "subPath" in mount:
            yield f"{mount['mountPath']}: a subPath does not see changes"
    keys = next(volume for volume in spec["volumes"] if volume["name"] == "keys")["secret"]
    if keys.get("defaultMode") != 0o400 or "optional" not in keys:
        yield "the keys' mode is not 0400, or it is not said whether they are optional"
    if not by_name["keys"].get("readOnly"):
        yield "the keys are writable"
    unused = {volume["name"] for volume in spec["volumes"]} ^ set(by_name)
    if unused:
        yield f"volumes and mounts do not match: {sorted(unused)}"


def probe_problems(found):
    one = container(found)
    if one.get("args", [])[:3] != ["serve", "--config", "/config/node.yaml"] or "command" in one:
        yield f"starts {one.get('command')} {one.get('args')}"
    if [port["name"] for port in one.get("ports", [])] != ["admin"]:
        yield "the one port is not admin"
    for name, path in (("startupProbe", "/livez"), ("livenessProbe", "/livez"), ("readinessProbe", "/readyz")):
        probe = one.get(name, {})
        if probe.get("httpGet") != {"path": path, "port": "admin"}:
            yield f"{name} is {probe.get('httpGet')}"
            continue
        patience = probe.get("periodSeconds", 10) * probe.get("failureThreshold", 3)
        if name == "startupProbe" and patience < 60:
            yield f"startupProbe: {patience} s are too short for a large journal on a busy node"
        if name == "livenessProbe" and patience < 30:
            yield f"livenessProbe: kills after {patience} s, which a busy node may take"
        if probe.get("timeoutSeconds", 1) < 3:
            yield f"{name}: timeoutSeconds is shorter than an answer on a busy node"


def rollout_problems(found):
    spec = daemonset(found)["spec"]
    strategy = spec["updateStrategy"]
    if strategy["type"] == "RollingUpdate" and strategy["rollingUpdate"] != {"maxSurge": 1, "maxUnavailable": 0}:
        yield "a new Pod does not start beside the old one"
    if spec.get("minReadySeconds", 0) < 1:
        yield "minReadySeconds: a Pod that dies at once would not stop an update"
    one = pod(found)
    if one.get("terminationGracePeriodSeconds", 30) <= 30:
        yield "terminationGracePeriodSeconds is not more than twice server.drain and ten seconds"
    if one.get("priorityClassName") == "system-node-critical":
        scopes = [
            value
            for quota in of_kind(found, "ResourceQuota")
            for expression in quota["spec"]["scopeSelector"]["matchExpressions"]
            for value in expression["values"]
        ]
        if "system-node-critical" not in scopes:
            yield "no ResourceQuota allows the critical priority, which GKE insists on"
    else:
        yield "the priority is not the driver's"
    if {"operator": "Exists"} not in one.get("tolerations", []):
        yield "does not tolerate every taint, as the driver does"
    if one.get("nodeSelector", {}).get("kubernetes.io/os") != "linux":
        yield "may come to a node that is not Linux"
    names = {variable["name"]: variable for variable in container(found).get("env", [])}
    if names.get("NODE_NAME", {}).get("valueFrom", {}).get("fieldRef", {}).get("fieldPath") != "spec.nodeName":
        yield "NODE_NAME is not the node's"
    labels = daemonset(found)["spec"]["template"]["metadata"]["labels"]
    selector = spec["selector"]["matchLabels"]
    if selector.items() - labels.items() or selector.get("app.kubernetes.io/name") != "daypass":
        yield "the selector does not find the Pods"


def configuration_problems(found, taint, events, sockets):
    text = node_configuration(found)
    if text is None:
        return
    config = yaml.safe_load(text)
    port = container(found)["ports"][0]["containerPort"]
    if not config["server"]["adminHTTP"]["listen"].endswith(f":{port}"):
        yield f"node.yaml does not listen on {port}, where the probes call"
    socket = config["server"].get("socket", SOCKETS + "/daypass.sock")
    if socket != f"{sockets}/daypass.sock":
        yield f"node.yaml has its socket at {socket}"
    cluster = config.get("cluster", {})
    if bool(cluster.get("startupTaint")) != taint:
        yield "node.yaml and the roles disagree about the startup taint"
    if (cluster.get("events", "auto") == "auto") != events:
        yield "node.yaml and the roles disagree about events"
    for path in _values(config, "file"):
        mounted = [mount["mountPath"] for mount in container(found)["volumeMounts"] if mount["name"] == "keys"]
        if not path.startswith(mounted[0] + "/"):
            yield f"node.yaml names {path}, which no volume holds"


def _values(tree, key):
    if isinstance(tree, dict):
        for name, value in tree.items():
            if name == key and isinstance(value, str):
                yield value
            yield from _values(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from _values(value, key)


def network_problems(found):
    port = container(found)["ports"][0]["containerPort"]
    annotations = daemonset(found)["spec"]["template"]["metadata"].get("annotations", {})
    scraped = annotations.get("prometheus.io/scrape") == "true"
    if scraped and (annotations["prometheus.io/port"], annotations["prometheus.io/path"]) != (str(port), "/metrics"):
        yield "the annotations lead Prometheus elsewhere"
    if scraped and of_kind(found, "PodMonitor"):
        yield "annotations and PodMonitor: metrics would be read twice"
    selector = daemonset(found)["spec"]["selector"]["matchLabels"]
    for monitor in of_kind(found, "PodMonitor"):
        if monitor["spec"]["selector"]["matchLabels"].items() - selector.items():
            yield f"{title(monitor)}: finds no Pod"
        if [endpoint["port"] for endpoint in monitor["spec"]["podMetricsEndpoints"]] != ["admin"]:
            yield f"{title(monitor)}: the port"
    for network in of_kind(found, "NetworkPolicy"):
        spec = network["spec"]
        if spec["podSelector"]["matchLabels"] != selector or set(spec["policyTypes"]) != {"Ingress", "Egress"}:
            yield f"{title(network)}: does not hold for the Pods, both ways"
        entries = [(one["protocol"], one["port"]) for rule in spec["ingress"] for one in rule["ports"]]
        if entries != [("TCP", port)]:
            yield f"{title(network)}: lets in {entries}"
        exits = {(one["protocol"], one["port"]) for rule in spec["egress"] for one in rule.get("ports", [])}
        if not {("UDP", 53), ("TCP", 53), ("TCP", 443), ("TCP", 6443)} <= exits:
            yield f"{title(network)}: lets out {sorted(exits)} only"
        if any(not rule for rule in spec["egress"]):
            yield f"{title(network)}: lets out everything"


def taint_problems(found):
    policies = of_kind(found, "ValidatingAdmissionPolicy")
    bindings = of_kind(found, "ValidatingAdmissionPolicyBinding")
    if not policies:
        yield "nodes may be patched, and no policy says which and how"
        return
    if [one["spec"]["policyName"] for one in bindings] != [policies[0]["metadata"]["name"]]:
        yield "the admission policy is not in force"
    elif bindings[0]["spec"]["validationActions"] != ["Deny"] or policies[0]["spec"].get("failurePolicy") != "Fail":
        yield "the admission policy denies nothing"
    account = of_kind(found, "ServiceAccount")[0]["metadata"]
    caller = f"system:serviceaccount:{account['namespace']}:{account['name']}"
    if not any(f'"{caller}"' in one["expression"] for one in policies[0]["spec"]["matchConditions"]):
        yield f"the admission policy is for others than {caller}"
    text = node_configuration(found)
    if text is not None:
        key = yaml.safe_load(text)["cluster"]["startupTaint"]
        if not any(f'"{key}"' in one["expression"] for one in policies[0]["spec"]["validations"]):
            yield f"the admission policy is about other taints than {key}"
