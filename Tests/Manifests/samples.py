# The samples: volumes, classes and variables that belong together, and objects that Kubernetes takes.
import json
import pathlib
import re
import subprocess
import tomllib

import yaml

import schemas
from rendering import documents

DRIVER = "secrets-store.csi.k8s.io"

# Variables that lead git and docker to a file of the volume, and the file's name where they name its folder.
POINTERS = {
    "GIT_CONFIG_GLOBAL": None,
    "REGISTRY_AUTH_FILE": None,
    "DOCKER_CONFIG": "config.json",
}


def values_files(samples):
    """Files of values for charts of others, and of the driver: no objects."""
    return {path for path in samples.rglob("values.yaml")}


def configurations(samples):
    return sorted(samples.glob("*node*.yaml"))


def objects(samples):
    skipped = values_files(samples) | set(configurations(samples))
    return {
        path: documents(path.read_text()) for path in sorted(samples.rglob("*.yaml")) if path not in skipped
    }


def specs(samples):
    """Every Pod's spec among the samples, under its file and a name: its volumes are what all of this is about."""
    for path, found in objects(samples).items():
        for document in found:
            spec, name = document.get("spec", {}), f"{path.relative_to(samples)}: {schemas.title(document)}"
            if document["kind"] == "Pod":
                yield path, name, document["metadata"]["namespace"], spec
            elif document["kind"] == "Job":
                yield path, name, document["metadata"]["namespace"], spec["template"]["spec"]
            elif document["kind"] == "TaskRun":
                yield path, name, document["metadata"]["namespace"], tekton(path, spec)
            elif document["kind"] == "Workflow":
                yield path, name, document["metadata"]["namespace"], argo(spec)
            elif document["kind"] == "ConfigMap" and "job-pod.yaml" in document["data"]:
                inner = yaml.safe_load(document["data"]["job-pod.yaml"])["spec"]
                yield path, name, document["metadata"]["namespace"], inner
    for path in sorted(values_files(samples)):
        values = yaml.safe_load(path.read_text())
        if "template" in values:
            yield path, f"{path.relative_to(samples)}: runner", "ci", values["template"]["spec"]
        elif "extraVolumes" in values:
            env = [{"name": name, "value": value} for name, value in values["extraEnv"].items()]
            hub = {"name": "hub", "env": env, "volumeMounts": values["extraVolumeMounts"]}
            yield path, f"{path.relative_to(samples)}: hub", "binder", {
                "serviceAccountName": "binderhub", "volumes": values["extraVolumes"], "containers": [hub]}
    for path in sorted(samples.rglob("config.toml")):
        yield path, f"{path.relative_to(samples)}: runner", "ci", gitlab(tomllib.loads(path.read_text()))


def tekton(path, run):
    """A TaskRun as the Pod that Tekton makes of it: workspaces are volumes below /workspace."""
    tasks = [one for one in documents((path.parent / "task.yaml").read_text())
             if one["metadata"]["name"] == run["taskRef"]["name"]]
    mounts = [{"name": one["name"], "mountPath": f"/workspace/{one['name']}", "readOnly": "csi" in one}
              for one in run["workspaces"]]
    steps = tasks[0]["spec"]["steps"] if tasks else [{"name": "git-clone"}]
    text = re.sub(r"\$\(workspaces\.([a-z-]+)\.path\)", r"/workspace/\1", json.dumps(steps))
    return {
        "serviceAccountName": run["serviceAccountName"],
        "volumes": run["workspaces"],
        "containers": [{**step, "volumeMounts": mounts} for step in json.loads(text)],
    }


def argo(spec):
    """A Workflow as its Pod, with its parameters in their places."""
    template = next(one for one in spec["templates"] if one["name"] == spec["entrypoint"])
    text = json.dumps(template)
    for parameter in spec["arguments"]["parameters"]:
        for scope in ("inputs", "workflow"):
            text = text.replace("{{%s.parameters.%s}}" % (scope, parameter["name"]), parameter["value"])
    template = json.loads(text)
    return {
        "serviceAccountName": spec["serviceAccountName"],
        "volumes": template["volumes"],
        "initContainers": template["initContainers"],
        "containers": [template["container"]],
    }


def gitlab(config):
    runner = config["runners"][0]
    kubernetes = runner["kubernetes"]
    env = [{"name": name, "value": value}
           for name, value in re.findall(r"^export ([A-Z_]+)=(\S+)$", runner["pre_build_script"], re.MULTILINE)]
    volumes, mounts = [], []
    for one in kubernetes["volumes"]["csi"]:
        volumes.append({"name": one["name"], "csi": {
            "driver": one["driver"], "readOnly": one["read_only"], "volumeAttributes": one["volume_attributes"]}})
        mounts.append({"name": one["name"], "mountPath": one["mount_path"], "readOnly": one["read_only"]})
    return {"serviceAccountName": kubernetes["service_account"], "volumes": volumes,
            "containers": [{"name": "build", "env": env, "volumeMounts": mounts}]}


def classes(path, samples):
    """The classes that are meant for a file: those of its folder."""
    return {
        document["metadata"]["name"]: document
        for document in documents((path.parent / "secretproviderclass.yaml").read_text())
        if document["kind"] == "SecretProviderClass"
    }


