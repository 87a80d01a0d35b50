"""Writes tars and OCI images that come out the same, to the byte, for the same content."""

import gzip
import hashlib
import io
import json
import os
import stat
import subprocess
import tarfile

OCI = "application/vnd.oci.image"


def entry(name, epoch):
    """A tar entry that tells nothing of who made it, and when."""
    info = tarfile.TarInfo(name)
    info.mtime = epoch
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info


def layer(folder, epoch):
    """The uncompressed tar of a root file system: sorted, owned by root, all times the same."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        paths = sorted(path for path in folder.rglob("*"))
        for path in paths:
            status = path.lstat()
            info = entry(str(path.relative_to(folder)), epoch)
            if stat.S_ISLNK(status.st_mode):
                info.type, info.linkname, info.mode = tarfile.SYMTYPE, os.readlink(path), 0o777
                tar.addfile(info)
            elif stat.S_ISDIR(status.st_mode):
                info.type = tarfile.DIRTYPE
                info.mode = 0o1777 if info.name == "tmp" else 0o755
                tar.addfile(info)
            else:
                info.mode = 0o755 if status.st_mode & 0o100 else 0o644
                info.size = status.st_size
                with path.open("rb") as content:
                    tar.addfile(info, content)
    return buffer.getvalue()


class Image:
    """An OCI image layout in a tar, of one layer. Docker's own manifest is in it too, for `docker load` before 25."""

    def __init__(self, tar, configuration, epoch):
        self.epoch = epoch
        self.blobs = {}
        self.compressed = gzip.compress(tar, compresslevel=9, mtime=0)
        self.created = configuration["created"]
        configuration["rootfs"] = {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(tar).hexdigest()]}
        self.configuration = self.add(f"{OCI}.config.v1+json", encoded(configuration))
        self.layer = self.add(f"{OCI}.layer.v1.tar+gzip", self.compressed)
        self.manifest = self.add(
            f"{OCI}.manifest.v1+json",
            encoded({
                "schemaVersion": 2,
                "mediaType": f"{OCI}.manifest.v1+json",
                "config": self.configuration,
                "layers": [self.layer],
                "annotations": configuration["config"]["Labels"],
            }),
        )

    def add(self, media_type, content):
        digest = hashlib.sha256(content).hexdigest()
        self.blobs[digest] = content
        return {"mediaType": media_type, "digest": "sha256:" + digest, "size": len(content)}

    def write(self, path, name, version, platform):
        index = {
            "schemaVersion": 2,
            "mediaType": f"{OCI}.index.v1+json",
            "manifests": [
                self.manifest
                | {"platform": platform, "annotations": {
                    "io.containerd.image.name": f"{name}:{version}",
                    "org.opencontainers.image.ref.name": version,
                }}
            ],
        }
        docker = [{
            "Config": blob_path(self.configuration),
            "RepoTags": [f"{name}:{version}"],
            "Layers": [blob_path(self.layer)],
        }]
        files = {
            "oci-layout": encoded({"imageLayoutVersion": "1.0.0"}),
            "index.json": encoded(index),
            "manifest.json": encoded(docker),
        }
        files |= {f"blobs/sha256/{digest}": content for digest, content in self.blobs.items()}
        with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
            for file, content in sorted(files.items()):
                info = entry(file, self.epoch)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))


def blob_path(descriptor):
    return "blobs/" + descriptor["digest"].replace(":", "/")


def encoded(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def unpack(path, folder):
    """Unpacks the one layer of an image that `Image.write` wrote; returns its configuration."""
    with tarfile.open(path) as image:

        def blob(descriptor):
            content = image.extractfile(blob_path(descriptor)).read()
            if "sha256:" + hashlib.sha256(content).hexdigest() != descriptor["digest"]:
                raise SystemExit(f"{path}: {descriptor['digest']} is not what it is called")
            return content

        index = json.load(image.extractfile("index.json"))
        manifest = json.loads(blob(index["manifests"][0]))
        for descriptor in manifest["layers"]:
            subprocess.run(["tar", "-xzf", "-", "-C", str(folder)], input=blob(descriptor), check=True)
        return json.loads(blob(manifest["config"]))
