# The rules of policy.py and samples.py against what breaks them: a rule that finds nothing then is none.
import copy
import pathlib
import shutil
import tempfile

import policy
import samples


def _daemonset(found):
    return policy.daemonset(found)


def _pod(found):
    return policy.pod(found)


def _container(found):
    return policy.container(found)


def _add_rule(found, group, resource, verb):
    policy.of_kind(found, "ClusterRole")[0]["rules"].append(
        {"apiGroups": [group], "resources": [resource], "verbs": [verb]})


def _volume(found, name):
    return next(volume for volume in _pod(found)["volumes"] if volume["name"] == name)


def _mount(found, name):
    return next(mount for mount in _container(found)["volumeMounts"] if mount["name"] == name)


def _edit_config(found, old, new):
    config = next(one for one in policy.of_kind(found, "ConfigMap") if "node.yaml" in one["data"])
    assert old in config["data"]["node.yaml"]
    config["data"]["node.yaml"] = config["data"]["node.yaml"].replace(old, new)


def _extra_host_path(found, path):
    _pod(found)["volumes"].append({"name": "extra", "hostPath": {"path": path}})
    _container(found)["volumeMounts"].append({"name": "extra", "mountPath": path})


# What is done to the base, and a part of what must be said then.
BREAKS = {
    "Secrets may be read": (lambda f: _add_rule(f, "", "secrets", "get"), "secrets"),
    "tokens may be made": (lambda f: _add_rule(f, "", "serviceaccounts/token", "create"), "serviceaccounts/token"),
    "commands may be run in Pods": (lambda f: _add_rule(f, "", "pods/exec", "create"), "pods/exec"),
    "everything may be done": (lambda f: _add_rule(f, "*", "*", "*"), "('*', '*', '*')"),
    "Pods may be changed": (lambda f: _add_rule(f, "", "pods", "patch"), "'pods', 'patch'"),
    "Pods are not watched": (lambda f: policy.of_kind(f, "ClusterRole")[0]["rules"].pop(0), "does not grant"),
    "another account is bound": (
        lambda f: policy.of_kind(f, "ClusterRoleBinding")[0]["subjects"].append({"kind": "Group", "name": "x"}),
        "binds"),
    "an object is in no namespace": (
        lambda f: policy.of_kind(f, "ServiceAccount")[0]["metadata"].pop("namespace"), "has no namespace"),
    "a cluster's object is in one": (
        lambda f: policy.of_kind(f, "ClusterRole")[0]["metadata"].update(namespace="x"), "is no part of"),
    "a Secret is made": (
        lambda f: f.append({"kind": "Secret", "metadata": {"name": "x", "namespace": "daypass"}}), "no Secret is made"),
    "the default token is mounted": (lambda f: _pod(f).pop("automountServiceAccountToken"), "default token"),
    "the token lives a year": (
        lambda f: _volume(f, "api-access")["projected"]["sources"][0]["serviceAccountToken"].update(
            expirationSeconds=3607), "a year"),
    "the CA is missing": (lambda f: _volume(f, "api-access")["projected"]["sources"].pop(1), "holds"),
    "the token is for all to read": (
        lambda f: _volume(f, "api-access")["projected"].update(defaultMode=0o644), "read by others"),
    "hostNetwork": (lambda f: _pod(f).update(hostNetwork=True), "hostNetwork"),
    "hostPID": (lambda f: _pod(f).update(hostPID=True), "hostPID"),
    "no seccomp": (lambda f: _pod(f)["securityContext"].pop("seccompProfile"), "seccomp"),
    "another user": (lambda f: _pod(f)["securityContext"].update(runAsUser=1000), "user is not 0"),
    "privileged": (lambda f: _container(f)["securityContext"].update(privileged=True), "privileged"),
    "escalation": (
        lambda f: _container(f)["securityContext"].pop("allowPrivilegeEscalation"), "allowPrivilegeEscalation"),
    "a writable root": (lambda f: _container(f)["securityContext"].pop("readOnlyRootFilesystem"), "readOnlyRoot"),
    "capabilities": (
        lambda f: _container(f)["securityContext"]["capabilities"].update(add=["CHOWN"]), "capabilities"),
    "a sidecar without limits": (lambda f: _pod(f)["containers"].append({"name": "x"}), "container x"),
    "a port of the node": (lambda f: _container(f)["ports"][0].update(hostPort=8095), "hostPort"),
    "a limited CPU": (lambda f: _container(f)["resources"]["limits"].update(cpu="1"), "throttled"),
    "unlimited memory": (lambda f: _container(f)["resources"].pop("limits"), "memory has no limit"),
    "a token in the environment": (
        lambda f: _container(f)["env"].append({"name": "GITHUB_TOKEN", "value": "x"}), "in the environment"),
    "the kubelet's directory": (
        lambda f: _extra_host_path(f, "/var/lib/kubelet/pods"), "kubelet's directory is mounted"),
    "the node's root": (lambda f: _extra_host_path(f, "/"), "a hostPath /"),
    "a journal that ends with the Pod": (
        lambda f: _volume(f, "state").update(emptyDir=_volume(f, "state").pop("hostPath") and {}),
        "no hostPath at /run"),
    "a configuration by subPath": (lambda f: _mount(f, "config").update(subPath="node.yaml"), "does not see changes"),
    "keys for all to read": (lambda f: _volume(f, "keys")["secret"].update(defaultMode=0o644), "0400"),
    "an unmounted volume": (lambda f: _pod(f)["volumes"].append({"name": "x", "emptyDir": {}}), "do not match"),
    "no liveness": (lambda f: _container(f).pop("livenessProbe"), "livenessProbe is None"),
    "a hasty liveness": (lambda f: _container(f)["livenessProbe"].update(failureThreshold=1), "kills after"),
    "a readiness that is none": (
        lambda f: _container(f)["readinessProbe"]["httpGet"].update(path="/livez"), "readinessProbe is"),
    "another command": (lambda f: _container(f).update(command=["sh"]), "starts"),
    "a gap in an update": (
        lambda f: _daemonset(f)["spec"]["updateStrategy"]["rollingUpdate"].update(maxUnavailable=1), "beside"),
    "too short an end": (lambda f: _pod(f).update(terminationGracePeriodSeconds=30), "terminationGrace"),
    "a low priority": (lambda f: _pod(f).pop("priorityClassName"), "priority"),
    "no quota for the priority": (lambda f: f.remove(policy.of_kind(f, "ResourceQuota")[0]), "ResourceQuota"),
    "no tolerations": (lambda f: _pod(f).pop("tolerations"), "tolerate"),
    "no node name": (lambda f: _container(f)["env"].clear(), "NODE_NAME"),
    "another port in node.yaml": (lambda f: _edit_config(f, "8095\" }", "9095\" }"), "does not listen"),
    "a key that is not mounted": (lambda f: _edit_config(f, "/etc/daypass/keys/", "/root/"), "no volume holds"),
    "a taint that may not be removed": (
        lambda f: _edit_config(f, "grants: []", "cluster: { startupTaint: x/y }"), "disagree about the startup taint"),
    "another port for Prometheus": (
        lambda f: _daemonset(f)["spec"]["template"]["metadata"]["annotations"].update({"prometheus.io/port": "1"}),
        "elsewhere"),
    "open ingress": (
        lambda f: policy.of_kind(f, "NetworkPolicy")[0]["spec"]["ingress"].append({"ports": [
            {"protocol": "TCP", "port": 1}]}), "lets in"),
    "open egress": (lambda f: policy.of_kind(f, "NetworkPolicy")[0]["spec"]["egress"].append({}), "everything"),
    "no way to the API server": (
        lambda f: policy.of_kind(f, "NetworkPolicy")[0]["spec"]["egress"].pop(1), "lets out"),
}


