"""Follows a Dockerfile without a container engine: each stage is a clean Debian root, each RUN is run in it.

    image.py DOCKERFILE PROGRAM

The stage `build` is not followed: PROGRAM is what it would have built. Then the image is used as an engine would use it: its file
system read-only, its user, its entry point, its health check. Uses $work and $clean as Tests/Packages/run sets them.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

WORK = Path(os.environ["work"])
CLEAN = Path(os.environ["clean"])
LIMIT = 200 * 1000 * 1000


def instructions(path):
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(" ")
            yield name, rest


def run(root, command, **options):
    return subprocess.run(["chroot", root, *command], check=False, **options)


def copy(sources, target):
    for source in sources:
        if source.is_dir():
            target.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", f"{source}/.", target], check=True)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


class Image:
    """What the last stage says of how it is used."""

    def __init__(self):
        self.environment = {}
        self.user = self.entrypoint = self.command = self.health = None


def build(dockerfile, program):
    roots = {}
    root = image = None
    skipping = False
    for name, rest in instructions(dockerfile):
        if name == "FROM":
            base, _, stage = rest.partition(" AS ")
            skipping = stage == "build"
            image = Image()
            if skipping:
                built = WORK / "built"
                built.mkdir()
                (built / "built").mkdir()
                shutil.copy2(program, built / "built/cartsync")
                roots[stage] = built
                continue
            root = WORK / f"stage-{len(roots)}"
            if base == "scratch":
                root.mkdir()
            else:
                assert base.startswith("debian:") and base != "debian:latest", base
                subprocess.run(["cp", "-a", CLEAN, root], check=True)
            roots[stage or "last"] = root
        elif skipping or name == "ARG":
            continue
        elif name == "RUN":
            done = run(root, ["sh", "-c", rest], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            assert done.returncode == 0, f"RUN {rest}\n{done.stdout}"
        elif name == "COPY":
            words = rest.split()
            place = roots[words.pop(0).removeprefix("--from=")] if words[0].startswith("--from=") else Path(".")
            *sources, target = words
            copy([place / source.lstrip("/") for source in sources], root / target.lstrip("/"))
        elif name == "ENV":
            key, _, value = rest.partition("=")
            image.environment[key] = value
        elif name == "USER":
            image.user = rest
        elif name == "ENTRYPOINT":
            image.entrypoint = json.loads(rest)
        elif name == "CMD":
            image.command = json.loads(rest)
        elif name == "HEALTHCHECK":
            image.health = json.loads(rest[rest.index("[") :])
        else:
            assert name in ("WORKDIR", "VOLUME", "STOPSIGNAL"), name
    return root, image


def as_user(root, image, words, environment, **options):
    user, group = image.user.split(":")
    variables = {"PATH": "/usr/bin:/bin", **image.environment, **environment}
    command = ["/usr/sbin/chroot", f"--userspec={user}:{group}", root, *words]
    return subprocess.Popen(command, env=variables, **options)


def main(dockerfile, program):
    root, image = build(dockerfile, program)
    size = int(subprocess.run(["du", "-sb", root], check=True, capture_output=True, text=True).stdout.split()[0])
    print(f"{size / 1e6:.0f} MB: the program {os.stat(program).st_size / 1e6:.0f} MB")
    assert size < LIMIT, "too large"
    assert image.user.split(":")[0] not in ("0", "root"), "it runs as root"

    # Read-only but for the volumes, as the compose file has it.
    subprocess.run(["mount", "--bind", root, root], check=True)
    for folder in ("var/lib/cartsync", "var/spool/cartsync"):
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=700,uid=10001,gid=10001", "tmpfs", root / folder], check=True)
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", root / "tmp"], check=True)
    for folder, words in (("proc", ["-t", "proc", "proc"]), ("dev", ["--bind", "/dev"])):
        (root / folder).mkdir(exist_ok=True)
        subprocess.run(["mount", *words, root / folder], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", root], check=True)
    processes = []
    try:
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
        shells = [name for name in ("sh", "bash", "dash", "busybox") for place in ("bin", "usr/bin") if (root / place / name).exists()]
        assert not shells, f"the image has {shells}"
        tools = as_user(root, image, ["/usr/bin/ssh", "-V"], {}, **quiet)
        assert "OpenSSH" in tools.communicate()[1], "ssh does not start"
        sandbox = ["sandbox", "--port", "8401", "--seed", "/usr/share/cartsync/samples/sandbox/store.json"]
        processes.append(as_user(root, image, image.entrypoint + sandbox, {}, **quiet))
        environment = {
            "CARTSYNC_API_BASE_URL": "http://127.0.0.1:8401",
            "CARTSYNC_API_CLIENT_ID": "sandbox-id",
            "CARTSYNC_API_CLIENT_SECRET": "sandbox-secret",
            "CARTSYNC_SOURCE_POLL": "200ms",
            "CARTSYNC_SOURCE_SETTLE": "0s",
            "CARTSYNC_RATE_TIME_ZONE": "Europe/Berlin",
        }
        inbox = root / "var/spool/cartsync"
        shutil.copy("samples/exports/customers.csv", inbox / "customers.csv")
        os.chown(inbox / "customers.csv", 10001, 10001)
        service = as_user(root, image, image.entrypoint + image.command, environment, **quiet)
        processes.append(service)
        deadline = time.monotonic() + 60
        while not (inbox / "done/customers.csv").exists():
            assert service.poll() is None and time.monotonic() < deadline, service.stderr.read()
            time.sleep(0.2)
        health = as_user(root, image, image.health, {}, **quiet)
        said = health.communicate()[1]
        assert health.returncode == 0, f"the health check says {said}"
        service.terminate()
        assert service.wait(30) == 0, service.stderr.read()
        health = as_user(root, image, image.health, {}, **quiet)
        health.communicate()
        assert health.returncode != 0, "the health check is content without a service"
    finally:
        for process in processes:
            if process.poll() is None:
                process.terminate()
                process.wait(30)
        subprocess.run(["umount", "-R", root], check=False)
    shutil.rmtree(WORK / "stage-1", ignore_errors=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
