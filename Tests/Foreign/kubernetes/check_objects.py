"""Checks that every object in files of YAML fits the schema of Kubernetes' API, with no field that it does not know.

    check_objects.py FILE...

The schemas are those of kubernetes-validate (PyPI). The Prometheus operator's PodMonitor is not among them: its fields are
listed here, from https://prometheus-operator.dev/docs/api-reference/api/ (read 2026-11-21).
"""

import re
import sys

import jsonschema
import kubernetes_validate
import yaml

VERSION = "1.32"

POD_MONITOR = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "monitoring.coreos.com/v1"},
        "kind": {"const": "PodMonitor"},
        "metadata": {"type": "object", "required": ["name"]},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["selector", "podMetricsEndpoints"],
            "properties": {
                "selector": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"matchLabels": {"type": "object", "additionalProperties": {"type": "string"}}},
                },
                "podMetricsEndpoints": {
                    "type": "array",
                    "minItems": 1,
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "port": {"type": "string"},
                            "path": {"type": "string", "pattern": "^/"},
                            "interval": {"type": "string", "pattern": "^[0-9]+(ms|s|m|h)$"},
                        },
                    },
                },
            },
        },
    },
}


def template(thing):
    """The Pod template of a workload, or None."""
    kind, spec = thing["kind"], thing.get("spec", {})
    if kind == "CronJob":
        return spec["jobTemplate"]["spec"]["template"]
    return spec.get("template") if kind in ("Deployment", "Job") else None


def problems(things):
    """What a schema cannot see: names that lead nowhere."""
    kinds = {(thing["kind"], thing["metadata"]["name"]) for thing in things}
    labels = []
    for thing in things:
        found = template(thing)
        if found is None:
            continue
        spec = found["spec"]
        labels.append(found["metadata"]["labels"])
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        if ("ServiceAccount", spec["serviceAccountName"]) not in kinds:
            yield f"{thing['kind']}: no service account {spec['serviceAccountName']}"
        for volume in volumes.values():
            claim = volume.get("persistentVolumeClaim", {}).get("claimName")
            settings = volume.get("configMap", {}).get("name")
            if claim and ("PersistentVolumeClaim", claim) not in kinds:
                yield f"{thing['kind']}: no volume claim {claim}"
            if settings and ("ConfigMap", settings) not in kinds:
                yield f"{thing['kind']}: no config map {settings}"
        for container in spec["containers"]:
            for mount in container["volumeMounts"]:
                if mount["name"] not in volumes:
                    yield f"{thing['kind']}: no volume {mount['name']}"
            ports = {port["name"] for port in container.get("ports", [])}
            for name in ("startupProbe", "livenessProbe", "readinessProbe"):
                if name in container and container[name]["httpGet"]["port"] not in ports:
                    yield f"{thing['kind']}: {name} asks a port that is not there"
            variables = {variable["name"] for variable in container["env"]}
            for text in container["args"] + [variable.get("value", "") for variable in container["env"]]:
                for name in re.findall(r"\$\((\w+)\)", text):
                    if name not in variables:
                        yield f"{thing['kind']}: {text} names a variable that is not set"
            if ":" not in container["image"]:
                yield f"{thing['kind']}: the image {container['image']} is not pinned"
    for thing in things:
        spec = thing.get("spec", {})
        selector = (spec.get("selector") or spec.get("podSelector") or {}).get("matchLabels")
        if selector and not any(selector.items() <= found.items() for found in labels):
            yield f"{thing['kind']} {thing['metadata']['name']}: selects no Pod"


def main(paths):
    bad = []
    count = 0
    for path in paths:
        with open(path, encoding="utf-8") as file:
            things = [thing for thing in yaml.safe_load_all(file) if thing]
        for thing in things:
            count += 1
            name = f"{path}: {thing.get('kind')} {thing.get('metadata', {}).get('name')}"
            try:
                if thing.get("kind") == "PodMonitor":
                    jsonschema.validate(thing, POD_MONITOR)
                else:
                    kubernetes_validate.validate(thing, VERSION, strict=True)
            except (jsonschema.ValidationError, kubernetes_validate.ValidationError) as error:
                bad.append(f"{name}: {error.message}")
        bad += [f"{path}: {problem}" for problem in problems(things)]
    for problem in bad:
        print(problem)
    print(f"{count} objects in {len(paths)} files")
    return 1 if bad or count < 15 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
