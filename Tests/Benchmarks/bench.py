"""What all subjects share: measuring a process, a row of a table, a sandbox, other people's tools."""
import contextlib
import os
import re
import statistics
import subprocess
import sys
import time

LONG = 5.0
FOLDER = os.path.dirname(os.path.abspath(__file__))
TOOLS = os.path.join(FOLDER, "..", "..", ".build", "benchmarks")


class Figure:
    """What one process took: seconds, user+sys seconds, and the most memory in MB (10^6 bytes)."""

    def __init__(self, seconds, cpu, memory):
        self.seconds, self.cpu, self.memory = seconds, cpu, memory


class Bench:
    """A program to measure, and a folder for what that needs."""

    def __init__(self, cartsync, work):
        self.cartsync = cartsync
        self.work = work

    def beside(self, name):
        """A program that was built with the one to measure, from what is inside of it."""
        return os.path.join(os.path.dirname(self.cartsync), name)

    def path(self, name):
        return os.path.join(self.work, name)

    def generate(self, name, write, *arguments, **more):
        """Calls `write(path, *arguments, **more)` in a process of its own and returns the path.

        A measured process begins with the memory of the one that starts it, which has to stay small.
        """
        path = self.path(name)
        child = os.fork()
        if child == 0:
            status = 1
            try:
                write(path, *arguments, **more)
                status = 0
            finally:
                os._exit(status)
        if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
            sys.exit(f"{name} cannot be generated")
        return path

    def run_once(self, arguments, environment=None, statuses=(0,)):
        """Runs a command to its end and returns its figure."""
        begin = time.monotonic()
        process = subprocess.Popen(
            arguments, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True)
        errors = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in statuses:
            sys.exit(f"{' '.join(arguments)}: exit status {process.returncode}\n{errors}")
        unit = 1 if sys.platform == "darwin" else 1024
        return Figure(time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit / 1e6)

    def run(self, arguments, **more):
        """Runs a command three times, or once where that takes long, and returns the median of each of its figures."""
        figures = [self.run_once(arguments, **more)]
        if figures[0].seconds < LONG:
            figures += [self.run_once(arguments, **more) for _ in range(2)]
        return Figure(*(statistics.median(values) for values in zip(*(vars(figure).values() for figure in figures))))

    @contextlib.contextmanager
    def sandbox(self, *flags):
        """A sandbox that runs meanwhile; gives the environment that its users need."""
        sandbox = subprocess.Popen(
            [self.cartsync, "sandbox", "--port", "0", *flags], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)
        try:
            lines = [sandbox.stdout.readline() for _ in range(3)]
            yield dict(os.environ, **dict(re.findall(r"export (\w+)=(\S+)", "".join(lines))))
        finally:
            sandbox.terminate()
            sandbox.wait()


def table(*columns):
    """Begins a table of figures, with these columns before them."""
    print(f"\n| {' | '.join(columns)} | wall | user+sys | peak memory |", flush=True)
    print("|---" * (len(columns) + 3) + "|", flush=True)


def row(*cells):
    """Prints one line of the table: its cells and then a figure."""
    *names, figure = cells
    print(f"| {' | '.join(names)} | {figure.seconds:.2f} s | {figure.cpu:.2f} s | {figure.memory:.0f} MB |", flush=True)


def size(path):
    return f"{os.path.getsize(path) / 1e6:.0f} MB"


def tools():
    """Installs the other people's tools of requirements.txt, and returns the Python that has them."""
    python = os.path.join(TOOLS, "bin", "python")
    if not os.path.exists(python):
        subprocess.run([sys.executable, "-m", "venv", TOOLS], check=True)
    requirements = os.path.join(FOLDER, "requirements.txt")
    subprocess.run([python, "-m", "pip", "install", "-q", "--disable-pip-version-check", "-r", requirements], check=True)
    return python
