# The Helm chart: it renders, with every kind of values; it refuses bad ones; it is what the kustomize base is.
import copy
import json
import pathlib
import re

import jsonschema
import yaml

import policy
import schemas
from rendering import Failed, run

HERE = pathlib.Path(__file__).parent

# Files of values, and what the policy may find with them.
VALUES = {
    "everything": {
        "kubelet": True, "taint": True, "openshift": True, "sockets": "/etc/kubernetes/secrets-store-csi-providers",
    },
    "quiet": {"kubelet": True, "events": False},
    "foreign": None,  # rights and configuration are not there to be looked at
}

# Arguments that must be refused, and words that helm must say of each: where, and what. Helm 3 and 4 differ in more.
REFUSED = {
    "an unknown key": (["--set", "tolerrations=x"], "tolerrations"),
    "an unknown key below another": (["--set", "image.version=1"], "image", "version"),
    "an unknown key of node.yaml": (["--set", "config.grant=1"], "config", "grant"),
    "a number for an App": (["--set", "config.stores.github.appID=123456"], "github", "appID", "string"),
    "a store without its kind": (["--set", "config.stores.github.url=x"], "github", "kind"),
    "a grant without its scope": (["--set", "config.grants[0].name=x"], "grants", "to", "store", "allow"),
    "a grant of an unknown level": (
        ["--set-json", 'config.grants=[{"name":"x","to":{"namespace":"a","serviceAccount":"b"},"store":"s",'
                       '"allow":{"repositories":["*/*"],"permissions":{"contents":"all"}}}]'],
        "permissions", "contents", "must be one of",
    ),
    "a text for a port": (["--set-string", "admin.port=8095"], "admin", "port", "integer"),
    "a relative directory": (["--set", "socketDirectory=run/x"], "socketDirectory", "oes not match"),
    "a privileged container": (["--set", "securityContext.privileged=true"], "securityContext", "privileged", "false"),
    "a writable root": (["--set", "securityContext.readOnlyRootFilesystem=false"], "readOnlyRootFilesystem", "true"),
    "capabilities": (["--set", "securityContext.capabilities.add[0]=SYS_ADMIN"], "capabilities", "not allowed"),
    "another user": (["--set", "podSecurityContext.runAsUser=1000"], "podSecurityContext", "runAsUser", "0"),
    "too short an end": (["--set", "terminationGracePeriodSeconds=5"], "terminationGracePeriodSeconds", "20"),
    "an image with its tag": (["--set", "image.repository=a/b:1"], "image", "repository", "oes not match"),
    "a digest that is none": (["--set", "image.digest=latest"], "image", "digest", "oes not match"),
    "numbers as annotations": (["--set", "podAnnotations.a=1"], "podAnnotations", "string"),
    "an unknown status": (["--set", "admin.status=everybody"], "admin", "status", "must be one of"),
    "a bare address": (["--set", "admin.address=::"], "admin", "address", "oes not match"),
    "the admin address in node.yaml": (
        ["--set", "config.server.adminHTTP.listen=x"], "set the values admin.address, admin.port and admin.status"),
    "the socket in node.yaml": (["--set", "config.server.socket=/x"], "set the value socketDirectory instead"),
    "the cluster in node.yaml": (["--set", "config.cluster.events=auto"], "events.enabled and startupTaint instead"),
    "two CA files": (
        ["--set", "config.http.caFile=/x,caBundle.existingConfigMap=ca"], "it is set by the value caBundle"),
    "grants without a store": (
        ["--set-json", 'config.grants=[{"name":"x","to":{"namespace":"a","serviceAccount":"b"},"store":"s",'
                       '"allow":{"repositories":["*/*"],"actions":["pull"]}}]'],
        "there are grants and no store",
    ),
    "no service account": (["--set", "serviceAccount.create=false"], "serviceAccount.name must be set"),
    "Kubernetes 1.29": (["--kube-version", "1.29.0"], "chart requires kubeVersion: >=1.30.0"),
}


