"""Checks a compose file without an engine: its fields, what it mounts, and that cartsync takes what it is given.

    check_compose.py COMPOSE.YAML CARTSYNC

Fields are those of https://github.com/compose-spec/compose-spec (05-services.md) that the file may use.
"""

import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

import yaml

SERVICE = {
    "image": str, "build": dict, "command": list, "environment": dict, "secrets": list, "volumes": list, "ports": list,
    "read_only": bool, "tmpfs": list, "cap_drop": list, "security_opt": list, "mem_limit": str, "stop_grace_period": str,
    "restart": str, "network_mode": str, "healthcheck": dict,
}


def fields(path, document):
    """What is wrong with the file by itself."""
    folder = Path(path).parent
    assert set(document) == {"name", "services", "secrets", "volumes"}, set(document)
    for name, service in document["services"].items():
        for key, value in service.items():
            assert isinstance(value, SERVICE[key]), f"{name}: {key}"
        assert service["image"] == "cartsync" or ":" in service["image"], f"{name}: not pinned"
        assert service.get("network_mode", "service:cartsync") == "service:cartsync"
        assert service["cap_drop"] == ["ALL"] and "no-new-privileges:true" in service["security_opt"], name
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert source in document["volumes"] or (folder / source).exists(), f"{name}: {source}"
        for secret in service.get("secrets", []):
            assert (folder / document["secrets"][secret]["file"]).is_file(), f"{name}: {secret}"
        # What is published is for this machine only.
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    build = document["services"]["cartsync"]["build"]
    assert (folder / build["context"] / build["dockerfile"]).is_file()


def wait_for(path, word):
    for _ in range(200):
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            if word in line:
                return line
        subprocess.run(["sleep", "0.1"], check=True)
    raise AssertionError(f"no {word} in {Path(path).read_text(encoding='utf-8')}")


def main(path, cartsync):
    document = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    fields(path, document)
    services = document["services"]
    processes = []
    with tempfile.TemporaryDirectory() as work:
        try:
            # The sandbox as it is there, on a free port, with the samples where the image has them.
            words = [str(word).replace("/usr/share/cartsync/", "") for word in services["sandbox"]["command"]]
            words[words.index("--port") + 1] = "0"
            out = Path(work, "sandbox")
            with out.open("w") as file:
                processes.append(subprocess.Popen([cartsync, *words], stdout=file, stderr=file))
            url = wait_for(out, "EPCC_API_BASE_URL").split("=", 1)[1].strip("'\"")
            # The service, listening to others, which it does for the sake of its token only.
            address = subprocess.run(["hostname", "-I"], check=True, capture_output=True, text=True).stdout.split()[0]
            inbox = Path(work, "inbox")
            inbox.mkdir()
            environment = {
                **os.environ, **services["cartsync"]["environment"], "CARTSYNC_API_BASE_URL": url,
                "CARTSYNC_API_SECRETS_DIRECTORY": str(Path(path).parent / "secrets"),
                "CARTSYNC_HTTP_LISTEN": f"{address}:0", "CARTSYNC_STATE_DIRECTORY": f"{work}/state",
                "CARTSYNC_SOURCE_FOLDER": str(inbox), "CARTSYNC_SOURCE_POLL": "200ms", "CARTSYNC_SOURCE_SETTLE": "0s",
            }
            log = Path(work, "serve")
            with log.open("w") as file:
                processes.append(subprocess.Popen([cartsync, "serve"], stdout=file, stderr=file, env=environment))
            line = wait_for(log, f"http://{address}:")
            page = line[line.index("http://") :].split()[0].rsplit("/healthz", 1)[0].rstrip("/")
            inbox.joinpath("export.csv").write_text("customer_id,cart_id\nc-1,cart-1\n", encoding="utf-8")
            for _ in range(200):
                if (inbox / "done/export.csv").exists():
                    break
                subprocess.run(["sleep", "0.1"], check=True)
            assert (inbox / "done/export.csv").exists(), log.read_text(encoding="utf-8")
            # As a probe and a Prometheus ask: by the address, and no other name.
            for place in ("/healthz", "/readyz", "/metrics"):
                with urllib.request.urlopen(page + place) as answer:
                    assert answer.status == 200, place
        finally:
            for process in processes:
                process.terminate()
                process.wait(30)
    print(f"{len(services)} services; {page} answers")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
