"""A service with a source elsewhere, and the sandbox that it syncs to."""
import atexit
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request


def expect(is_true, problem):
    if not is_true:
        sys.exit(f"FAILED: {problem}")


def wait_for(what, condition, seconds=30, otherwise=lambda: ""):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.1)
    sys.exit(f"FAILED: it did not happen within {seconds} s that {what}\n{otherwise()}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Service:
    """`cartsync serve` with the given settings. The sandbox of a folder is shared by the services of that folder."""

    sandboxes = {}

    def __init__(self, cartsync, work, settings, secrets=None, variables=None):
        self.state = f"{work}/state"
        if work not in self.sandboxes:
            sandbox = subprocess.Popen([cartsync, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True,
                                       stderr=subprocess.DEVNULL)
            atexit.register(sandbox.kill)
            lines = "".join(sandbox.stdout.readline() for _ in range(3))
            self.sandboxes[work] = (sandbox, dict(re.findall(r"export (\w+)=(\S+)", lines)))
        environment = self.sandboxes[work][1]
        self.url = environment["EPCC_API_BASE_URL"]
        with open(f"{work}/cartsync.yaml", "w") as file:
            json.dump({"rate": {"limit": 2000}, "state": {"directory": self.state}, **nested(settings)}, file)
        folder = f"{work}/secrets"
        os.makedirs(folder, exist_ok=True)
        for name, text in (secrets or {}).items():
            with open(f"{folder}/{name}", "w") as file:
                file.write(text)
        self.log_path = f"{work}/serve.log"
        self.process = subprocess.Popen(
            [cartsync, "serve", "--http", "127.0.0.1:0"], cwd=work, stderr=open(self.log_path, "w"),
            env={"PATH": os.environ["PATH"], "HOME": work, "CREDENTIALS_DIRECTORY": folder, **environment,
                 **(variables or {})})
        wait_for("the service listens", lambda: re.search(r"http://127\.0\.0\.1:\d+", self.log()) is not None)
        self.endpoint = re.search(r"http://127\.0\.0\.1:\d+", self.log()).group()

    def log(self):
        with open(self.log_path) as file:
            return file.read()

    def names(self, place, job="default"):
        try:
            return sorted(os.listdir(f"{self.state}/sources/{job}/{place}"))
        except FileNotFoundError:
            return []

    def associations(self):
        with urllib.request.urlopen(self.url + "/sandbox/associations") as answer:
            return answer.read().decode().count("\n") - 1

    def wait_for_associations(self, count, seconds=30):
        wait_for(f"the store has {count} associations", lambda: self.associations() == count, seconds, self.ready)

    def ready(self):
        try:
            with urllib.request.urlopen(self.endpoint + "/readyz") as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.read().decode()

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(timeout=40)


def nested(settings):
    """{"source.url": x} as {"source": {"url": x}}."""
    tree = {}
    for key, value in settings.items():
        *groups, last = key.split(".")
        branch = tree
        for group in groups:
            branch = branch.setdefault(group, {})
        branch[last] = value
    return tree
