"""What is done to cartsync. Each scene returns what it found in a sentence, or raises Failed."""
import os
import random
import re
import shutil
import signal
import subprocess
import time

from shop import Failed, Shop, Watch, check, pairs_of, successes

SHORT = ["kills", "full_disk", "garbage"]
LONG = ["kills", "each_write", "removal", "power_cut", "full_disk", "failing_sync", "terminated", "two_processes", "clock", "stalls",
        "garbage"]


def tool(name):
    if shutil.which(name) is None:
        raise Failed(f"{name} is not installed: apt-get install {name}")
    return name


def finish(shop, *arguments, statuses=(0,)):
    """Resumes, or syncs where there is nothing to resume, until the run is over; returns its id."""
    for _ in range(50):
        run = shop.resumable()
        command = ("runs", "resume", *arguments, run) if run else ("sync", "--yes", *arguments, shop.export)
        status, errors = shop.run(*command, statuses=(*statuses, 69, 75))
        if status in statuses:
            return run or sorted(os.listdir(f"{shop.state}/runs"))[-1]
    raise Failed(f"the run never ends: {errors[-1000:]}")


def settled(shop, wanted, run, changes, failures_allowed=False):
    """The store is as the export wants it, the ledger as the store, and each change has one outcome."""
    store = shop.associations()
    expected = {("customer", owner, cart) for owner, cart in wanted}
    check(store == expected, f"the store has {len(store - expected)} too many and lacks {len(expected - store)}")
    ledger = shop.confirmed()
    check(ledger == store, f"the ledger has {len(ledger - store)} too many and lacks {len(store - ledger)}")
    results = shop.results(run)
    keys = {(row["kind"], row["owner"], row["cart"]) for row in results}
    check(len(results) == len(keys) == changes, f"{len(results)} results, {len(keys)} different, of {changes} changes")
    report = shop.report(run)
    total = sum(number for kind in report["outcomes"].values() for number in kind.values())
    check(total == changes, f"report.json has {total} outcomes of {changes}")
    for current in ("ledger", "api"):
        status, errors = shop.run("plan", "--detailed-exitcode", "--current", current, shop.export, statuses=(0, 2))
        check(status == 0, f"a plan by the {current} still finds changes: {errors[-500:]}")


