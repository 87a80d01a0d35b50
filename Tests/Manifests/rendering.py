# What kubectl and helm make of daemonset/: documents, as the API server would get them.
import pathlib
import shutil
import subprocess

import yaml

# Files of daemonset/monitoring that the component and the chart take in. Stand-ins let all else be checked without.
STAND_INS = {
    "monitoring/podmonitor.yaml": (
        "apiVersion: monitoring.coreos.com/v1\nkind: PodMonitor\nmetadata: { name: daypass }\n"
        "spec:\n  selector: { matchLabels: { app.kubernetes.io/name: daypass } }\n"
        "  podMetricsEndpoints: [{ port: admin }]\n"
    ),
    "monitoring/prometheusrule.yaml": (
        "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata: { name: daypass }\n"
        "spec: { groups: [{ name: stand-in, rules: [{ alert: StandIn, expr: up == 0 }] }] }\n"
    ),
    "monitoring/grafana-dashboard.json": '{ "title": "stand-in" }\n',
}


class Failed(Exception):
    """A program ended with an error; the text is what it said."""


def run(*command):
    result = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=120)
    if result.returncode:
        raise Failed((result.stderr or result.stdout).strip())
    return result.stdout


def documents(text):
    """The YAML documents of a text, less the empty ones, with lists of objects taken apart."""
    found = []
    for document in yaml.load_all(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        if document and document.get("kind") == "List":
            found += document["items"]
        elif document:
            found.append(document)
    return found


def working_copy(daemonset, folder):
    """A copy of daemonset/ with what a checkout lacks: the App's key, and stand-ins. Returns it, and what stands in."""
    copy = pathlib.Path(folder) / "daemonset"
    shutil.copytree(daemonset, copy, symlinks=True)
    (copy / "kustomize/overlays/github-app/github.pem").write_text("a key of the test, and none\n")
    absent = [name for name in STAND_INS if not (copy / name).exists()]
    for name in absent:
        (copy / name).write_text(STAND_INS[name])
    return copy, absent


class Tools:
    """kubectl and helm; `found` is false where they can't be had."""

    def __init__(self, folder):
        self.kubectl = pathlib.Path(folder).resolve() / "kubectl"
        self.helm = pathlib.Path(folder).resolve() / "helm"
        self.found = self.kubectl.exists() and self.helm.exists()

    def kustomize(self, folder):
        return documents(run(self.kubectl, "kustomize", folder))

    def template(self, chart, *arguments, release="daypass", namespace="daypass"):
        return documents(run(self.helm, "template", release, chart, "--namespace", namespace, *arguments))
