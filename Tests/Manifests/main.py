# Checks daemonset/. scripts/check-manifests installs what this needs and starts it.
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

import broken
import charts
import policy
import samples
import schemas
from rendering import Failed, Tools, working_copy
from report import Report

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Folders for `kubectl apply -k`, and what the policy may find there.
OVERLAYS = {
    "base": {},
    "overlays/kubelet-paths": {"kubelet": True},
    "overlays/startup-taint": {"taint": True},
    "overlays/monitoring": {},
    "overlays/openshift": {"openshift": True},
    "overlays/github-app": {},
}


def kustomize(report, tools, folder):
    rendered = {}
    there = {str(path.parent.relative_to(folder)) for path in folder.glob("overlays/*/kustomization.yaml")}
    report.check("kustomize: every overlay is checked", sorted(there ^ (OVERLAYS.keys() - {"base"})))
    for name, options in OVERLAYS.items():
        try:
            rendered[name] = tools.kustomize(folder / name)
        except Failed as error:
            report.check(f"kustomize: {name} renders", [str(error)])
            continue
        report.check(f"kustomize: {name} renders", [])
        report.check(f"kustomize: policy of {name}", policy.problems(rendered[name], **options))
    return rendered


def valid(report, name, found, versions):
    for version in versions:
        report.check(f"{name}: valid for Kubernetes {version}", schemas.problems(found, version))


def configurations(report, daypass, rendered, daemonset):
    """Every node.yaml, by the daemon's own check."""
    texts = {}
    for name, found in rendered.items():
        text = policy.node_configuration(found)
        if text is not None:
            texts[name] = text
    for path in samples.configurations(daemonset / "samples"):
        texts[f"samples/{path.name}"] = path.read_text()
    with tempfile.TemporaryDirectory() as folder:
        for name, text in texts.items():
            file = pathlib.Path(folder) / "node.yaml"
            file.write_text(text)
            result = subprocess.run([daypass, "check", "--config", str(file), "--skip-keys"], capture_output=True,
                                    text=True, timeout=60)
            report.check(f"daypass check: node.yaml of {name}",
                         (result.stdout + result.stderr).splitlines() if result.returncode else [])


def documented(report, daemonset):
    """Paths and commands of the pages lead somewhere."""
    for page in sorted(daemonset.rglob("README.md")):
        missing = []
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text()):
            if not (page.parent / target).exists():
                missing.append(f"links to {target}")
        for target in re.findall(r"(?:-k|-f|--values) (daemonset/\S+)", page.read_text()):
            if not (daemonset.parent / target).exists():
                missing.append(f"names {target}")
        report.check(f"docs: paths in {page.relative_to(daemonset.parent)}", missing)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tools", required=True, help="the folder of kubectl and helm")
    parser.add_argument("--daypass", help="the program, to check each node.yaml with")
    options = parser.parse_args()
    report, tools, daemonset = Report(), Tools(options.tools), ROOT / "daemonset"
    daypass = options.daypass and str(pathlib.Path(options.daypass).resolve())
    if not daypass or not pathlib.Path(daypass).exists():
        report.skip("daypass check", f"there is no {options.daypass}" if daypass else "no --daypass was given")
        daypass = None

    versions = schemas.versions()
    print(f"Kubernetes {', '.join(versions)}")
    if versions[0] != f"{schemas.OLDEST}.0" or versions[-1] != f"{schemas.NEWEST}.0":
        report.check("schemas: from the oldest to the newest", [f"there are {versions}"])

    rendered = {}
    charts.check_sources(report, daemonset / "chart/daypass")
    if tools.found:
        with tempfile.TemporaryDirectory() as folder:
            copy, absent = working_copy(daemonset, folder)
            for name in absent:
                report.skip(f"daemonset/{name}", "is not there; a stand-in is used")
            rendered = kustomize(report, tools, copy / "kustomize")
            base = rendered.get("base")
            by_chart = charts.check(report, tools, copy / "chart/daypass", base, versions)
            if not absent:
                charts.check_monitoring(report, by_chart, rendered)
            rendered |= {f"chart with {name}": found for name, found in by_chart.items()}
        for name, found in rendered.items():
            valid(report, name, found, versions)
        if base:
            broken.check(report, base)
    else:
        report.skip("kustomize and the chart", "there is no kubectl and no helm")
    samples.check(report, daemonset / "samples", versions, daypass)
    broken.check_samples(report, daemonset / "samples")
    if daypass:
        configurations(report, daypass, rendered, daemonset)
    documented(report, daemonset)
    return report.close()


sys.exit(main())
