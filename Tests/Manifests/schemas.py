# Objects against the OpenAPI schemas of Kubernetes, strictly: an unknown key is an error.
import functools
import json

import jsonschema
import kubernetes_validate
import yaml
from kubernetes_validate import utils

OLDEST, NEWEST = "1.30", "1.36"

# Objects of others whose schemas no package carries. The API server checks them where their CRDs are.
FOREIGN = {
    "monitoring.coreos.com/v1/PodMonitor",
    "monitoring.coreos.com/v1/PrometheusRule",
    "security.openshift.io/v1/SecurityContextConstraints",
    "tekton.dev/v1/Task",
    "tekton.dev/v1/TaskRun",
    "argoproj.io/v1alpha1/Workflow",
    "external-secrets.io/v1/ExternalSecret",
}

# The CRD of the driver takes any text as a parameter; the two of Daypass's are YAML in a text.
SECRET_PROVIDER_CLASS = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "secrets-store.csi.x-k8s.io/v1"},
        "kind": {"const": "SecretProviderClass"},
        "metadata": {"type": "object", "required": ["name", "namespace"]},
        "spec": {
            "type": "object",
            "additionalProperties": False,  # above all no secretObjects, which would copy tokens into Secrets
            "required": ["provider", "parameters"],
            "properties": {
                "provider": {"const": "daypass"},
                "parameters": {
                    "type": "object",
                    "required": ["tokens", "files"],
                    "additionalProperties": {"type": "string"},
                },
            },
        },
    },
}


def versions():
    """The versions that the package carries, from the oldest to the newest that Daypass is for."""
    number = lambda version: tuple(map(int, version.split(".")[:2]))
    carried = {number(version): version for version in utils.all_versions()}
    return [version for key, version in sorted(carried.items()) if number(OLDEST) <= key <= number(NEWEST)]


def title(document):
    metadata = document.get("metadata", {})
    return f"{document.get('kind')}/{metadata.get('name') or metadata.get('generateName')}"


def identity(document):
    return f"{document.get('apiVersion')}/{document.get('kind')}"


# The package reads its files anew for each object; they are some megabytes.
utils.schema_contents = functools.cache(utils.schema_contents)


@functools.cache
def _problem(text, version):
    document = json.loads(text)
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        place = ".".join(map(str, error.path))
        return f"{title(document)} at {place or 'its top'}: {error.message[:300]}"
    except kubernetes_validate.SchemaNotFoundError:
        return f"{title(document)}: Kubernetes {version} has no {identity(document)}"
    return None


def problems(found, version):
    """What is wrong with documents in a version of Kubernetes."""
    for document in found:
        if identity(document) in FOREIGN:
            continue
        if document.get("kind") == "SecretProviderClass":
            yield from secret_provider_class_problems(document)
            continue
        problem = _problem(json.dumps(document, sort_keys=True), version)
        if problem:
            yield problem


def secret_provider_class_problems(document):
    for error in jsonschema.Draft7Validator(SECRET_PROVIDER_CLASS).iter_errors(document):
        yield f"{title(document)}: {error.message[:300]}"
    for name in ("tokens", "files"):
        text = document.get("spec", {}).get("parameters", {}).get(name)
        if isinstance(text, str) and not isinstance(yaml.safe_load(text), list):
            yield f"{title(document)}: {name} holds no list"
