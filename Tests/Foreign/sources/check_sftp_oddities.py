#!/usr/bin/env python3
"""A service fetches exports from SFTP servers that are not OpenSSH's: no types, other long names, failures.

    check_sftp_oddities.py PATH-TO-CARTSYNC

The server is this file, called `ssh` in PATH: it speaks version 3 of SFTP by its standard input and output, as the draft has
it (draft-ietf-secsh-filexfer-02), and how oddly, a file says.
"""
import json
import os
import struct
import sys
import tempfile
import time


def serve(folder):
    """Answers one session. `oddities.json` beside the folder is read at its beginning."""
    with open(f"{folder}/../oddities.json") as file:
        odd = json.load(file)
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    handles = {}

    def text(data):
        return struct.pack(">I", len(data)) + data

    def local(path):
        return os.fsencode(folder) + path.removeprefix(b"/exports")

    def attributes(path, is_listed):
        status = os.lstat(path)
        flags, body = 1 | 8, struct.pack(">Q", status.st_size)
        if not (is_listed and odd.get("no permissions")) and not odd.get("never permissions"):
            flags |= 4
            body += struct.pack(">I", status.st_mode)
        return struct.pack(">I", flags) + body + struct.pack(">II", int(status.st_atime), int(status.st_mtime))

    def answer(kind, body):
        sink.write(struct.pack(">IB", len(body) + 1, kind) + body)
        sink.flush()

    def status(number, code):
        answer(101, number + struct.pack(">I", code) + (b"" if odd.get("no messages") else text(b"so it is") + text(b"")))

    if "talk" in odd:
        sink.write(odd["talk"].encode())
        sink.flush()
    while header := source.read(5):
        length, kind = struct.unpack(">IB", header)
        body = source.read(length - 1)
        if kind == 1:
            answer(2, struct.pack(">I", 3) + text(b"vendor@example") + text(b"1"))
            continue
        number, size = body[:4], struct.unpack(">I", body[4:8])[0]
        subject, rest = body[8:8 + size], body[8 + size:]
        try:
            if kind == 11:
                names = [b".", b".."] + os.listdir(local(subject))
                handles[b"%d" % len(handles)] = names
                answer(102, number + text(b"%d" % (len(handles) - 1)))
            elif kind == 12:
                names = handles[subject][:2]
                handles[subject] = handles[subject][2:]
                if "listing status" in odd and not names == [b".", b".."]:
                    status(number, odd["listing status"])
                elif not names:
                    status(number, 1)
                else:
                    entries = b"".join(
                        text(name) + text(b"A  5 " + name + b" 21.11.2026") + attributes(os.fsencode(folder) + b"/" + name, True)
                        for name in names)
                    answer(104, number + struct.pack(">I", len(names)) + entries)
            elif kind == 3:
                handles[b"%d" % len(handles)] = open(local(subject), "rb")
                answer(102, number + text(b"%d" % (len(handles) - 1)))
            elif kind == 5:
                offset, count = struct.unpack(">QI", rest)
                data = os.pread(handles[subject].fileno(), min(count, odd.get("most", count)), offset)
                answer(103, number + text(data)) if data else status(number, 1)
            elif kind in (7, 8):
                path = local(subject) if kind == 7 else handles[subject].name
                answer(105, number + attributes(path, False))
            else:
                status(number, 0)
        except PermissionError:
            status(number, 3)
        except FileNotFoundError:
            status(number, 2)
        except OSError:
            status(number, 4)


def main():
    from service import Service, expect, wait_for

    cartsync = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="cartsync-sftp-") as work:
        remote = f"{work}/exports"
        os.mkdir(remote)
        os.mkdir(f"{work}/bin")
        with open(f"{work}/bin/ssh", "w") as file:
            file.write(f"#!/bin/sh\nexec '{sys.executable}' '{os.path.abspath(__file__)}' --serve '{remote}'\n")
        os.chmod(f"{work}/bin/ssh", 0o755)
        variables = {"PATH": f"{work}/bin:{os.environ['PATH']}"}
        settings = {"source.sftp": "sftp://partner/exports", "source.poll": "300ms", "source.settle": "1s"}

        def be(**oddities):
            with open(f"{work}/oddities.new", "w") as file:
                json.dump({key.replace("_", " "): value for key, value in oddities.items()}, file)
            os.rename(f"{work}/oddities.new", f"{work}/oddities.json")

        def put(name, count, age=0):
            with open(f"{remote}/.new", "w") as file:
                file.write("customer_id,cart_id\n" + "".join(f"c-{number},cart-{number}\n" for number in range(count)))
            os.utime(f"{remote}/.new", (time.time() - age,) * 2)
            os.rename(f"{remote}/.new", f"{remote}/{name}")

        os.mkdir(f"{remote}/folder.csv")
        put("old [1]*.csv", 5, age=300 * 86_400)
        put("first ü?.csv", 1000, age=60)
        be(no_permissions=True, no_messages=True, most=1000)
        service = Service(cartsync, work, settings, variables=variables)
        try:
            service.wait_for_associations(1000)
            wait_for("both are filed away", lambda: "first ü?.csv" in service.names("done")
                     and "old [1]*.csv" in service.names("superseded"), otherwise=service.log)

            # No types at all: what opens as a folder is one.
            be(never_permissions=True)
            put("second.csv", 1100, age=30)
            service.wait_for_associations(1100)

            # A listing that fails is no empty folder: nothing is forgotten, and nothing fetched again.
            for code in (4, 3, 99):
                be(listing_status=code)
                wait_for(f"readiness tells of status {code}", lambda: "the folder cannot be read" in service.ready(),
                         otherwise=service.ready)
                be()
                wait_for("the service is ready again", lambda: '"isReady":true' in service.ready(), otherwise=service.ready)
            be(talk="Welcome to the files of Example\n")
            wait_for("readiness shows the greeting", lambda: "'Welcome to the files of Example' came in place" in service.ready(),
                     otherwise=service.ready)
            be()
            put("third.csv", 1200)
            service.wait_for_associations(1200, seconds=60)
            fetched = service.log().count("msg=fetched")
            expect(fetched == 4, f"{fetched} exports were fetched, of 4")
        finally:
            service.stop()
    print("exports come from odd servers of SFTP, each once, and a listing that fails is never empty")


if sys.argv[1] == "--serve":
    serve(sys.argv[2])
else:
    main()
