#!/usr/bin/env python3
"""A service fetches an export from a server that wants a client certificate, and from none that speaks TLS 1.1.

    check_tls.py PATH-TO-CARTSYNC

Needs openssl (Debian's openssl).
"""
import http.server
import os
import ssl
import subprocess
import sys
import tempfile
import threading

from service import Service, expect, wait_for


def certificates(work):
    """An authority, and what it has signed for the server and for us."""
    def openssl(*words):
        subprocess.run(["openssl", *words], check=True, cwd=work, stderr=subprocess.DEVNULL)

    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority", "-days", "2")
    for name in ("server", "client"):
        openssl("req", *curve, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        with open(f"{work}/{name}.ext", "w") as file:
            file.write("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out",
                f"{name}.pem", "-days", "2", "-extfile", f"{name}.ext")


class Export(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b"customer_id,cart_id\n" + b"".join(b"c-%d,cart-%d\n" % (n, n) for n in range(7))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serve(work, most=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if most:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, most
    else:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(f"{work}/ca.pem")
    context.load_cert_chain(f"{work}/server.pem", f"{work}/server.key")

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, *_):
            pass

    server = Server(("127.0.0.1", 0), Export)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"https://localhost:{server.server_port}/customers.csv"


def main():
    cartsync = os.path.abspath(sys.argv[1])
    with tempfile.TemporaryDirectory(prefix="cartsync-tls-") as work:
        certificates(work)
        trusted = {"source.ca-file": f"{work}/ca.pem", "source.poll": "300ms"}
        ours = {"source.certificate": f"{work}/client.pem", "source.key": f"{work}/client.key"}
        url, old = serve(work), serve(work, most=ssl.TLSVersion.TLSv1_1)
        service = None
        try:
            for name, settings in (
                ("nobody's authority", {**ours, "source.url": url, "source.poll": "300ms"}),
                ("no certificate of ours", {**trusted, "source.url": url}),
                ("TLS 1.1", {**trusted, **ours, "source.url": old}),
            ):
                service = Service(cartsync, work, settings)
                wait_for(f"{name} is refused", lambda: "the source cannot be read" in service.ready(), otherwise=service.ready)
                service.stop()
            service = Service(cartsync, work, {**trusted, **ours, "source.url": url})
            service.wait_for_associations(7)
            service.stop()
            # A server of TLS 1.1 alone answers those who speak it, so that it was ours that did not.
            context = ssl.create_default_context(cafile=f"{work}/ca.pem")
            context.set_ciphers("ALL:@SECLEVEL=0")
            context.minimum_version = ssl.TLSVersion.TLSv1
            import urllib.request
            expect(urllib.request.urlopen(old, context=context).status == 200, "the server of TLS 1.1 answers nobody")
        finally:
            if service:
                service.stop()
    print("exports come over TLS 1.2 and later, with a certificate of ours for who asks")


main()
