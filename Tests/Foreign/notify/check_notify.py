#!/usr/bin/env python3
"""Sends messages to aiosmtpd (STARTTLS and a login; TLS from the start) and to a web server, by `cartsync notify test` and by a
service whose export fails.

    check_notify.py PATH-TO-CARTSYNC

Needs aiosmtpd.
"""
import email
import email.policy
import http.server
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

FIXTURES = pathlib.Path(__file__).parents[2] / "CommerceAPITests" / "Fixtures"
found = []


def need(condition, sentence):
    if not condition:
        found.append(sentence)


class Mails:
    """Keeps what comes."""

    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):
        self.mails.append((envelope, session.ssl is not None, session.authenticated))
        return "250 taken"


def login(server, session, envelope, mechanism, data):
    isRight = isinstance(data, LoginPassword) and data.login == b"user" and data.password == b"pass word"
    return AuthResult(success=isRight, handled=False)


def context():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(FIXTURES / "server.pem", FIXTURES / "server-key.pem")
    return tls


def greet():
    with socket.create_connection(("127.0.0.1", 18465)) as plain:
        with ssl._create_unverified_context().wrap_socket(plain) as encrypted:
            encrypted.recv(100)


class Hooks(http.server.BaseHTTPRequestHandler):
    bodies = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Hooks.bodies.append((self.path, json.loads(body)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    cartsync = str(pathlib.Path(arguments[1]).resolve())
    mails, direct = Mails(), Mails()
    starttls = Controller(
        mails, hostname="127.0.0.1", port=18587, tls_context=context(), require_starttls=True, authenticator=login,
        auth_required=True)
    encrypted = Controller(direct, hostname="127.0.0.1", port=18465, ssl_context=context())
    hooks = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hooks)
    threading.Thread(target=hooks.serve_forever, daemon=True).start()
    starttls.start()
    # The controller tries its server out, which needs to trust the certificate.
    encrypted._trigger_server = greet
    encrypted.start()
    try:
        with tempfile.TemporaryDirectory() as work:
            follow(cartsync, pathlib.Path(work), f"http://127.0.0.1:{hooks.server_port}", mails, direct)
    finally:
        starttls.stop()
        encrypted.stop()
        hooks.shutdown()
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        print("mail and webhooks: TLS both ways, a login, a wrong one, and a service whose export fails")
    return 1 if found else 0


def follow(cartsync, work, url, mails, direct):
    mail = {
        "CARTSYNC_NOTIFY_MAIL_TO": "ops@example.com, night@example.com", "CARTSYNC_NOTIFY_MAIL_FROM": "cartsync@example.com",
        "CARTSYNC_NOTIFY_SMTP_CA_FILE": str(FIXTURES / "ca.pem"), "CARTSYNC_API_BASE_URL": "https://store.example",
    }
    def notify(**settings):
        return subprocess.run(
            [cartsync, "notify", "test"], env=dict(os.environ, **{**mail, **settings}), capture_output=True, text=True,
            check=False, cwd=work)

    settings = {"CARTSYNC_NOTIFY_SMTP": "smtp://localhost:18587", "CARTSYNC_NOTIFY_SMTP_USER": "user"}
    sent = notify(**settings, CARTSYNC_NOTIFY_SMTP_PASSWORD="pass word")
    need(sent.returncode == 0, f"the test ended with {sent.returncode}: {sent.stderr}")
    need(len(mails.mails) == 1, f"{len(mails.mails)} mails came")
    if mails.mails:
        envelope, isEncrypted, isKnown = mails.mails[0]
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        need(isEncrypted and isKnown, "it came unencrypted, or without a login")
        need(envelope.rcpt_tos == ["ops@example.com", "night@example.com"], f"to {envelope.rcpt_tos}")
        need(message["Subject"].startswith("cartsync: this is a test"), f"the subject is {message['Subject']}")
        need("https://store.example" in message.get_content(), "the store is missing")
    wrong = notify(**settings, CARTSYNC_NOTIFY_SMTP_PASSWORD="wrong")
    need(wrong.returncode == 69 and "535" in wrong.stderr, f"a wrong login: {wrong.returncode} {wrong.stderr}")
    need("wrong" not in wrong.stderr and "d3Jvbmc" not in wrong.stderr, "the password is shown")
    sent = notify(CARTSYNC_NOTIFY_SMTP="smtps://localhost:18465")
    need(sent.returncode == 0 and len(direct.mails) == 1, f"TLS from the start: {sent.returncode} {sent.stderr}")
    untrusted = notify(CARTSYNC_NOTIFY_SMTP="smtps://localhost:18465", CARTSYNC_NOTIFY_SMTP_CA_FILE=str(
        FIXTURES / "other-name.pem"))
    need(untrusted.returncode == 69 and len(direct.mails) == 1, "a certificate of nobody was believed")

    # A service whose export fails tells all receivers, while it goes on.
    sandbox = subprocess.Popen([cartsync, "sandbox", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    lines = [sandbox.stdout.readline() for _ in range(3)]
    environment = dict(os.environ, **dict(re.findall(r"export (\w+)=(\S+)", "".join(lines))), **mail)
    environment.pop("CARTSYNC_API_BASE_URL")
    environment.update(
        CARTSYNC_NOTIFY_SMTP="smtps://localhost:18465", CARTSYNC_NOTIFY_WEBHOOK=f"{url}/hook",
        CARTSYNC_NOTIFY_SLACK=f"{url}/slack", CARTSYNC_NOTIFY_PAGERDUTY="key", CARTSYNC_NOTIFY_PAGERDUTY_URL=f"{url}/pager")
    (work / "inbox").mkdir()
    (work / "inbox" / "bad.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    service = subprocess.Popen(
        [cartsync, "serve", "--state", work / "state", "--inbox", work / "inbox", "--poll", "300ms", "--settle", "0s",
         "--http", "off"], env=environment, stderr=subprocess.PIPE, text=True, cwd=work)
    try:
        paths = {"/hook", "/slack", "/pager"}
        end = time.monotonic() + 40
        while time.monotonic() < end and not (paths <= {path for path, _ in Hooks.bodies} and len(direct.mails) == 2):
            time.sleep(0.1)
        need({path for path, _ in Hooks.bodies} == paths, f"only {Hooks.bodies} came")
        need(len(direct.mails) == 2, "the mail of the service did not come")
        time.sleep(8)
        need(len(Hooks.bodies) == 3 and len(direct.mails) == 2, "it was told more than once")
    finally:
        service.terminate()
        service.wait()
        sandbox.terminate()
        sandbox.wait()


if __name__ == "__main__":
    sys.exit(main(sys.argv))