def check(report, tools, chart, base, versions):
    """Returns what was rendered, by name, for the checks that all objects share."""
    rendered = {}

    def attempt(name, *arguments, **options):
        try:
            rendered[name] = tools.template(chart, *arguments, **options)
            return []
        except Failed as error:
            return [str(error)]

    try:
        lint = run(tools.helm, "lint", "--strict", chart)
        report.check("chart: helm lint --strict", [line for line in lint.splitlines() if "[WARNING]" in line])
    except Failed as error:
        report.check("chart: helm lint --strict", [str(error)])
    report.check("chart: renders with its defaults", attempt("defaults"))
    for name in VALUES:
        report.check(f"chart: renders with {name}.yaml", attempt(name, "--values", HERE / f"values/{name}.yaml"))
    report.check("chart: renders under another name", attempt("renamed", release="builds", namespace="elsewhere"))
    for version in versions:
        report.check(f"chart: renders for Kubernetes {version}", attempt("defaults", "--kube-version", version))

    for name, (arguments, *words) in REFUSED.items():
        report.check(f"chart: refuses {name}", refusal(tools, chart, arguments, words))

    for name, found in rendered.items():
        if VALUES.get(name, {}) is not None:
            report.check(f"chart: policy with {name}", policy.problems(found, **VALUES.get(name, {})))
    if base is not None and "defaults" in rendered:
        report.check("chart: its defaults are the kustomize base", differences(rendered["defaults"], base))
    if "everything" in rendered:
        report.check("chart: every value arrives", arrivals(rendered["everything"]))
    if "quiet" in rendered:
        report.check("chart: a bare off arrives as the word", off(rendered["quiet"]))
    if "foreign" in rendered:
        report.check("chart: makes nothing that others bring", foreign(rendered["foreign"]))
    if "renamed" in rendered:
        names = {document["metadata"]["name"] for document in rendered["renamed"]}
        report.check("chart: names follow the release", [
            f"{name} is of no release" for name in names if not name.startswith("builds-daypass")])
    return rendered


def refusal(tools, chart, arguments, words):
    try:
        tools.template(chart, *arguments)
    except Failed as error:
        said = str(error).partition("Error:")[2]
        missing = [word for word in words if word not in said]
        if missing:
            yield f"says: {error}"
            yield f"and nothing of {missing}"
    else:
        yield "renders"


def differences(chart, base):
    """What the two have not in common. The namespace is helm's to make, and some labels are helm's own."""
    ours, theirs = normalised(chart), normalised(base)
    theirs.pop("Namespace/daypass", None)
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs or name not in ours:
            yield f"{name} is only in the {'chart' if name in ours else 'base'}"
        elif ours[name] != theirs[name]:
            yield from difference(name, ours[name], theirs[name])


def difference(place, left, right):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys()):
            if left.get(key) != right.get(key):
                yield from difference(f"{place}.{key}", left.get(key), right.get(key))
    else:
        yield f"{place}: chart {json.dumps(left)}, base {json.dumps(right)}"


def normalised(found):
    result = {}
    for document in copy.deepcopy(found):
        labels = document["metadata"].get("labels", {})
        for label in ("helm.sh/chart", "app.kubernetes.io/managed-by", "app.kubernetes.io/version"):
            labels.pop(label, None)
        if document["kind"] == "DaemonSet":
            spec = document["spec"]["template"]["spec"]
            for name in ("volumes",):
                spec[name].sort(key=lambda one: one["name"])
            spec["containers"][0]["volumeMounts"].sort(key=lambda one: one["name"])
        if document["kind"] == "ConfigMap" and "node.yaml" in document["data"]:
            document["data"]["node.yaml"] = yaml.safe_load(document["data"]["node.yaml"])
        result[schemas.title(document)] = document
    return result


