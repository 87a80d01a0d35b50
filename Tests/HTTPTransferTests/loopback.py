# A server on loopback that can misbehave; the path of a request says how. One argument: its settings as JSON.
# It prints the port it listens on, counts what it sees (GET /counts), and ends when its standard input does.
import base64, json, os, socket, sys, threading, time

SETTINGS = json.loads(sys.argv[1])
LOCK = threading.Lock()
COUNTS = {"connections": 0, "requests": [], "left": [], "sent": 0}
GO = threading.Semaphore(0)
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Kind: stream\r\n\r\n"


def read_head(stream):
    lines = []
    while True:
        line = stream.readline(1 << 20)
        if not line:
            return None
        line = line.rstrip(b"\r\n").decode("latin-1")
        if not line:
            return lines
        lines.append(line)


def field(lines, name):
    for line in lines[1:]:
        key, _, value = line.partition(":")
        if key.lower() == name:
            return value.strip()
    return None


def answer(status, body=b"", fields=()):
    lines = ["HTTP/1.1 %d Whatever" % status, *fields, "Content-Length: %d" % len(body), "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def as_json(value):
    return answer(200, json.dumps(value).encode(), ["Content-Type: application/json"])


def wait_for_close(connection):
    while connection.recv(4096):
        pass


def chunk(data):
    return b"%x\r\n%b\r\n" % (len(data), data)


def behave(connection, number, lines, body):
    """Answers one request; returns whether the connection is kept."""
    method, target, _ = lines[0].split(" ")
    path, _, query = target.partition("?")
    send = connection.sendall
    if path == "/counts":
        with LOCK:
            send(as_json(COUNTS))
        return True
    if path == "/echo":
        value = {"method": method, "target": target, "head": lines[1:], "connection": number}
        # The name in the certificate that the client showed.
        peer = connection.getpeercert() if CONTEXT else None
        value["peer"] = peer["subject"][0][0][1] if peer else None
        value["body"] = None if body is None else base64.b64encode(body).decode()
        reply = as_json(value)
        send(reply[: reply.index(b"\r\n\r\n") + 4] if method == "HEAD" else reply)
        return True
    if path == "/slow":
        time.sleep(float(query))
        send(as_json({"connection": number}))
        return True
    if path == "/status":
        send(answer(int(query), b"the body of an error", ["Location: /echo"]))
        return True
    if path == "/fields":
        fields = ["X-First: 1", "Set-Cookie: a=1", "x-second:2  ", "Set-Cookie: b=2", "X-Empty:", "X-Folded: one", "\ttwo"]
        send(answer(200, b"", fields))
        return True
    if path == "/interim":
        send(b"HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        send(answer(200, b"final", ["X-Final: 1"]))
        return True
    if path == "/trailers":
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Late\r\n\r\n")
        send(b"5\r\nhello\r\n0\r\nX-Late: 1\r\n\r\n")
        return True
    if path == "/go":
        GO.release()
        send(answer(200))
        return True
    if path == "/drip":
        # A line, and another each time that /go is asked for; then the end.
        send(CHUNKED)
        for line in range(int(query)):
            send(chunk(b"line %d\n" % line))
            GO.acquire()
        send(b"0\r\n\r\n")
        return True
    if path == "/pair":
        send(CHUNKED + chunk(b"a") + chunk(b"b") + b"0\r\n\r\n")
        return True
    if path == "/flood":
        # Numbered lines of 16 bytes, in pieces of 64 KiB.
        send(CHUNKED)
        for piece in range(int(query) >> 16):
            send(chunk(b"".join(b"%015d\n" % (piece * 4096 + line) for line in range(4096))))
            with LOCK:
                COUNTS["sent"] += 1 << 16
        send(b"0\r\n\r\n")
        return True
    if path == "/nothing":
        return False
    if path == "/stall":
        wait_for_close(connection)
    elif path == "/half":
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
        wait_for_close(connection)
    elif path == "/quiet":
        send(CHUNKED + chunk(b"first\n"))
        try:
            wait_for_close(connection)
        finally:
            with LOCK:
                COUNTS["left"].append(target)
    elif path == "/midline":
        send(CHUNKED + chunk(b"one\ntw"))
    elif path == "/midchunk":
        send(CHUNKED + b"100\r\none\ntw")
    elif path == "/untilclose":
        send(b"HTTP/1.1 200 OK\r\n\r\nall of it")
    elif path == "/early":
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
    elif path == "/length":
        send(b"HTTP/1.1 200 OK\r\nContent-Length: " + query.encode() + b"\r\n\r\n")
        if method == "HEAD":
            return True
        wait_for_close(connection)
    elif path == "/chunks":
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            send(b"400\r\n" + b"x" * 1024 + b"\r\n")
    elif path == "/bigfield":
        send(b"HTTP/1.1 200 OK\r\nX-Big: " + b"x" * int(query) + b"\r\nContent-Length: 0\r\n\r\n")
    elif path == "/manyfields":
        send(b"HTTP/1.1 200 OK\r\n" + b"X-Many: 1\r\n" * int(query) + b"Content-Length: 0\r\n\r\n")
    elif path == "/interims":
        while True:
            send(b"HTTP/1.1 103 Early Hints\r\nLink: </" + b"x" * 500 + b">\r\n\r\n")
    elif path == "/garbage":
        send(b"SSH-2.0-surprise token=tok-from-server\r\n\r\n")
    elif path == "/badlength":
        send(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n")
    return False


def proxy(connection, lines, stream):
    """Plays a proxy for one request; returns whether it was one for a proxy."""
    method, target, _ = lines[0].split(" ")
    if target.startswith("/"):
        return False
    mode = SETTINGS["proxy"]
    if mode.startswith("auth ") and field(lines, "proxy-authorization") != "Basic " + mode[5:]:
        connection.sendall(answer(407, b"who are you", ['Proxy-Authenticate: Basic realm="x"', "X-Proxy: 1"]))
    elif mode == "deny":
        connection.sendall(answer(403, b"not there"))
    elif mode == "close":
        pass
    elif method == "CONNECT":
        host, _, port = target.rpartition(":")
        upstream = socket.create_connection((host, int(port)))
        connection.sendall(b"HTTP/1.1 200 Connection established\r\nX-Proxy: 1\r\n\r\n")
        threading.Thread(target=splice, args=(upstream, connection), daemon=True).start()
        splice(connection, upstream)
    else:
        connection.sendall(as_json({"via": "proxy", "target": target, "head": lines[1:]}))
    return True


def splice(source, sink):
    try:
        while True:
            data = source.recv(65536)
            if not data:
                break
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def frame(kind, flags, stream, payload=b""):
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def http2(connection, stream, number):
    """Just enough HTTP/2 (RFC 9113): every request is answered with 200 and the connection's number."""
    stream.read(24)
    connection.sendall(frame(4, 0, 0))
    while True:
        head = stream.read(9)
        if len(head) < 9:
            return
        stream.read(int.from_bytes(head[:3], "big"))
        kind, flags, id = head[3], head[4], int.from_bytes(head[5:], "big")
        if kind == 4 and not flags & 1:
            connection.sendall(frame(4, 1, 0))
        if kind in (0, 1) and flags & 1:
            with LOCK:
                COUNTS["requests"].append("h2")
            # 0x88 is ":status: 200" in HPACK's static table.
            connection.sendall(frame(1, 4, id, b"\x88") + frame(0, 1, id, str(number).encode()))


def serve(connection):
    try:
        with LOCK:
            COUNTS["connections"] += 1
            number = COUNTS["connections"]
        if SETTINGS.get("mute"):
            wait_for_close(connection)
            return
        if "greeting" in SETTINGS:
            connection.sendall(SETTINGS["greeting"].encode())
            wait_for_close(connection)
            return
        if CONTEXT:
            raw = os.dup(connection.fileno())
            connection = CONTEXT.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            try:
                connection.do_handshake()
            except OSError:
                # Unread bytes would make the kernel reset the connection, and the alert might be lost.
                while os.read(raw, 4096):
                    pass
                return
            finally:
                os.close(raw)
        stream = connection.makefile("rb")
        if CONTEXT and connection.selected_alpn_protocol() == "h2":
            return http2(connection, stream, number)
        while True:
            lines = read_head(stream)
            if not lines:
                return
            length = field(lines, "content-length")
            body = None if length is None else stream.read(int(length))
            with LOCK:
                if " /counts " not in lines[0]:
                    COUNTS["requests"].append(lines[0].rpartition(" ")[0])
            if SETTINGS.get("proxy") and proxy(connection, lines, stream):
                return
            if not behave(connection, number, lines, body):
                return
    except (OSError, ValueError):
        pass
    finally:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        connection.close()


CONTEXT = None
if "certificate" in SETTINGS:
    import ssl

    CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    CONTEXT.load_cert_chain(SETTINGS["certificate"], SETTINGS["key"])
    if "clientCA" in SETTINGS:
        CONTEXT.verify_mode = ssl.CERT_REQUIRED
        CONTEXT.load_verify_locations(SETTINGS["clientCA"])
    if "maximumTLS" in SETTINGS:
        CONTEXT.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
        CONTEXT.set_ciphers("ALL:@SECLEVEL=0")
        CONTEXT.maximum_version = getattr(ssl.TLSVersion, SETTINGS["maximumTLS"])
    if "alpn" in SETTINGS:
        CONTEXT.set_alpn_protocols([SETTINGS["alpn"]])

if "unix" in SETTINGS:
    LISTENER = socket.socket(socket.AF_UNIX)
    LISTENER.bind(SETTINGS["unix"])
else:
    LISTENER = socket.socket()
    LISTENER.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    LISTENER.bind(("127.0.0.1", SETTINGS.get("port", 0)))
LISTENER.listen(128)


def accept():
    while True:
        connection, _ = LISTENER.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


threading.Thread(target=accept, daemon=True).start()
print(0 if "unix" in SETTINGS else LISTENER.getsockname()[1], flush=True)
sys.stdin.read()
os._exit(0)
