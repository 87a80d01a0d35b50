"""Which Swift packages are linked into a binary, from what SwiftPM leaves in its build folder."""

import json
import pathlib
import re
import subprocess


def linked(build, configuration):
    """The packages, sorted by name, whose modules are in the product daypass.

    build: the folder .build; configuration: debug or release. Packages that only tests and demos use are left out.
    """
    products = build / configuration
    objects = (products / "daypass.product" / "Objects.LinkFileList").read_text()
    modules = set(re.findall(r"/([^/]+)\.build/", objects))
    identities = set()
    for module in modules:
        sources = products / f"{module}.build" / "sources"
        if sources.exists():
            identities |= set(re.findall(r"/checkouts/([^/]+)/", sources.read_text()))
    state = json.loads((build / "workspace-state.json").read_text())
    packages = []
    for dependency in state["object"]["dependencies"]:
        if dependency["subpath"] not in identities:
            continue
        checkout = dependency["state"]["checkoutState"]
        packages.append({
            "name": dependency["subpath"].removesuffix(".git"),
            "location": dependency["packageRef"]["location"].removesuffix(".git"),
            "version": checkout.get("version") or checkout["revision"],
            "revision": checkout["revision"],
            "folder": build / "checkouts" / dependency["subpath"],
        })
    missing = identities - {package["folder"].name for package in packages}
    if missing:
        raise SystemExit(f"{build}/workspace-state.json does not say which version of {', '.join(missing)} this is")
    return sorted(packages, key=lambda package: package["name"].lower())


def licence_files(folder):
    """A package's licence and notices."""
    names = re.compile(r"(LICEN[CS]E|NOTICE|COPYING)([.-].*)?", re.IGNORECASE)
    return sorted(file for file in folder.iterdir() if file.is_file() and names.fullmatch(file.name))


def licence_of(folder):
    """The SPDX name of a package's licence, where its text is plain; else NOASSERTION."""
    text = "".join(file.read_text(errors="replace") for file in licence_files(folder) if "NOTICE" not in file.name)
    text = " ".join(text.split())
    if "Apache License Version 2.0" in text:
        return "Apache-2.0 WITH Swift-exception" if "Runtime Library Exception" in text else "Apache-2.0"
    if "Permission is hereby granted, free of charge" in text:
        return "MIT"
    return "NOASSERTION"


def toolchain(swift):
    """The toolchain's version and where its licence is."""
    info = json.loads(subprocess.run([swift, "-print-target-info"], check=True, capture_output=True).stdout)
    version = re.search(r"Swift version (\S+)", info["compilerVersion"])[1]
    resources = pathlib.Path(info["paths"]["runtimeResourcePath"])
    return {"version": version, "root": resources.parent.parent, "licence": resources.parent.parent / "share/swift/LICENSE.txt"}
