"""Makes the image's root file system: the binary, the shared libraries that it loads, and what they need to know."""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import debian
import swift_packages

USER = 65532
PASSWD = f"""\
root:x:0:0:root:/:/usr/sbin/nologin
daypass:x:{USER}:{USER}:daypass:/:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/:/usr/sbin/nologin
"""
GROUP = f"root:x:0:\ndaypass:x:{USER}:\nnogroup:x:65534:\n"
# glibc has both inside, files and dns: there are no modules to load.
NSSWITCH = "passwd: files\ngroup: files\nhosts: files dns\n"
CERTIFICATES = pathlib.Path("/usr/share/ca-certificates/mozilla")


class RootFileSystem:
    """A folder that becomes the root, and the record of what is in it.

    packages: Debian's packages with files in it; static: those with archives linked into the binary.
    """

    def __init__(self, folder):
        self.folder = folder
        self.packages = {}
        self.static = {}
        if folder.exists():
            shutil.rmtree(folder)
        for name in ["dev", "etc/ssl/certs", "proc", "run", "sys", "usr/bin", "usr/lib", "usr/lib64", "var/lib/dpkg/status.d"]:
            (folder / name).mkdir(parents=True)
        (folder / "tmp").mkdir()
        self.link("/lib", "usr/lib")
        self.link("/lib64", "usr/lib64")
        self.link("/var/run", "/run")

    def place(self, path):
        inside = self.folder / path.lstrip("/")
        inside.parent.mkdir(parents=True, exist_ok=True)
        return inside

    def write(self, path, text):
        self.place(path).write_text(text)

    def link(self, path, target):
        place = self.place(path)
        if not place.is_symlink():
            place.symlink_to(target)

    def copy(self, source, path=None):
        source = pathlib.Path(source)
        place = self.place(path or str(source))
        shutil.copyfile(source, place)
        place.chmod(0o755 if os.access(source, os.X_OK) else 0o644)

    def add_library(self, path, toolchain):
        """A shared library, or the loader, under the name by which it is loaded."""
        real = os.path.realpath(path)
        folder = os.path.realpath(os.path.dirname(path))
        owner = debian.owner(real)
        if owner is None and not real.startswith(str(toolchain) + "/"):
            sys.exit(f"{real} is neither from a Debian package nor from the toolchain: its licence is not known")
        if owner is not None:
            self.packages[owner] = debian.package(owner)
        name = os.path.join(folder, os.path.basename(path))
        # What is reached through another folder is a link to the file: /lib64/ld-linux-x86-64.so.2.
        if os.path.dirname(real) != folder:
            self.link(name, real)
            name = real
        self.copy(real, name)

    def add_static(self, archives):
        """What the packages of the archives that build-release linked say of themselves."""
        for archive in sorted(archives.glob("*.a")):
            real = os.path.realpath(archive)
            owner = "libcurl4-openssl-dev" if archive.name == "libcurl.a" else debian.owner(real)
            if owner is None:
                sys.exit(f"{real} is not from a Debian package: its licence is not known")
            self.static[owner] = debian.package(owner)

    def add_certificates(self):
        """Mozilla's authorities from the package's own files: /etc/ssl has what this machine added, too."""
        self.packages["ca-certificates"] = debian.package("ca-certificates")
        bundle = "".join(file.read_text().rstrip("\n") + "\n" for file in sorted(CERTIFICATES.glob("*.crt")))
        if bundle.count("BEGIN CERTIFICATE") < 50:
            sys.exit(f"{CERTIFICATES} has hardly any certificate: is the package ca-certificates whole?")
        self.write("/etc/ssl/certs/ca-certificates.crt", bundle)
        # Where Debian's OpenSSL looks.
        self.link("/usr/lib/ssl/certs", "/etc/ssl/certs")
        self.link("/usr/lib/ssl/cert.pem", "/etc/ssl/certs/ca-certificates.crt")

    def add_identity(self):
        self.packages["base-files"] = debian.package("base-files")
        self.copy("/usr/lib/os-release")
        self.link("/etc/os-release", "../usr/lib/os-release")
        self.copy("/etc/debian_version")
        self.write("/etc/passwd", PASSWD)
        self.write("/etc/group", GROUP)
        self.write("/etc/nsswitch.conf", NSSWITCH)

    def add_records(self, swift, toolchain, licence):
        """What scanners read (dpkg's status, a file a package), and the licences of everything."""
        for name, package in sorted((self.packages | self.static).items()):
            self.write(f"/var/lib/dpkg/status.d/{name}", package["status"])
            self.copy(debian.copyright_of(name), f"/usr/share/doc/{name}/copyright")
        self.copy(licence, "/usr/share/doc/daypass/LICENSE")
        self.copy(toolchain["licence"], "/usr/share/doc/swift/LICENSE.txt")
        for package in swift:
            for file in swift_packages.licence_files(package["folder"]):
                self.copy(file, f"/usr/share/doc/daypass/{package['name']}/{file.name}")
        for name in ["Apache-2.0", "BSD", "GPL-2", "GPL-3", "LGPL-2.1", "MPL-2.0"]:
            self.copy(os.path.realpath(f"/usr/share/common-licenses/{name}"), f"/usr/share/common-licenses/{name}")


def libraries(binary):
    """The shared libraries that a binary loads, and its loader, by the paths at which they are found."""
    printed = subprocess.run(["ldd", str(binary)], check=True, capture_output=True, text=True).stdout
    if "not found" in printed:
        sys.exit(f"{binary} lacks shared libraries:\n{printed}")
    return sorted(set(re.findall(r"(?:=> |^\t)(/\S+) \(0x", printed, re.MULTILINE)))
