"""What dpkg knows of the files that go into the image."""

import functools
import os
import pathlib
import subprocess


def query(*arguments):
    return subprocess.run(["dpkg-query", *arguments], check=True, capture_output=True, text=True).stdout


@functools.cache
def architecture():
    """Debian's name of this machine's architecture, which is also OCI's for amd64 and arm64."""
    return subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True).stdout.strip()


@functools.cache
def owner(path):
    """The package that a file is from; None when it is from none. dpkg still names /lib what lies in /usr/lib."""
    names = [path]
    if path.startswith("/usr/"):
        names.append(path.removeprefix("/usr"))
    for name in names:
        found = subprocess.run(["dpkg-query", "--search", name], capture_output=True, text=True)
        if found.returncode == 0:
            return found.stdout.split(": ")[0].split(",")[0].split(":")[0]
    return None


@functools.cache
def package(name):
    """A package's name, version, architecture, source and its paragraph in dpkg's status file."""
    qualified = name if is_installed(name) else f"{name}:{architecture()}"
    form = "${Package}\\n${Version}\\n${Architecture}\\n${source:Package}\\n${source:Version}"
    fields = query("--show", "--showformat=" + form, qualified).split("\n")
    status = query("--status", qualified)
    # Which configuration files a machine changed is nobody's business.
    paragraph = "".join(line + "\n" for line in without_field(status.splitlines(), "Conffiles"))
    keys = ["name", "version", "architecture", "source", "sourceVersion"]
    return dict(zip(keys, fields)) | {"status": paragraph.rstrip("\n") + "\n"}


def is_installed(name):
    found = subprocess.run(
        ["dpkg-query", "--show", "--showformat=${db:Status-Status}", name], capture_output=True, text=True
    )
    return found.stdout == "installed"


def without_field(lines, field):
    inside = False
    for line in lines:
        inside = line.startswith(field + ":") or (inside and line.startswith(" "))
        if not inside:
            yield line


def copyright_of(name):
    """The file that says under which licences a package is; the licences themselves are in base-files."""
    return pathlib.Path(os.path.realpath(f"/usr/share/doc/{name}/copyright"))
