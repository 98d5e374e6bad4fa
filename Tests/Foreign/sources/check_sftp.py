#!/usr/bin/env python3
"""A service fetches exports from a real OpenSSH server on this machine: settled files alone, each once, whole.

    check_sftp.py PATH-TO-CARTSYNC

Needs sshd, ssh-keygen and sftp (Debian's openssh-server and openssh-client).
"""
import getpass
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from service import Service, expect, free_port, wait_for


def sshd(work, port):
    """An unprivileged sshd that lets this user in with one key, and nobody else."""
    for name, kind in (("host", "ed25519"), ("user", "ed25519"), ("stranger", "ed25519"), ("rsa", "rsa")):
        subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", f"{work}/{name}"], check=True)
    with open(f"{work}/authorized_keys", "w") as file:
        file.write(open(f"{work}/user.pub").read() + open(f"{work}/rsa.pub").read())
    with open(f"{work}/host.pub") as file:
        kind, key = file.read().split()[:2]
    with open(f"{work}/known_hosts", "w") as file:
        file.write(f"[127.0.0.1]:{port} {kind} {key}\n")
    with open(f"{work}/sshd_config", "w") as file:
        file.write(
            f"Port {port}\nListenAddress 127.0.0.1\nHostKey {work}/host\nAuthorizedKeysFile {work}/authorized_keys\n"
            f"PidFile {work}/sshd.pid\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n"
            "KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nSubsystem sftp internal-sftp\n")
    if os.getuid() == 0:
        os.makedirs("/run/sshd", exist_ok=True)
    process = subprocess.Popen(
        [shutil.which("sshd", path="/usr/sbin:/usr/bin:/sbin"), "-D", "-e", "-f", f"{work}/sshd_config"],
        stderr=open(f"{work}/sshd.log", "w"))
    wait_for("sshd listens", lambda: "listening" in open(f"{work}/sshd.log").read())
    return process


