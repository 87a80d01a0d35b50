"""A container engine's default seccomp profile, as the OCI runtime takes it.

Debian's golang-github-containers-common has the profile of podman and CRI-O, from which Docker's and containerd's differ
by a few names. It lists conditions (architectures, capabilities, kernel) that an engine resolves before a start:
https://github.com/containers/common/blob/main/docs/ (seccomp.json), and the runtime specification's config-linux.md.
"""

import json
import platform

ARCHITECTURES = {"x86_64": ("amd64", "SCMP_ARCH_X86_64"), "aarch64": ("arm64", "SCMP_ARCH_AARCH64")}


def kernel():
    return tuple(int(part) for part in platform.release().split("-")[0].split(".")[:2])


def applies(rule, name, capabilities):
    """Whether a rule counts for a container of this architecture with these capabilities."""
    included, excluded = rule.get("includes") or {}, rule.get("excludes") or {}
    if included.get("arches") and name not in included["arches"]:
        return False
    if any(capability not in capabilities for capability in included.get("caps") or []):
        return False
    if included.get("minKernel") and kernel() < tuple(int(part) for part in included["minKernel"].split(".")[:2]):
        return False
    return name not in (excluded.get("arches") or []) and not any(
        capability in capabilities for capability in excluded.get("caps") or []
    )


def profile(path, capabilities=()):
    """The member linux.seccomp of a config.json."""
    engine = json.loads(path.read_text())
    name, architecture = ARCHITECTURES[platform.machine()]
    result = {"defaultAction": engine["defaultAction"], "architectures": [architecture], "syscalls": []}
    if "defaultErrnoRet" in engine:
        result["defaultErrnoRet"] = engine["defaultErrnoRet"]
    for entry in engine["archMap"]:
        if entry["architecture"] == architecture:
            result["architectures"] += entry.get("subArchitectures") or []
    for rule in engine["syscalls"]:
        if not applies(rule, name, capabilities):
            continue
        kept = {"names": rule["names"], "action": rule["action"]}
        if "errnoRet" in rule:
            kept["errnoRet"] = rule["errnoRet"]
        if rule.get("args"):
            kept["args"] = rule["args"]
        result["syscalls"].append(kept)
    return result
