"""A sandbox in a process of its own, a state folder, and the commands of one store."""
import csv
import hashlib
import io
import json
import os
import re
import sqlite3
import subprocess
import tempfile
import threading
import time
import urllib.request


class Failed(Exception):
    """Something that must be true is not."""


class Shop:
    """One sandbox and one state folder."""

    def __init__(self, cartsync, work, pairs=()):
        """The pairs of owner and cart are there from the beginning."""
        self.cartsync = cartsync
        self.folder = tempfile.mkdtemp(dir=work)
        carts = {}
        for owner, cart in pairs:
            carts.setdefault(cart, []).append(owner)
        seed = os.path.join(self.folder, "seed.json")
        with open(seed, "w") as file:
            json.dump({"carts": [{"id": cart, "customers": owners} for cart, owners in carts.items()]}, file)
        self.state = os.path.join(self.folder, "state")
        self.sandbox = subprocess.Popen(
            [cartsync, "sandbox", "--port", "0", "--seed", seed], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True)
        lines = "".join(self.sandbox.stdout.readline() for _ in range(3))
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": self.folder, **dict(re.findall(r"export (\w+)=(\S+)", lines))}
        self.url = self.environment["EPCC_API_BASE_URL"]
        self.export = os.path.join(self.folder, "export.csv")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sandbox.terminate()
        self.sandbox.wait()

    def inject(self, **fault):
        request = urllib.request.Request(self.url + "/sandbox/faults", data=json.dumps(fault).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()

    def mend(self):
        """Takes all faults away."""
        request = urllib.request.Request(self.url + "/sandbox/faults", method="DELETE")
        urllib.request.urlopen(request, timeout=10).close()

    def stats(self):
        with urllib.request.urlopen(self.url + "/sandbox/stats", timeout=10) as answer:
            return json.load(answer)

    def associations(self):
        with urllib.request.urlopen(self.url + "/sandbox/associations", timeout=30) as answer:
            rows = csv.DictReader(io.StringIO(answer.read().decode()))
            return {(row["owner_type"], row["owner_id"], row["cart_id"]) for row in rows}

    def write_export(self, pairs):
        """Writes the export with a checksum: where one ends that is in order, and says nothing of itself, is in doubt."""
        text = "customer_id,cart_id\n" + "".join(f"{owner},{cart}\n" for owner, cart in pairs)
        with open(self.export, "w") as file:
            file.write(text)
        with open(self.export + ".sha256", "w") as file:
            file.write(f"{hashlib.sha256(text.encode()).hexdigest()}  {os.path.basename(self.export)}\n")

    def start(self, *arguments, prefix=(), environment=None, limit=None):
        def before():
            if limit is not None:
                import resource
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        # In a session of its own: what is around it (strace) is ended with it.
        return subprocess.Popen(
            [*prefix, self.cartsync, *arguments, "--state", self.state], env={**self.environment, **(environment or {})},
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, preexec_fn=before, start_new_session=True)

    def run(self, *arguments, statuses=(0,), timeout=600, **options):
        process = self.start(*arguments, **options)
        try:
            _, errors = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failed(f"cartsync {' '.join(arguments)} hangs")
        if process.returncode not in statuses:
            raise Failed(f"cartsync {' '.join(arguments)}: exit status {process.returncode}\n{errors[-2000:]}")
        return process.returncode, errors

    # What the ledger says, read as SQLite reads it, while nobody has it open.

    def ledger(self, sql, *arguments):
        connection = sqlite3.connect(f"file:{self.state}/ledger.sqlite", uri=True)
        try:
            return connection.execute(sql, arguments).fetchall()
        finally:
            connection.close()

    def resumable(self):
        """The run to be resumed; None where there is none."""
        if not os.path.exists(f"{self.state}/ledger.sqlite") or os.path.getsize(f"{self.state}/ledger.sqlite") == 0:
            return None
        try:
            rows = self.ledger("SELECT id, record FROM run WHERE state IN ('applying', 'stopped') ORDER BY number")
        except sqlite3.OperationalError:
            return None
        return next((name for name, record in reversed(rows) if "supersededBy" not in json.loads(record)), None)

    def confirmed(self):
        rows = self.ledger("SELECT owner_kind, owner, cart FROM association WHERE standing & 30 != 0")
        return {(("customer", "account")[kind], owner, cart) for kind, owner, cart in rows}

    def results(self, run):
        with open(f"{self.state}/runs/{run}/results.csv", newline="") as file:
            return list(csv.DictReader(file))

    def report(self, run):
        with open(f"{self.state}/runs/{run}/report.json") as file:
            return json.load(file)


class Watch:
    """How many writes the sandbox has seen, by the time: what the last second before a moment held."""

    def __init__(self, shop):
        self.shop = shop
        self.seen = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look, daemon=True)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def look(self):
        while not self.ended.wait(0.02):
            try:
                self.seen.append((time.monotonic(), self.shop.stats()["writes"]))
            except OSError:
                pass

    def last_second(self, moment):
        before = [writes for at, writes in self.seen if at <= moment - 1]
        after = [writes for at, writes in self.seen if at > moment - 1]
        return (after[-1] if after else 0) - (before[-1] if before else 0)


def check(condition, words):
    if not condition:
        raise Failed(words)


def successes(stats):
    """Writes that were answered as made or as there already."""
    requests = stats["requests"]
    if isinstance(requests, list):
        requests = dict(zip(requests[::2], requests[1::2]))
    total = 0
    for operation in ("create", "delete"):
        answers = requests.get(operation, {})
        if isinstance(answers, list):
            answers = dict(zip(map(str, answers[::2]), answers[1::2]))
        total += sum(number for status, number in answers.items() if 200 <= int(status) < 300)
    return total


def pairs_of(generator, number, carts):
    """Different owner-cart pairs, several owners a cart."""
    found = set()
    while len(found) < number:
        found.add((f"c-{generator.randrange(number)}", f"cart-{generator.randrange(carts):05d}"))
    return sorted(found)