def main():
    cartsync = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="cartsync-sftp-") as work:
        port = free_port()
        remote = f"{work}/exports of tonight"
        os.mkdir(remote)
        server = sshd(work, port)
        address = f"sftp://{getpass.getuser()}@127.0.0.1:{port}{remote}"
        settings = {
            "source.sftp": address, "source.sftp-key": f"{work}/user", "source.sftp-known-hosts": f"{work}/known_hosts",
            "source.poll": "300ms", "source.settle": "1s",
        }
        service = None
        try:
            service = Service(cartsync, work, settings)
            # A slow writer: nothing is taken before it has been still.
            with open(f"{remote}/customers one.csv", "w") as file:
                file.write("customer_id,cart_id\n")
                for number in range(8):
                    file.write(f"c-{number},cart-{number}\n")
                    file.flush()
                    time.sleep(0.3)
                expect(service.associations() == 0, "a file that is being written was taken")
            service.wait_for_associations(8)
            wait_for("the export is done", lambda: "customers one.csv" in service.names("done"))

            # A manifest comes along and is believed; other names are left alone.
            with open(f"{remote}/bad.csv.manifest.json", "w") as file:
                file.write('{"records": 3}')
            with open(f"{remote}/bad.csv", "w") as file:
                file.write("customer_id,cart_id\nc-9,cart-9\n")
            for name in (".hidden.csv", "x.part", "line\nend.csv"):
                with open(f"{remote}/{name}", "w") as file:
                    file.write("customer_id,cart_id\nc-8,cart-8\n")
            os.mkdir(f"{remote}/folder.csv")
            os.symlink("/etc/passwd", f"{remote}/link.csv")
            wait_for("the export that disagrees with its manifest has failed", lambda: "bad.csv" in service.names("failed"))

            # A new version under the same name is fetched, also after a restart, and nothing else is fetched again.
            service.stop()
            # Names of all kinds; each is an older snapshot, which the one that is synced supersedes.
            awkward = ["star*.csv", "what?.csv", "list [1].csv", 'quo"te\'s.csv', "back\\slash.csv", "Kundenübersicht.csv", "$(x).csv"]
            for name in [os.fsencode(name) for name in awkward] + [b"K\xfcndigung.csv"]:
                path = os.fsencode(remote) + b"/" + name
                with open(path, "w") as file:
                    file.write("customer_id,cart_id\nc-8,cart-8\n")
                os.utime(path, (1_700_000_000, 1_700_000_000))
            with open(f"{remote}/customers one.csv", "a") as file:
                file.write("".join(f"c-{number},cart-{number}\n" for number in range(8, 5000)))
            service = Service(cartsync, work, settings)
            service.wait_for_associations(5000)
            for name in awkward + ["K%FCndigung.csv"]:
                wait_for(f"{name} is fetched", lambda: name in service.names("superseded"), otherwise=service.log)
            expect("link.csv is a link, and is left alone" in service.log(), "the link is not named")
            fetched = service.log().count("msg=fetched")
            expect(fetched == 1 + len(awkward) + 1, f"{fetched} exports were fetched after the restart")

            # The server is away: the service says so and lives on, and goes on when it is back.
            server.send_signal(signal.SIGTERM)
            server.wait()
            wait_for("readiness says that the source is down", lambda: "the source cannot be read for" in service.ready())
            server = subprocess.Popen(server.args, stderr=open(f"{work}/sshd.log", "w"))
            wait_for("the service is ready again", lambda: '"isReady":true' in service.ready(), otherwise=service.ready)
            service.stop()

            # What ~/.ssh/config says holds: an alias, its user, port and keys, and a jump host; and the keys of an agent.
            with open(f"{work}/config", "w") as file:
                file.write(
                    f"Host partner jump\n HostName 127.0.0.1\n Port {port}\n User {getpass.getuser()}\n"
                    f" UserKnownHostsFile {work}/known_hosts\nHost partner\n ProxyJump jump\n")
            os.mkdir(f"{work}/bin")
            with open(f"{work}/bin/ssh", "w") as file:
                file.write(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {work}/config "$@"\n')
            os.chmod(f"{work}/bin/ssh", 0o755)
            agent = subprocess.Popen(["ssh-agent", "-D", "-a", f"{work}/agent"], stdout=subprocess.DEVNULL)
            try:
                wait_for("the agent listens", lambda: os.path.exists(f"{work}/agent"))
                variables = {"SSH_AUTH_SOCK": f"{work}/agent", "PATH": f"{work}/bin:{os.environ['PATH']}"}
                subprocess.run(["ssh-add", "-q", f"{work}/rsa"], env={**os.environ, **variables}, check=True)
                aliased = {key: text for key, text in settings.items() if not key.startswith("source.sftp-")}
                with open(f"{remote}/customers one.csv", "a") as file:
                    file.write("c-5000,cart-5000\n")
                service = Service(cartsync, work, {**aliased, "source.sftp": f"sftp://partner{remote}"}, variables=variables)
                service.wait_for_associations(5001)
                service.stop()
            finally:
                agent.terminate()
                agent.wait()

            # A host that is not known, and a key that is not: refused, with the setting to look at.
            open(f"{work}/nobody", "w").close()
            for setting, path, words in (
                ("source.sftp-known-hosts", f"{work}/nobody", "source.sftp-known-hosts"),
                ("source.sftp-key", f"{work}/stranger", "source.sftp-key"),
            ):
                service = Service(cartsync, work, {**settings, setting: path})
                wait_for(f"{setting} is named", lambda: words in service.ready(), 10, service.ready)
                service.stop()
            expect(not [name for name in service.names("working") if name.endswith(".csv")], "something is left in working/")
        finally:
            if service:
                service.stop()
            server.terminate()
            server.wait()
    print("exports come over SFTP, settled, once, and whole")


main()
