"""The agent of exec_agent.py behind HTTP: a POST with the run, the answer in its response.

    python3 Fixtures/agents/http_agent.py 8090
    outrigger replay --traces Fixtures/agents/traces.jsonl --candidate http://127.0.0.1:8090/run --no-export

Port 0 takes any free one. The port is printed. With a certificate and its key, as PEM files, it speaks TLS:

    python3 Fixtures/agents/http_agent.py 8443 server.pem server.key
"""

import http.server
import json
import ssl
import sys

from exec_agent import answer


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body by one write: two would wait for each other, 40 ms on a connection that is kept.
    wbufsize = -1

    def do_POST(self):
        if self.path != "/run":
            return self.send_error(404)
        run = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if "x-outrigger-tools" in self.headers:
            # Behind a sidecar: its tool gateway, and the token of this run.
            run["tools_url"] = self.headers["x-outrigger-tools"]
            run["tools_token"] = self.headers["x-outrigger-run-token"]
            run["traceparent"] = self.headers["traceparent"]
        try:
            result = answer(run)
        except Exception as error:
            result = {"error": str(error)}
        body = json.dumps(result).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


# One thread for each connection: a replay asks several things at once.
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
if len(sys.argv) > 3:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
print(server.server_port, flush=True)
server.serve_forever()
