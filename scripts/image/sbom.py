"""Writes what is in the image as SPDX 2.3: https://spdx.github.io/spdx-spec/v2.3/"""

import hashlib
import json
import re
import urllib.parse

ROOT = "SPDXRef-Package-daypass"


def identifier(kind, name):
    return "SPDXRef-" + kind + "-" + re.sub(r"[^A-Za-z0-9.-]", "-", name)


def package(spdx_id, name, version, location, licence, purl, **more):
    return {
        "SPDXID": spdx_id,
        "name": name,
        "versionInfo": version,
        "downloadLocation": location,
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "externalRefs": [
            {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}
        ],
    } | more


def quoted(text):
    return urllib.parse.quote(text, safe="")


def debian_package(record, how):
    purl = f"pkg:deb/debian/{quoted(record['name'])}@{quoted(record['version'])}"
    return package(
        identifier("Debian", record["name"]),
        record["name"],
        record["version"],
        f"https://snapshot.debian.org/package/{record['source']}/{quoted(record['sourceVersion'])}/",
        "NOASSERTION",
        f"{purl}?arch={record['architecture']}&distro=debian-12",
        supplier="Organization: Debian",
        sourceInfo=f"{how}; Debian source package {record['source']} {record['sourceVersion']}",
        comment=f"licence: /usr/share/doc/{record['name']}/copyright in the image",
    )


def swift_package(record, licence):
    place = record["location"].removeprefix("https://")
    return package(
        identifier("Swift", record["name"]),
        record["name"],
        record["version"],
        f"git+{record['location']}@{record['revision']}",
        licence,
        f"pkg:swift/{place}@{quoted(record['version'])}",
        sourceInfo="linked into /usr/bin/daypass",
    )


def document(version, revision, source, created, binary, debian, static, swift, toolchain):
    """The document. debian and static: records of debian.package; swift: pairs of a record and a licence.

    Relationships tell what is linked into the binary (STATIC_LINK) and what lies beside it (CONTAINS).
    """
    packages = [
        package(
            ROOT,
            "daypass",
            version,
            f"git+{source}@{revision}" if source else "NOASSERTION",
            "Apache-2.0",
            f"pkg:generic/daypass@{quoted(version)}",
            primaryPackagePurpose="CONTAINER",
            sourceInfo=f"revision {revision}",
        ),
        package(
            "SPDXRef-Swift-toolchain",
            "swift",
            toolchain["version"],
            f"git+https://github.com/swiftlang/swift@swift-{toolchain['version']}-RELEASE",
            "Apache-2.0 WITH Swift-exception",
            f"pkg:generic/swift@{toolchain['version']}",
            sourceInfo="the compiler of /usr/bin/daypass, and its runtime library and Foundation",
        ),
    ]
    # SPDX lets a package contain files only when all of its files are listed and analyzed.
    links = [("SPDXRef-DOCUMENT", "DESCRIBES", ROOT), ("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-File-daypass")]
    links.append(("SPDXRef-File-daypass", "STATIC_LINK", "SPDXRef-Swift-toolchain"))
    for record in debian:
        packages.append(debian_package(record, "unchanged files of it are in the image"))
        links.append((ROOT, "CONTAINS", packages[-1]["SPDXID"]))
    for record in static:
        if record["source"] == "curl":
            how = "linked into /usr/bin/daypass; built from the source package for HTTP only"
        else:
            how = "linked into /usr/bin/daypass"
        packages.append(debian_package(record, how))
        links.append(("SPDXRef-File-daypass", "STATIC_LINK", packages[-1]["SPDXID"]))
    for record, licence in swift:
        packages.append(swift_package(record, licence))
        links.append(("SPDXRef-File-daypass", "STATIC_LINK", packages[-1]["SPDXID"]))
    content = binary.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"daypass-{version}",
        # Unique for its content, and the same for the same content.
        "documentNamespace": f"https://spdx.org/spdxdocs/daypass-{quoted(version)}-{digest}",
        "creationInfo": {"created": created, "creators": ["Tool: daypass-build-image", "Organization: Daypass"]},
        "packages": packages,
        "files": [
            {
                "SPDXID": "SPDXRef-File-daypass",
                "fileName": "./usr/bin/daypass",
                "fileTypes": ["BINARY"],
                "checksums": [
                    {"algorithm": "SHA1", "checksumValue": hashlib.sha1(content).hexdigest()},
                    {"algorithm": "SHA256", "checksumValue": digest},
                ],
                "licenseConcluded": "NOASSERTION",
                "copyrightText": "NOASSERTION",
            }
        ],
        "relationships": [
            {"spdxElementId": a, "relationshipType": kind, "relatedSpdxElement": b} for a, kind, b in links
        ],
    }


def encoded(value):
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