def check(report, base):
    unseen = []
    for name, (change, expected) in BREAKS.items():
        found = copy.deepcopy(base)
        change(found)
        said = policy.problems(found)
        if not any(expected in problem for problem in said):
            unseen.append(f"{name}: {said or 'nothing'}")
    report.check(f"policy: each of {len(BREAKS)} breaks of the base is seen", unseen)


# A file of the samples, what is changed in it, and a part of what must be said then.
SAMPLE_BREAKS = {
    "a writable volume": ("kaniko/pod.yaml", "readOnly: true # the", "readOnly: false # the", "only read-only ones"),
    "another driver": ("buildkit/job.yaml", "driver: secrets-store.csi.k8s.io", "driver: x", "only its own volumes"),
    "the default account": ("kaniko/pod.yaml", "serviceAccountName: builder", "hostname: x", "everybody"),
    "a missing attribute": ("tekton/taskrun.yaml", "          image: ci/app\n", "", "lacks the attributes"),
    "an attribute too many": (
        "buildkit/job.yaml", "image: ci/app", "image: ci/app\n              x: y", "nothing reads"),
    "a class that is not there": ("kaniko/secretproviderclass.yaml", "name: kaniko-", "name: x-", "no class"),
    "a class elsewhere": ("kaniko/secretproviderclass.yaml", "namespace: ci", "namespace: x", "another namespace"),
    "a file that is not there": ("gitlab-runner/config.toml", "/credentials/auth.json", "/credentials/x", "no file of"),
    "a folder without config.json": ("kaniko/secretproviderclass.yaml", "path: config.json", "path: x", "no file of"),
    "a subPath": ("buildkit/job.yaml", "mountPath: /credentials,", "mountPath: /credentials, subPath: x,", "subPath"),
    "a file that looks elsewhere": ("tekton/taskrun.yaml", "mountPath: /workspace/cred", "mountPath: /x", "says that"),
    "git without an answer": (
        "kaniko/secretproviderclass.yaml", "format: git-credential,", "format: netrc,", "nothing to answer with"),
    "buildx writing into the volume": (
        "gitlab-runner/config.toml", "export BUILDX_CONFIG=/tmp/buildx\n", "", "buildx would write"),
}


def check_samples(report, folder):
    unseen = []
    for name, (file, old, new, expected) in SAMPLE_BREAKS.items():
        with tempfile.TemporaryDirectory() as place:
            tree = pathlib.Path(place) / "samples"
            shutil.copytree(folder, tree)
            text = (tree / file).read_text()
            (tree / file).write_text(text.replace(old, new))
            said = [problem for path, _, namespace, spec in samples.specs(tree) if path.parent == (tree / file).parent
                    for problem in samples.volume_problems(path, tree, namespace, spec)]
        if old not in text or not any(expected in problem for problem in said):
            unseen.append(f"{name}: {said or 'nothing'}")
    report.check(f"samples: each of {len(SAMPLE_BREAKS)} breaks of a sample is seen", unseen)
