# A collector of spans on loopback that reads requests with OpenTelemetry's own message definitions, and keeps books.
#
# OTLP's JSON writes ids in hexadecimal where the JSON of protobuf has base64 (opentelemetry.io/docs/specs/otlp,
# "JSON Protobuf Encoding"), so ids are checked and converted before the definitions read the rest.
#
# POST /v1/traces takes, /busy/N says 503 to the first N requests and takes the others, /reject says 400,
# /partial takes all but two spans. What was taken is a line of JSON each on standard output.

import base64
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

lock = threading.Lock()
busy = {}


def say(what):
    with lock:
        print(json.dumps(what), flush=True)


def from_hex(text, size):
    if not re.fullmatch("[0-9a-f]{%d}" % (2 * size), text) or set(text) == {"0"}:
        raise ValueError("no id of %d bytes: %r" % (size, text))
    return base64.b64encode(bytes.fromhex(text)).decode()


def spans_of(body):
    document = json.loads(body)
    for resource in document["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for holder in [span] + span.get("links", []):
                    holder["traceId"] = from_hex(holder["traceId"], 16)
                    holder["spanId"] = from_hex(holder["spanId"], 8)
                if "parentSpanId" in span:
                    span["parentSpanId"] = from_hex(span["parentSpanId"], 8)
    # Unknown fields and wrong types are errors.
    request = json_format.ParseDict(document, ExportTraceServiceRequest())
    for resource in request.resource_spans:
        attributes = {a.key: a.value.string_value for a in resource.resource.attributes}
        for scope in resource.scope_spans:
            for span in scope.spans:
                if span.end_time_unix_nano < span.start_time_unix_nano or span.start_time_unix_nano < 10**18:
                    raise ValueError("the times of %r can't be" % span.name)
                yield {
                    "resource": attributes,
                    "scope": [scope.scope.name, scope.scope.version],
                    "trace": span.trace_id.hex(),
                    "id": span.span_id.hex(),
                    "parent": span.parent_span_id.hex(),
                    "state": span.trace_state,
                    "flags": span.flags,
                    "name": span.name,
                    "kind": span.kind,
                    "status": span.status.code,
                    "links": [link.trace_id.hex() for link in span.links],
                    "events": [event.name for event in span.events],
                    "attributes": {a.key: value(a.value) for a in span.attributes},
                }


def value(any_value):
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(element) for element in any_value.array_value.values]
    return getattr(any_value, kind)


class Collector(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def answer(self, status, body=b"{}", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "traceparent" in self.headers or self.headers["Content-Type"] != "application/json":
            say({"problem": "headers: %s" % self.headers})
            return self.answer(400)
        if self.path == "/reject":
            say({"rejected": True})
            return self.answer(400)
        if self.path.startswith("/busy/"):
            with lock:
                busy[self.path] = busy.get(self.path, 0) + 1
                count = busy[self.path]
            if count <= int(self.path.split("/")[2]):
                return self.answer(503, headers=[("Retry-After", "0")])
        try:
            for span in spans_of(body):
                say(span)
        except Exception as problem:
            say({"problem": str(problem)})
            return self.answer(400)
        if self.path == "/partial":
            return self.answer(200, b'{"partialSuccess":{"rejectedSpans":"2","errorMessage":"no"}}')
        self.answer(200)


server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
say({"port": server.server_address[1]})
threading.Thread(target=lambda: (sys.stdin.read(), server.shutdown()), daemon=True).start()
server.serve_forever()
