#!/usr/bin/env python3
"""Commands that a service does, typed at a pseudo-terminal: the question, its answers, Ctrl-C, colours and width.

    check_terminal.py PATH-TO-CARTSYNC
"""
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time


class Typed:
    """A command at a terminal of its own."""

    def __init__(self, words, environment, folder, width=100):
        self.text = ""
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            os.execve(words[0], [str(word) for word in words], dict(environment, TERM="xterm"))
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, width, 0, 0))

    def read(self, until=None, seconds=30):
        """Reads until a text has come, or to the end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if until and re.search(until, self.text):
                return self.text
            if not select.select([self.terminal], [], [], 0.1)[0]:
                continue
            try:
                piece = os.read(self.terminal, 65536)
            except OSError:
                piece = b""
            if not piece:
                if until:
                    break
                return self.text
            self.text += piece.decode("utf-8", "replace")
        sys.exit(f"{until or 'the end'} did not come:\n{self.text}")

    def type(self, text):
        os.write(self.terminal, text.encode())

    def status(self):
        self.read()
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def expect(condition, what, text=""):
    if not condition:
        sys.exit(f"not so: {what}\n{text}")


def main(cartsync):
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        (work / "inbox").mkdir()
        rows = lambda count: "customer_id,cart_id\n" + "".join(f"c-{n},cart-{n}\n" for n in range(count))
        (work / "few.csv").write_text(rows(5), encoding="utf-8")
        (work / "many.csv").write_text(rows(400), encoding="utf-8")
        sandbox = subprocess.Popen([cartsync, "sandbox", "--port", "0"], stdout=subprocess.PIPE, text=True,
                                   stderr=subprocess.DEVNULL)
        lines = [sandbox.stdout.readline() for _ in range(3)]
        environment = dict(os.environ, **dict(re.findall(r"export (\w+)=(\S+)", "".join(lines))))
        environment.pop("NO_COLOR", None)
        log = open(work / "serve.log", "w", encoding="utf-8")
        service = subprocess.Popen(
            [cartsync, "serve", "--state", work / "state", "--inbox", work / "inbox", "--poll", "200ms", "--settle", "0s",
             "--http", "off", "--rate", "20"], env=environment, stderr=log)
        end = time.monotonic() + 30
        while not (work / "state" / "service.sock").exists():
            expect(time.monotonic() < end, "the service listens", (work / "serve.log").read_text(encoding="utf-8"))
            time.sleep(0.05)
        # The service has the secret, and the person has none.
        environment.pop("EPCC_CLIENT_SECRET")
        try:
            typed = lambda *words, **more: Typed(
                [cartsync, *words, "--state", work / "state"], environment, work, **more)

            no = typed("sync", "few.csv")
            no.read(r"Apply this plan\? \[y/N\]")
            no.type("n\n")
            expect(no.status() == 3, "no is no", no.text)
            expect("the plan was not approved" in no.text, "the refusal is said", no.text)
            expect("\x1b[" in no.text, "a terminal has colours", no.text)

            interrupted = typed("sync", "few.csv")
            interrupted.read(r"Apply this plan\?")
            interrupted.type("\x03")
            expect(interrupted.status() == 75, "Ctrl-C at the question ends it", interrupted.text)
            expect("nothing was written" in interrupted.text, "and nothing was written", interrupted.text)

            yes = typed("sync", "few.csv", width=60)
            yes.read(r"Apply this plan\?")
            yes.type("y\n")
            expect(yes.status() == 0, "yes is yes", yes.text)
            expect("cartsync: done" in yes.text, "the last line says so", yes.text)

            long = typed("sync", "many.csv")
            long.read(r"Apply this plan\?")
            long.type("y\n")
            long.read(r"applying")
            time.sleep(1)
            long.type("\x03")
            expect(long.status() == 75, "Ctrl-C stops the run", long.text)
            run = re.search(r"cartsync runs resume .*?(\d{8}-\d{6}-\w+)", long.text)
            expect(run, "the command that goes on is said", long.text)
            expect(service.poll() is None, "the service goes on")

            hung_up = typed("runs", "resume", run.group(1))
            hung_up.read(r"applying")
            os.close(hung_up.terminal)
            os.waitpid(hung_up.pid, 0)
            resumed = typed("runs", "resume", run.group(1))
            expect(resumed.status() == 0, "a run whose terminal is gone is resumed", resumed.text)
        finally:
            service.send_signal(signal.SIGTERM)
            expect(service.wait(30) == 0, "the service ends well", (work / "serve.log").read_text(encoding="utf-8"))
            sandbox.terminate()
    print("a person at a terminal sees the service's runs as their own")


if __name__ == "__main__":
    main(sys.argv[1])
