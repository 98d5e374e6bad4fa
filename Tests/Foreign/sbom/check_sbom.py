"""Checks a bill of materials: that it is CycloneDX, and that it has every package that the build resolved.

    check_sbom.py SBOM PACKAGE.RESOLVED
"""

import json
import sys
from pathlib import Path

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator


def main(path, resolved):
    text = Path(path).read_text(encoding="utf-8")
    problem = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    assert problem is None, problem
    document = json.loads(text)
    found = {component["externalReferences"][0]["url"]: component["version"] for component in document["components"]}
    pins = json.loads(Path(resolved).read_text(encoding="utf-8"))["pins"]
    assert found == {pin["location"]: pin["state"]["version"] for pin in pins}
    assert all(component["licenses"][0]["expression"] for component in document["components"])
    # Every package is there because another one needs it.
    needed = {name for dependency in document["dependencies"] for name in dependency["dependsOn"]}
    unneeded = {component["bom-ref"] for component in document["components"]} - needed
    assert not unneeded, unneeded
    print(f"{len(found)} packages: {sorted({c['licenses'][0]['expression'] for c in document['components']})}")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