def arrivals(found):
    """Values of everything.yaml at the places where they take effect."""
    spec, one = policy.pod(found), policy.container(found)
    config = yaml.safe_load(policy.node_configuration(found))
    env = {variable["name"]: variable for variable in one["env"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in one["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    kinds = [document["kind"] for document in found]
    digest = "0123456789abcdef" * 4
    expected = {
        "image": (one["image"], f"registry.internal:5000/platform/daypass@sha256:{digest}"),
        "pull secrets": (spec["imagePullSecrets"], [{"name": "registry"}]),
        "arguments": (one["args"][3:], ["--log-level", "debug", "--log-format", "json"]),
        "proxy": (env["HTTPS_PROXY"].get("value"), "http://proxy.example.com:3128"),
        "the proxy's Secret": (
            env["http_proxy"].get("valueFrom"),
            {"secretKeyRef": {"name": "proxy", "key": "http_proxy", "optional": True}}),
        "keys": (volumes[mounts["/keys"]]["secret"],
                 {"secretName": "my-keys", "defaultMode": 0o400, "optional": False}),
        "state": (volumes[mounts["/run/daypass"]]["hostPath"]["path"], "/run/other"),
        "caFile": (config["http"]["caFile"], "/etc/daypass/ca/ca.pem"),
        "authorities": (volumes[mounts["/etc/daypass/ca"]]["configMap"]["name"], "corporate-ca"),
        "admin": (config["server"]["adminHTTP"], {"listen": "[::]:9095", "status": "all"}),
        "socket": (config["server"]["socket"], "/etc/kubernetes/secrets-store-csi-providers/daypass.sock"),
        "big numbers": (config["leases"]["journalBytes"], 134217728),
        "grants": ([grant["name"] for grant in config["grants"]], ["clone", "push"]),
        "taint": (config["cluster"], {"startupTaint": "example.com/not-ready"}),
        "account": (policy.of_kind(found, "ServiceAccount")[0]["metadata"]["annotations"],
                    {"eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/daypass"}),
        "monitoring": ([kinds.count(kind) for kind in ("PodMonitor", "PrometheusRule")], [1, 1]),
        "dashboard": ([list(one["data"]) for one in policy.of_kind(found, "ConfigMap")
                       if one["metadata"]["name"].endswith("-dashboard")], [["daypass.json"]]),
        "rules": (bool(policy.of_kind(found, "PrometheusRule")[0]["spec"]["groups"]), True),
        "own objects": ([one["metadata"]["namespace"] for one in policy.of_kind(found, "ExternalSecret")],
                        ["daypass"]),
        "labels": ({document["metadata"].get("labels", {}).get("team") for document in found
                    if document["kind"] != "ExternalSecret"}, {"platform"}),
    }
    for name, (is_now, should_be) in expected.items():
        if is_now != should_be:
            yield f"{name}: {is_now!r} and not {should_be!r}"


def off(found):
    config = yaml.safe_load(policy.node_configuration(found))
    text = policy.node_configuration(found)
    if not re.search(r'pods: "off"', text) or config["builds"]["pods"] != "off":
        yield f"builds.pods is {config['builds']['pods']!r}"
    if config["server"]["adminHTTP"].get("status") != "off":
        yield f"adminHTTP.status is {config['server']['adminHTTP'].get('status')!r}"
    if config["cluster"] != {"events": "off"}:
        yield f"cluster is {config['cluster']!r}"
    if policy.daemonset(found)["spec"]["updateStrategy"] != {"type": "OnDelete"}:
        yield "the update strategy is another"


def foreign(found):
    kinds = sorted({document["kind"] for document in found})
    if kinds != ["DaemonSet", "NetworkPolicy"]:
        yield f"makes {kinds}"
    if policy.pod(found)["serviceAccountName"] != "minter":
        yield "runs as another account"
    volumes = {volume["name"]: volume for volume in policy.pod(found)["volumes"]}
    if volumes["config"]["configMap"]["name"] != "my-node":
        yield "mounts another ConfigMap"


def check_monitoring(report, by_chart, by_kustomize):
    """The chart brings the files of daemonset/monitoring, and scrapes as they do."""
    overlay = by_kustomize.get("overlays/monitoring")
    found = by_chart.get("everything")
    if not overlay or not found:
        report.check("chart: monitoring is that of the component", ["one of the two does not render"])
        return
    ours, theirs = ({kind: policy.of_kind(one, kind)[0] for kind in ("PodMonitor", "PrometheusRule")}
                    for one in (found, overlay))
    endpoints = [copy.deepcopy(one["PodMonitor"]["spec"]["podMetricsEndpoints"][0]) for one in (ours, theirs)]
    for endpoint in endpoints:
        endpoint.pop("interval")
    dashboards = [
        [one["data"]["daypass.json"].strip() for one in policy.of_kind(objects, "ConfigMap")
         if one["metadata"]["name"] == "daypass-dashboard"] for objects in (found, overlay)]
    report.check("chart: monitoring is that of the component", [
        *difference("PodMonitor", *endpoints),
        *difference("PrometheusRule", ours["PrometheusRule"]["spec"], theirs["PrometheusRule"]["spec"]),
        *([] if dashboards[0] == dashboards[1] and dashboards[0] else ["the dashboards differ"]),
        *([] if json.loads(dashboards[0][0]) else ["the dashboard is empty"]),
    ])


def check_sources(report, chart):
    """The schema, the values and the table of the README speak of the same keys."""
    schema = json.loads((chart / "values.schema.json").read_text())
    values = yaml.safe_load((chart / "values.yaml").read_text())
    readme = (chart / "README.md").read_text()
    try:
        jsonschema.Draft7Validator.check_schema(schema)
        report.check("chart: values.schema.json is a JSON Schema, draft 7", [])
    except jsonschema.SchemaError as error:
        report.check("chart: values.schema.json is a JSON Schema, draft 7", [error.message])
    errors = jsonschema.Draft7Validator(schema).iter_errors(values)
    report.check("chart: values.yaml keeps to its schema", [f"{list(e.path)}: {e.message}" for e in errors])
    report.check("chart: an unknown key is an error everywhere", open_objects(schema, schema))
    report.check("chart: every value of the schema has its default", without_default(schema, values))
    rows = set(re.findall(r"^\| `([^`]+)` \|", readme, re.MULTILINE))
    leaves = {"config"} | {key for key in keys(values) if not key.startswith("config.")}
    leaves -= {"config.stores", "config.grants"}
    report.check("chart: README.md lists every value", [
        *(f"lacks {key}" for key in sorted(leaves - rows)), *(f"has {key}" for key in sorted(rows - leaves))])
    meta = yaml.safe_load((chart / "Chart.yaml").read_text())
    report.check("chart: its version is the application's", [] if meta["version"] == meta["appVersion"] else [
        f"{meta['version']} and {meta['appVersion']}"])


def keys(tree, path=""):
    """The keys that a table lists: those of mappings that the chart knows, as far as it knows them."""
    whole = ("updateStrategy", "resources", "nodeSelector", "affinity", "startupProbe", "livenessProbe",
             "readinessProbe", "monitoring.dashboard.labels")
    for key, value in tree.items():
        name = f"{path}{key}"
        if isinstance(value, dict) and value and name not in whole:
            yield from keys(value, name + ".")
        else:
            yield name


# Kubernetes' own types, which the API server checks, and what Daypass checks by itself.
OPEN = ("affinity", "podSecurityContext", "securityContext", "global", "stringMap", "objects", "store", "grant",
        "identity", "stores", "server", "http", "programs", "leases", "builds", "cluster", "tracing", "quantities")


def open_objects(schema, root, path=""):
    if schema.get("type") == "object" and schema.get("additionalProperties") is not False:
        if not any(part in OPEN for part in path.split(".")):
            yield f"{path or 'the top'} takes any key"
    for name, below in {**schema.get("properties", {}), **schema.get("definitions", {})}.items():
        yield from open_objects(below, root, f"{path}.{name}".strip("."))


def without_default(schema, values, path=""):
    for name, below in schema.get("properties", {}).items():
        place = f"{path}{name}"
        if place in ("global", "config") or place.endswith("Probe"):
            continue
        if name not in values and not path.startswith(("podSecurityContext", "securityContext", "resources")):
            yield f"{place} has none"
        elif below.get("additionalProperties") is False and isinstance(values.get(name), dict):
            yield from without_default(below, values[name], place + ".")
