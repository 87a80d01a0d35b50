"""Writes the config.json of a container as kubelet and containerd make it from daemonset/ (security settings, limits)."""

import json

# What a container engine hides of /proc and /sys.
MASKED = [
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list",
    "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware",
]
READ_ONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"]


def mounts(binds):
    """The mounts of every container, and those of the Pod: triples of a folder, a place and ro or rw."""
    fixed = [
        ("/proc", "proc", "proc", ["nosuid", "noexec", "nodev"]),
        ("/dev", "tmpfs", "tmpfs", ["nosuid", "strictatime", "mode=755", "size=65536k"]),
        ("/dev/shm", "tmpfs", "shm", ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"]),
    ]
    result = [
        {"destination": place, "type": kind, "source": source, "options": options}
        for place, kind, source, options in fixed
    ]
    for folder, place, access in binds:
        options = ["rbind", "rprivate", access]
        result.append({"destination": place, "type": "bind", "source": folder, "options": options})
    return result


def config(image, arguments, binds, seccomp, user=0, memory=None, cgroup=None, environment=()):
    """The configuration of a container of the image with these arguments.

    image: the image's own configuration. user: the uid, and the gid. memory: the limit in bytes. The network is the
    host's: the tests' forge listens on its loopback interface. A Pod of the DaemonSet has a network of its own.
    """
    none = []
    linux = {
        "namespaces": [{"type": kind} for kind in ["pid", "ipc", "uts", "mount"]],
        "maskedPaths": MASKED,
        "readonlyPaths": READ_ONLY,
        "seccomp": seccomp,
    }
    if memory:
        # No swap beside it, as kubelet has it.
        linux["resources"] = {"memory": {"limit": memory, "swap": memory}}
    if cgroup:
        linux["cgroupsPath"] = cgroup
    return {
        "ociVersion": "1.0.2",
        "hostname": "daypass",
        "root": {"path": "rootfs", "readonly": True},
        "process": {
            "terminal": False,
            "user": {"uid": user, "gid": user},
            "args": image["config"]["Entrypoint"] + list(arguments),
            "env": image["config"]["Env"] + list(environment),
            "cwd": image["config"]["WorkingDir"],
            "capabilities": {name: none for name in ["bounding", "effective", "inheritable", "permitted", "ambient"]},
            "noNewPrivileges": True,
        },
        "mounts": mounts(binds),
        "linux": linux,
    }


def write(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")
