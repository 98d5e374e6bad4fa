#!/usr/bin/env python3
"""Runs a sync that is traced, and reads what comes with OpenTelemetry's own protocol definitions.

    check_traces.py PATH-TO-CARTSYNC

Needs opentelemetry-proto and opentelemetry-semantic-conventions.
"""
import base64
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv.attributes import error_attributes, http_attributes, server_attributes, url_attributes

found = []


def need(condition, sentence):
    if not condition:
        found.append(sentence)


class Collector(http.server.BaseHTTPRequestHandler):
    requests = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Collector.requests.append((self.path, dict(self.headers), body))
        answer = b"{}"
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


def read(body):
    """The request as OpenTelemetry's definitions have it; a field that they do not know is an error.

    OTLP writes identifiers in hexadecimal, where JSON of protobuf has base64 (opentelemetry.io, OTLP, "JSON Protobuf Encoding").
    """
    def recoded(value):
        if isinstance(value, dict):
            return {
                key: base64.b64encode(bytes.fromhex(item)).decode()
                if key in ("traceId", "spanId", "parentSpanId") else recoded(item) for key, item in value.items()}
        return [recoded(item) for item in value] if isinstance(value, list) else value

    return json_format.ParseDict(recoded(json.loads(body)), ExportTraceServiceRequest())


def attributes(of):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in of.attributes}


def main(arguments):
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 64
    cartsync = str(pathlib.Path(arguments[1]).resolve())
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sandbox = subprocess.Popen([cartsync, "sandbox", "--port", "0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        lines = [sandbox.stdout.readline() for _ in range(3)]
        store = dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
        with tempfile.TemporaryDirectory() as work:
            follow(cartsync, pathlib.Path(work), store, f"http://127.0.0.1:{server.server_port}")
    finally:
        sandbox.terminate()
        sandbox.wait()
        server.shutdown()
    for sentence in found:
        print(sentence, file=sys.stderr)
    if not found:
        print("a run is a trace that OpenTelemetry's own definitions read: identifiers, parents, times, attributes, headers")
    return 1 if found else 0


def follow(cartsync, work, store, url):
    rows = "".join(f"customer-{number},cart-{number}\n" for number in range(1, 61))
    (work / "e.csv").write_text("customer_id,cart_id\n" + rows)
    environment = dict(
        os.environ, **store, CARTSYNC_STATE_DIRECTORY=str(work / "state"), OTEL_EXPORTER_OTLP_ENDPOINT=url,
        OTEL_EXPORTER_OTLP_HEADERS="x-tenant=shop%20one", OTEL_RESOURCE_ATTRIBUTES="deployment.environment.name=test")
    run = subprocess.run(
        [cartsync, "sync", "--yes", "--rate", "40", "e.csv"], env=environment, cwd=work, capture_output=True, text=True,
        check=False)
    need(run.returncode == 0, f"the run ended with {run.returncode}: {run.stderr}")
    need(Collector.requests, "nothing came")
    if not Collector.requests:
        return
    need(all(path == "/v1/traces" for path, _, _ in Collector.requests), "not at /v1/traces")
    need(all(headers.get("x-tenant") == "shop one" for _, headers, _ in Collector.requests), "a header is missing")
    spans = []
    for _, _, body in Collector.requests:
        for resource in read(body).resource_spans:
            known = attributes(resource.resource)
            need(known.get("service.name") == "cartsync" and known.get("deployment.environment.name") == "test", f"{known}")
            for scope in resource.scope_spans:
                need(scope.scope.name == "cartsync" and scope.scope.version, "the scope has no name or version")
                spans += scope.spans
    roots = [span for span in spans if not span.parent_span_id]
    need(len(roots) == 1 and roots[0].name == "run", f"roots: {[span.name for span in roots]}")
    ids = {span.span_id for span in spans}
    need(len(ids) == len(spans) and all(len(one) == 8 for one in ids), "span ids are not unique, or not of 8 bytes")
    need({len(span.trace_id) for span in spans} == {16} and len({span.trace_id for span in spans}) == 1, "not one trace")
    need(all(not span.parent_span_id or span.parent_span_id in ids for span in spans), "a parent is missing")
    by = {span.span_id: span for span in spans}
    for span in spans:
        need(0 < span.start_time_unix_nano <= span.end_time_unix_nano, f"{span.name} ends before it begins")
        if span.parent_span_id:
            outer = by[span.parent_span_id]
            # The clocks of a call and of its stage are read one after the other.
            need(outer.start_time_unix_nano - 10_000_000 <= span.start_time_unix_nano
                 and span.end_time_unix_nano <= outer.end_time_unix_nano + 10_000_000, f"{span.name} is not within {outer.name}")
    calls = [span for span in spans if span.kind == Span.SPAN_KIND_CLIENT]
    need(2 <= len(calls) <= 40, f"{len(calls)} calls are recorded")
    for call in calls:
        known = attributes(call)
        for key in (
                http_attributes.HTTP_REQUEST_METHOD, http_attributes.HTTP_RESPONSE_STATUS_CODE, server_attributes.SERVER_ADDRESS,
                server_attributes.SERVER_PORT, url_attributes.URL_FULL):
            need(key in known, f"{call.name} has no {key}")
        need((error_attributes.ERROR_TYPE in known) == (call.status.code == Status.STATUS_CODE_ERROR), f"{call.name}: {known}")
        need(call.name == f"{known['http.request.method']} {known['url.template']}", f"{call.name} is another name")
    text = b"".join(body for _, _, body in Collector.requests).decode()
    for word in ("customer-1", "cart-1", "?", store["EPCC_CLIENT_SECRET"], "Bearer"):
        need(word not in text, f"a trace has {word}")


if __name__ == "__main__":
    sys.exit(main(sys.argv))
