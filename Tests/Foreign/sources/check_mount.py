#!/usr/bin/env python3
"""A service whose inbox is a mount: it is no empty inbox when it is gone, and is served again when it is back.

    check_mount.py PATH-TO-CARTSYNC

Mounts in a namespace of its own, which needs root; without, nothing is tested, and that is said.
"""
import os
import subprocess
import sys
import tempfile

from service import Service, expect, wait_for


def run(*command):
    subprocess.run(command, check=True)


def main():
    if os.environ.get("IN_NAMESPACE") is None:
        shell = ["unshare", "--mount", "--propagation", "private"]
        if os.geteuid() != 0 or subprocess.run([*shell, "true"], capture_output=True).returncode != 0:
            print("SKIPPED: an inbox that is mounted again (needs root and a namespace of mounts)")
            return
        os.execvpe("unshare", [*shell, sys.executable, *sys.argv], {**os.environ, "IN_NAMESPACE": "1"})
    cartsync = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="cartsync-mount-") as work:
        inbox = f"{work}/inbox"
        os.mkdir(inbox)

        def put(name, count):
            with open(f"{inbox}/.unfinished", "w") as file:
                file.write("customer_id,cart_id\n" + "".join(f"c-{number},cart-{number}\n" for number in range(count)))
            os.rename(f"{inbox}/.unfinished", f"{inbox}/{name}")

        def mount():
            run("mount", "-t", "tmpfs", "tmpfs", inbox)

        mount()
        service = Service(
            cartsync, work, {"source.folder": inbox, "source.poll": "200ms", "source.settle": "300ms"})
        try:
            put("first.csv", 30)
            service.wait_for_associations(30)
            wait_for("the first is done", lambda: "first.csv" in os.listdir(f"{inbox}/done"))
            # Lazily, as a mount that is lost: whoever has it open keeps what was there.
            run("umount", "--lazy", inbox)
            wait_for("the missing mount is told", lambda: "what was mounted there is not" in service.ready(),
                     otherwise=service.ready)
            # What lies under the mount point is of nobody, and is not taken.
            put("below.csv", 1)
            wait_for("it is looked at again", lambda: service.log().count("the inbox cannot be read") == 1)
            mount()
            wait_for("it is served again", lambda: '"isReady":true' in service.ready(),
                     otherwise=service.ready)
            put("second.csv", 31)
            service.wait_for_associations(31)
            wait_for("the export is done", lambda: "second.csv" in os.listdir(f"{inbox}/done"))
            service.stop()
            run("umount", "--lazy", inbox)
            expect(sorted(os.listdir(inbox)) == ["below.csv"], f"under the mount point are {os.listdir(inbox)}")
        finally:
            service.stop()
            subprocess.run(["umount", "--lazy", inbox], capture_output=True)


main()