def kills(cartsync, work, options):
    """kill -9 at random moments of runs with faults, resumed each time."""
    generator = random.Random(options.seed)
    killed = rounds = repeated = allowed = busiest = 0
    changes = 600 if options.short else 5000
    rate = 300
    while killed < options.kills:
        rounds += 1
        before = pairs_of(generator, changes * 2 // 5, changes // 3)
        kept = set(generator.sample(before, changes // 10))
        wanted = sorted(kept | set(pairs_of(generator, changes - (len(before) - len(kept)), changes // 3)))
        planned = len(set(wanted) ^ set(before))
        with Shop(cartsync, work, before) as shop, Watch(shop) as watch:
            # Everything is there already: the first sync only says whose it is.
            shop.write_export(before)
            shop.run("sync", "--yes", shop.export)
            check(shop.stats()["writes"] == 0, "the first sync wrote something")
            shop.write_export(wanted)
            for fault in (
                {"action": "answer", "status": 429, "share": 0.0005},
                {"action": "answer", "status": 500, "body": "<html><h1>Oops</h1></html>", "share": 0.01},
                {"action": "answer", "status": 503, "headers": {"Retry-After": "1"}, "share": 0.005},
                {"action": "reset-before", "share": 0.01}, {"action": "reset-after", "share": 0.01},
                {"action": "delay", "seconds": 0.25, "share": 0.02}, {"action": "garbage", "share": 0.01},
                {"action": "revoke-tokens", "share": 0.002},
            ):
                for operation in ("create", "delete"):
                    shop.inject(operation=operation, **fault)
            common = ("--rate", str(rate), "--max-deletes", "9999")
            run = None
            while killed < options.kills:
                run = shop.resumable()
                command = ("runs", "resume", *common, run) if run else ("sync", "--yes", *common, shop.export)
                process = shop.start(*command)
                moment = time.monotonic() + generator.uniform(0.05, 1.2 if not options.short else 0.7)
                while process.poll() is None and time.monotonic() < moment:
                    time.sleep(0.002)
                if process.poll() is not None:
                    errors = process.communicate()[1]
                    if process.returncode == 0:
                        break
                    check(process.returncode in (69, 75), f"exit status {process.returncode}: {errors[-1500:]}")
                    continue
                process.send_signal(signal.SIGKILL)
                at = time.monotonic()
                process.communicate()
                killed += 1
                time.sleep(0.1)
                allowed += watch.last_second(at)
                # The store may still work on what the dead process sent: nobody else may know, so it is waited out.
                time.sleep(0.3)
            run = finish(shop, *common) if shop.resumable() or run is None else run
            run = sorted(os.listdir(f"{shop.state}/runs"))[-1]
            settled(shop, wanted, run, planned)
            stats = shop.stats()
            repeated += successes(stats) - planned
            check(stats["busiestCart"] <= 1, f"{stats['busiestCart']} writes to one cart at once")
            busiest = max(busiest, stats["busiestSecond"])
            check(busiest <= rate, f"{busiest} calls in one second, at a limit of {rate}")
    check(repeated <= allowed, f"{repeated} writes were repeated, and the last seconds before the kills held {allowed}")
    return (f"{killed} kills in {rounds} runs of {changes} changes: {repeated} writes repeated of {allowed} in the last "
            f"seconds before the kills, at most {busiest} calls in any second of {rate} allowed")


def small(shop, changes=40):
    """A short run to be done: half creates, half deletes."""
    half = changes // 2
    before = [(f"c-{number}", f"cart-{number % 13}") for number in range(half)]
    wanted = [(f"c-{number}", f"cart-{number % 17}") for number in range(half, changes)]
    shop.write_export(before)
    shop.run("sync", "--yes", "--rate", "1000", shop.export)
    shop.write_export(wanted)
    return wanted


LIMITS = ("--rate", "1000", "--max-deletes", "9999")


def each_write(cartsync, work, options):
    """kill -9 at each single write and sync of the ledger, counted by strace, in a short run."""
    tool("strace")
    killed = 0
    for call in ("pwrite64", "fdatasync,fsync", "openat,rename,unlink"):
        number = 0
        while True:
            number += 1
            with Shop(cartsync, work) as shop:
                wanted = small(shop, 24)
                process = shop.start(
                    "sync", "--yes", *LIMITS, shop.export,
                    prefix=("strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                            f"inject={call}:signal=KILL:when={number}"))
                errors = process.communicate(timeout=120)[1]
                ended = process.returncode == 0
                if not ended:
                    killed += 1
                    check(process.returncode in (-9, 137), f"write {number}: status {process.returncode}: {errors[-800:]}")
                # Nobody else has the folder any more.
                run = finish(shop, *LIMITS)
                settled_small(shop, wanted)
            # Opening files is mostly the loader's business: sixty of these are enough.
            if ended or (call.startswith("openat") and number >= 60) or (options.short and number >= 5):
                break
    return f"{killed} kills, one at each write, sync, open and rename"


def settled_small(shop, wanted):
    """The store is as the export wants it, and the ledger as the store."""
    store = shop.associations()
    check(store == {("customer", owner, cart) for owner, cart in wanted}, "the store is not as the export wants it")
    check(shop.confirmed() == store, "the ledger is not as the store")
    check(shop.stats()["busiestCart"] <= 1, "two writes to one cart at once")
    states = [state for (state,) in shop.ledger("SELECT state FROM run")]
    check("applying" not in states and "planning" not in states, f"a run is for ever {states}")


def removal(cartsync, work, options):
    """kill -9 at writes, syncs and removals of files of a command that removes old runs."""
    tool("strace")
    killed = 0
    with Shop(cartsync, work) as shop:
        wanted = [(f"c-{number}", f"cart-{number}") for number in range(70)]
        for number in range(len(wanted)):
            shop.write_export(wanted[:number + 1])
            shop.run("sync", "--yes", "--rate", "1000", shop.export)
        image = os.path.join(shop.folder, "image")
        shutil.copytree(shop.state, image)
        shop.environment["CARTSYNC_STATE_KEEP_RUNS"] = "50"
        for call in ("pwrite64", "fdatasync,fsync", "unlinkat"):
            number = 0
            while True:
                # A command that removes twenty runs writes a thousand times: one after the other first, and then some.
                number += 1 + number // 25
                shutil.rmtree(shop.state)
                shutil.copytree(image, shop.state)
                process = shop.start(
                    "sync", "--yes", "--rate", "1000", shop.export,
                    prefix=("strace", "-f", "-o", "/dev/null", "-e", f"trace={call}", "-e",
                            f"inject={call}:signal=KILL:when={number}"))
                errors = process.communicate(timeout=120)[1]
                ended = process.returncode == 0
                if not ended:
                    killed += 1
                    check(process.returncode in (-9, 137), f"{call} {number}: {process.returncode}: {errors[-800:]}")
                finish(shop, "--rate", "1000")
                removed(shop, wanted, f"after {call} {number}")
                if ended or (options.short and number >= 5):
                    break
    return f"{killed} kills, each at another write, sync or removal"


def removed(shop, wanted, when):
    """Of runs that are no longer kept nothing is left, and the others are whole."""
    settled_small(shop, wanted)
    runs = {run for (run,) in shop.ledger("SELECT id FROM run")}
    check(50 <= len(runs) <= 52, f"{when}: {len(runs)} runs are kept")
    # A run that was killed while it was planned has none.
    planned = {run for (run,) in shop.ledger("SELECT id FROM run WHERE state <> 'failed'")}
    folders = set(os.listdir(f"{shop.state}/runs"))
    check(planned <= folders <= runs, f"{when}: {len(folders - runs)} folders of no run, {len(planned - folders)} without")
    (left,) = shop.ledger(
        "SELECT (SELECT count(*) FROM removed_run), (SELECT count(*) FROM entry WHERE id >> 32 NOT IN (SELECT number FROM "
        "run)), (SELECT count(*) FROM outcome WHERE entry >> 32 NOT IN (SELECT number FROM run)), (SELECT count(*) FROM run "
        "WHERE creates + deletes <> (SELECT count(*) FROM outcome WHERE entry >> 32 = run.number))")
    check(left == (0, 0, 0, 0), f"{when}: what is left of runs, entries, outcomes, and runs without theirs: {left}")


def power_cut(cartsync, work, options):
    """What was written and not synced is lost, or torn, at any moment: the ledger opens and goes on."""
    tool("strace")
    generator = random.Random(options.seed)
    cuts = 6 if options.short else 60
    with Shop(cartsync, work) as shop:
        wanted = small(shop)
        image = os.path.join(shop.folder, "image")
        shutil.copytree(shop.state, image)
        trace = os.path.join(shop.folder, "trace")
        shop.run(
            "sync", "--yes", *LIMITS, shop.export,
            prefix=("strace", "-f", "-s", "1000000", "-xx", "-o", trace, "-e",
                    "trace=openat,pwrite64,write,fsync,fdatasync,ftruncate,rename,unlink,close,dup,fcntl"))
        events = list(disk_events(trace, shop.state))
        check(len(events) > 30, f"only {len(events)} events were traced")
        whole = shop.associations()
        final = shop.state
        for cut in range(cuts):
            moment = generator.randrange(len(events))
            shop.state = os.path.join(shop.folder, f"cut-{cut}")
            shutil.copytree(image, shop.state)
            replay(events[:moment], shop.state, generator)
            # What the power cut took is not in the ledger, and is in the store: making it again does no harm.
            finish(shop, *LIMITS)
            settled_small(shop, wanted)
            shutil.rmtree(shop.state)
        shop.state = final
        check(shop.associations() == whole, "the store changed")
    return f"{cuts} power cuts among {len(events)} writes and syncs"


def disk_events(trace, folder):
    """The writes and syncs below a folder, in order: (kind, name, offset, bytes)."""
    names = {}
    pending = {}
    positions = {}
    begun = re.compile(rb"^(\d+) +(\w+)\((.*)$")
    def text(argument):
        return bytes(int(digits, 16) for digits in re.findall(rb"\\x([0-9a-f]{2})", argument))
    with open(trace, "rb") as file:
        for line in file:
            if b"<unfinished ...>" in line:
                pending[line.split()[0]] = line[:line.index(b"<unfinished ...>")]
                continue
            if b"resumed>" in line:
                task = line.split()[0]
                line = pending.pop(task, b"") + line[line.index(b"resumed>") + 8:]
            match = begun.match(line)
            if not match:
                continue
            call, rest = match.group(2).decode(), match.group(3)
            result = re.search(rb"= (-?\d+)", rest[rest.rfind(b")"):])
            value = int(result.group(1)) if result else -1
            if value < 0:
                continue
            first = rest.split(b",")[0].split(b")")[0]
            if call == "openat":
                path = text(rest.split(b",")[1]).decode()
                if path.startswith(folder + "/"):
                    names[value] = os.path.relpath(path, folder)
                    positions[value] = 0
                    if b"O_TRUNC" in rest or b"O_CREAT" in rest:
                        yield ("create", names[value], b"O_TRUNC" in rest, b"")
                else:
                    names.pop(value, None)
            elif call == "fcntl" and b"F_DUPFD" in rest and int(first) in names:
                names[value] = names[int(first)]
                positions[value] = 0
            elif call == "close":
                names.pop(int(first), None)
            elif call in ("rename", "unlink"):
                paths = [text(part).decode() for part in rest.split(b",")]
                if paths[0].startswith(folder + "/"):
                    yield (call, os.path.relpath(paths[0], folder),
                           os.path.relpath(paths[1], folder) if call == "rename" else None, b"")
            elif first.isdigit() and int(first) in names:
                descriptor = int(first)
                name = names[descriptor]
                if call == "pwrite64":
                    parts = rest.split(b",")
                    yield ("write", name, int(parts[-1].split(b")")[0]), text(parts[1])[:value])
                elif call == "write":
                    yield ("write", name, positions[descriptor], text(rest.split(b",")[1])[:value])
                    positions[descriptor] += value
                elif call == "ftruncate":
                    yield ("truncate", name, int(rest.split(b",")[1].split(b")")[0]), b"")
                elif call in ("fsync", "fdatasync"):
                    yield ("sync", name, 0, b"")


def replay(events, folder, generator):
    """Does the events as a disk may have done them: what a sync has promised, and some of the rest, maybe torn."""
    promised = {}
    for index, (kind, name, _, _) in enumerate(events):
        if kind == "sync":
            promised[name] = index
    # Names are kept in their folders' order; a folder that was synced is not traced by name, so all before the last
    # sync of anything counts as done.
    last = max(promised.values(), default=-1)
    for index, (kind, name, argument, data) in enumerate(events):
        path = os.path.join(folder, name)
        if kind in ("rename", "unlink", "create"):
            if index > last and generator.random() < 0.5 and kind != "create":
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if kind == "rename" and os.path.exists(path):
                os.replace(path, os.path.join(folder, argument))
            elif kind == "unlink" and os.path.exists(path):
                os.remove(path)
            elif kind == "create" and (argument or not os.path.exists(path)):
                open(path, "wb").close()
            continue
        if kind == "sync" or not os.path.exists(path):
            continue
        if index > promised.get(name, -1):
            fate = generator.random()
            if fate < 0.4:
                continue
            if fate < 0.6 and kind == "write":
                data = data[:generator.randrange(0, len(data) // 512 + 1) * 512]
        with open(path, "r+b") as file:
            if kind == "truncate":
                file.truncate(argument)
            else:
                file.seek(argument)
                file.write(data)


def full_disk(cartsync, work, options):
    """The disk is full while the ledger is written: the run says so, and goes on when there is room."""
    generator = random.Random(options.seed)
    statuses = {}
    for _ in range(4 if options.short else 25):
        with Shop(cartsync, work) as shop:
            wanted = small(shop, 2000)
            limit = generator.randrange(20_000, 900_000)
            status, errors = shop.run(
                "sync", "--yes", *LIMITS, shop.export, statuses=(0, 74), limit=limit)
            check(status == 0 or "ledger" in errors or "cannot be written" in errors, f"no reason: {errors[-500:]}")
            statuses[status] = statuses.get(status, 0) + 1
            finish(shop, *LIMITS)
            settled_small(shop, wanted)
    check(statuses.get(74, 0) > 0, f"the disk was never full: {statuses}")
    return f"exit statuses {statuses}"


def failing_sync(cartsync, work, options):
    """A sync of the disk fails: the run ends with 74 and goes on later."""
    tool("strace")
    statuses = {}
    for number in range(1, 16):
        with Shop(cartsync, work) as shop:
            wanted = small(shop)
            status, errors = shop.run(
                "sync", "--yes", *LIMITS, shop.export, statuses=(0, 74),
                prefix=("strace", "-f", "-o", "/dev/null", "-e", "trace=fdatasync,fsync", "-e",
                        f"inject=fdatasync,fsync:error=EIO:when={number}+"))
            statuses[status] = statuses.get(status, 0) + 1
            finish(shop, *LIMITS)
            settled_small(shop, wanted)
    check(statuses.get(74, 0) > 0, f"nothing failed: {statuses}")
    return f"exit statuses {statuses}"


def terminated(cartsync, work, options):
    """SIGTERM at random moments: 75 with a report each time, and no change is made twice."""
    generator = random.Random(options.seed)
    stopped = 0
    with Shop(cartsync, work) as shop:
        wanted = [(f"c-{number}", f"cart-{number % 700}") for number in range(2000)]
        shop.write_export(wanted)
        shop.inject(action="delay", seconds=0.1, share=0.05)
        while True:
            run = shop.resumable()
            command = ("runs", "resume", "--rate", "300", run) if run else ("sync", "--yes", "--rate", "300", shop.export)
            process = shop.start(*command)
            time.sleep(generator.uniform(0.15, 0.8))
            process.send_signal(signal.SIGTERM)
            errors = process.communicate(timeout=60)[1]
            check(process.returncode in (0, 75), f"exit status {process.returncode}: {errors[-800:]}")
            if process.returncode == 0:
                break
            stopped += 1
        run = sorted(os.listdir(f"{shop.state}/runs"))[-1]
        settled(shop, wanted, run, len(set(wanted)))
        stats = shop.stats()
        check(successes(stats) == len(set(wanted)), f"{successes(stats)} writes for {len(set(wanted))} changes")
        check(stats["busiestSecond"] <= 300, f"{stats['busiestSecond']} calls in one second")
    return f"{stopped} times stopped, no write repeated, at most {stats['busiestSecond']} calls in any second of 300"


def two_processes(cartsync, work, options):
    """Two processes on one state folder, started together: one does the work, the other says who has it."""
    refused = 0
    for _ in range(10):
        with Shop(cartsync, work) as shop:
            wanted = [(f"c-{number}", f"cart-{number}") for number in range(60)]
            shop.write_export(wanted)
            both = [shop.start("sync", "--yes", "--rate", "100", shop.export) for _ in range(2)]
            ends = [(process.communicate(timeout=60)[1], process.returncode) for process in both]
            codes = sorted(code for _, code in ends)
            check(codes in ([0, 0], [0, 75]), f"exit statuses {codes}")
            refused += codes.count(75)
            check(all("process" in errors for errors, code in ends if code == 75), "the second does not say who holds it")
            settled_small(shop, wanted)
            check(successes(shop.stats()) == 60, "changes were made twice")
    check(refused > 0, "the second process was never refused")
    return f"{refused} of 10 times the second was refused"


def clock(cartsync, work, options):
    """The wall clock jumps back and forth by days while a run is paced: neither the pace nor the run minds."""
    tool("cc")
    library = os.path.join(work, "jump.so")
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "jump.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    with Shop(cartsync, work) as shop:
        wanted = [(f"c-{number}", f"cart-{number}") for number in range(600)]
        shop.write_export(wanted)
        stamp = os.path.join(shop.folder, "jump")
        with open(stamp, "w") as file:
            file.write("0")
        process = shop.start(
            "sync", "--yes", "--rate", "100", "--deadline", "1h", shop.export,
            environment={"LD_PRELOAD": library, "JUMP": stamp})
        jumps = 0
        begin = time.monotonic()
        for days in (1, -400, 0, 3650, -2, 0):
            time.sleep(0.8)
            if process.poll() is None:
                jumps += 1
            with open(stamp, "w") as file:
                file.write(str(days * 86_400))
        errors = process.communicate(timeout=60)[1]
        took = time.monotonic() - begin
        check(process.returncode == 0, f"exit status {process.returncode}: {errors[-800:]}")
        stats = shop.stats()
        check(stats["busiestSecond"] <= 100, f"{stats['busiestSecond']} calls in one second of 100")
        check(5.5 < took < 9, f"600 calls at 100 a second took {took:.1f} s")
        settled_small(shop, wanted)
        days = {int(at) // 86_400_000 for (at,) in shop.ledger("SELECT at FROM outcome")}
        check(len(days) >= 4, f"the clock did not jump: outcomes are of {len(days)} days")
    return f"{jumps} jumps, {took:.1f} s for 600 calls at 100 a second, at most {stats['busiestSecond']} in one second"


def stalls(cartsync, work, options):
    """A store that accepts and never answers, or trickles a byte at a time: each costs its deadline and no more."""
    with Shop(cartsync, work) as shop:
        wanted = [(f"c-{number}", f"cart-{number}") for number in range(40)]
        shop.write_export(wanted)
        shop.inject(action="stall", operation="create", first=5, count=3)
        shop.inject(action="trickle", seconds=1, operation="create", first=20, count=2)
        begin = time.monotonic()
        shop.run("sync", "--yes", "--rate", "100", shop.export)
        took = time.monotonic() - begin
        check(30 <= took < 75, f"it took {took:.0f} s")
        settled_small(shop, wanted)
    return f"3 stalls and 2 trickles, {took:.0f} s"


def garbage(cartsync, work, options):
    """A store that answers 200 with garbage: nothing of it is believed, and once it speaks again nothing is lost."""
    with Shop(cartsync, work) as shop:
        wanted = [(f"c-{number}", f"cart-{number}") for number in range(40)]
        shop.write_export(wanted)
        for operation, share in (("create", 0.05), ("list", 0.5), ("token", 0.5)):
            shop.inject(action="garbage", operation=operation, share=share)
        finish(shop, "--rate", "100")
        settled_small(shop, wanted)
        shop.mend()
        shop.inject(action="garbage", operation="token", first=1)
        shop.inject(action="garbage", operation="list", first=1)
        status, errors = shop.run("sync", "--yes", "--rate", "100", shop.export, statuses=(69,))
        check("token" in errors or "listing" in errors, f"it does not say what is garbled: {errors[-500:]}")
        settled_small(shop, wanted)
        shop.mend()
        shop.inject(action="garbage", operation="create")
        wanted += [(f"c-{number}", f"cart-{number}") for number in range(40, 80)]
        shop.write_export(wanted)
        status, errors = shop.run("sync", "--yes", "--rate", "100", shop.export, statuses=(69,))
        check("this is not the store" in errors, f"it does not say what answers: {errors[-500:]}")
        shop.mend()
        # Changes that failed are made by the next run of the same export.
        finish(shop, "--rate", "100", statuses=(0, 1))
        finish(shop, "--rate", "100")
        settled_small(shop, wanted)
    return "few are asked again, many stop the run with 69, and the next ones make the rest"