def volume_problems(path, samples, namespace, spec):
    """What is wrong with a Pod's volume of ours, or its use; and that there is none at all."""
    volumes = [volume for volume in spec.get("volumes", []) if "csi" in volume]
    if len(volumes) != 1:
        yield f"{len(volumes)} CSI volumes"
        return
    csi = volumes[0]["csi"]
    attributes = csi["volumeAttributes"]
    if csi["driver"] != DRIVER or csi.get("readOnly") is not True:
        yield "the driver takes only its own volumes, and only read-only ones"
    if not all(isinstance(value, str) for value in attributes.values()):
        yield "attributes are texts"
    if spec.get("serviceAccountName", "default") == "default":
        yield "runs as the service account of everybody"
    klass = classes(path, samples).get(attributes["secretProviderClass"])
    if klass is None:
        yield f"no class {attributes['secretProviderClass']} in the folder"
        return
    if klass["metadata"]["namespace"] != namespace:
        yield "the class is in another namespace"
    parameters = klass["spec"]["parameters"]
    wanted = set(re.findall(r"\$\{([^}]+)\}", parameters["tokens"] + parameters["files"]))
    if wanted - attributes.keys() - parameters.keys():
        yield f"lacks the attributes {sorted(wanted - attributes.keys() - parameters.keys())}"
    unread = attributes.keys() - wanted - {"secretProviderClass"}
    if unread:
        yield f"has attributes that nothing reads: {sorted(unread)}"
    files = {one["path"]: one for one in yaml.safe_load(parameters["files"])}
    readers = 0
    for one in spec.get("initContainers", []) + spec["containers"]:
        mounts = [mount for mount in one.get("volumeMounts", []) if mount["name"] == volumes[0]["name"]]
        for mount in mounts:
            readers += 1
            if not mount.get("readOnly") or "subPath" in mount:
                yield f"{one.get('name')}: mounted writable, or with a subPath, which sees no refresh"
            yield from use_problems(one, mount["mountPath"], files, attributes, parameters)
    if not readers:
        yield "no container mounts the volume"


def use_problems(one, folder, files, attributes, parameters):
    env = {variable["name"]: variable.get("value") for variable in one.get("env", [])}
    text = json.dumps([one.get("args"), one.get("command"), one.get("script"), env])
    for name, file in POINTERS.items():
        if name not in env or not env[name].startswith(folder):
            continue
        path = pathlib.PurePosixPath(env[name], file or "")
        if not path.is_relative_to(folder) or str(path.relative_to(folder)) not in files:
            yield f"{one.get('name')}: {name} leads to {path}, which is no file of the class"
    for path in re.findall(re.escape(folder) + r"/([A-Za-z0-9._-]+)", text):
        if path not in files:
            yield f"{one.get('name')}: names {folder}/{path}, which is no file of the class"
    for path, file in files.items():
        if "mountPath" in file:
            mount = file["mountPath"].replace("${mountPath}", attributes.get("mountPath", parameters.get("mountPath")))
            if mount != folder:
                yield f"{one.get('name')}: {path} says that it is in {mount}, and it is in {folder}"
    if "GIT_CONFIG_GLOBAL" in env and env["GIT_CONFIG_GLOBAL"].startswith(folder):
        if env.get("GIT_TERMINAL_PROMPT", "0") != "0" or not any(
                file["format"] == "git-credential" for file in files.values()):
            yield f"{one.get('name')}: git has nothing to answer with"
    if env.get("DOCKER_CONFIG") == folder and one.get("name") in ("builder", "build", "runner", "$job"):
        if "BUILDX_CONFIG" not in env:
            yield f"{one.get('name')}: buildx would write into the volume"


def check(report, samples, versions, daypass):
    found = objects(samples)
    for version in versions:
        report.check(f"samples: objects are valid for Kubernetes {version}", [
            f"{path.relative_to(samples)}: {problem}"
            for path, documents_of in found.items() for problem in schemas.problems(documents_of, version)])
    everything = list(specs(samples))
    folders = {path.name for path in samples.iterdir() if path.is_dir()}
    covered = {path.parent.name for path, *_ in everything}
    report.check("samples: every folder has a build", sorted(folders - covered))
    for path, name, namespace, spec in everything:
        report.check(f"samples: {name}", volume_problems(path, samples, namespace, spec))
        if daypass:
            report.check(f"samples: {name} is granted what it asks for", grant_problems(
                path, samples, namespace, spec, daypass))
    report.check("samples: configurations for Pods answer their probes", [
        f"{path.name} has no server.adminHTTP on port 8095" for path in configurations(samples)
        if path.name != "node.yaml" and ':8095"' not in path.read_text()])
    driver = yaml.safe_load((samples.parent / "driver/values.yaml").read_text())
    report.check("driver: its values ask for tokens and refresh volumes", driver_problems(driver))


def grant_problems(path, samples, namespace, spec, daypass):
    """The node's configuration of the samples gives each build its tokens."""
    csi = next(volume["csi"] for volume in spec["volumes"] if "csi" in volume)
    attributes = dict(csi["volumeAttributes"])
    config = samples / ("builders-node.yaml" if path.parent != samples else "node-in-pod.yaml")
    command = [daypass, "explain", "--config", config, "--class", path.parent / "secretproviderclass.yaml",
               "--class-name", attributes.pop("secretProviderClass"), "-n", namespace,
               "--service-account", spec["serviceAccountName"]]
    for key, value in attributes.items():
        command += ["-a", f"{key}={value}"]
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=60)
    if result.returncode:
        yield from (result.stdout + result.stderr).splitlines()


def driver_problems(values):
    if {"audience": "daypass"} not in values.get("tokenRequests", []):
        yield "tokenRequests has no audience daypass"
    if values.get("enableSecretRotation") is not True or values.get("rotationPollInterval") != "2m":
        yield "volumes are not refreshed in time"
    if values.get("syncSecret", {}).get("enabled") is not False:
        yield "mounted files may be copied into Secrets"
    if {"operator": "Exists"} not in values.get("linux", {}).get("tolerations", []):
        yield "the driver is not on every node"
