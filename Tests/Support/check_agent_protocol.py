"""Listens to what a replay and its agents say to each other, and checks it against the schema.

    python check_agent_protocol.py tee FILE COMMAND…     stands before a process that speaks the protocol on its streams
    python check_agent_protocol.py proxy FILE PORT       stands before an agent at PORT of 127.0.0.1; prints its own port
    python check_agent_protocol.py check SCHEMA FILE…    prints how many messages of each kind there were

tee and proxy write each message to FILE, as {"kind": KIND, "message": …} on a line. A message is checked against the
definition of its own kind, not against any that fits. Exit status: 0 when all is well, 1 with the reason when not.
"""

import collections
import http.client
import http.server
import json
import subprocess
import sys
import threading

KINDS = {"run": "request", "result": "answer", "tool_call": "tool_call", "tool_result": "tool_result",
         "evaluate": "evaluation", "score": "score"}
lock = threading.Lock()


def note(path, kind, message):
    with lock, open(path, "a", encoding="utf-8") as file:
        file.write(json.dumps({"kind": kind, "message": message}) + "\n")


def tee(path, command):
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def copy(source, target):
        for line in source:
            message = json.loads(line)
            note(path, KINDS[message["type"]], message)
            target.write(line)
            target.flush()
        target.close()

    threading.Thread(target=copy, args=(sys.stdin.buffer, child.stdin), daemon=True).start()
    copy(child.stdout, sys.stdout.buffer)
    return child.wait()


def proxy(path, port):
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            note(path, "request", json.loads(body))
            upstream = http.client.HTTPConnection("127.0.0.1", port)
            upstream.request("POST", self.path, body, {"content-type": "application/json"})
            answer = upstream.getresponse()
            content = answer.read()
            note(path, "answer", json.loads(content))
            self.send_response(answer.status)
            self.send_header("content-type", answer.headers["content-type"])
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            upstream.close()

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_port, flush=True)
    server.serve_forever()


def check(schema_path, paths):
    import jsonschema

    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    counts = collections.Counter()
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                entry = json.loads(line)
                kind, message = entry["kind"], entry["message"]
                validator = jsonschema.Draft202012Validator(
                    {"$defs": schema["$defs"], "$ref": f"#/$defs/{kind}", "type": "object"})
                for error in validator.iter_errors(message):
                    raise ValueError(f"{kind} {error.json_path}: {error.message[:300]}")
                # What the product writes is described without gaps; others may say more.
                if kind in ("request", "evaluation", "tool_result"):
                    unknown = set(message) - set(schema["$defs"][kind]["properties"])
                    if unknown:
                        raise ValueError(f"{kind} has {', '.join(sorted(unknown))}, which the schema does not know")
                counts[kind] += 1
    print(json.dumps(counts))


match sys.argv[1:]:
    case ["tee", path, *command]:
        sys.exit(tee(path, command))
    case ["proxy", path, port]:
        proxy(path, int(port))
    case ["check", schema_path, *paths]:
        try:
            check(schema_path, paths)
        except ValueError as error:
            print(error)
            sys.exit(1)
    case _:
        sys.exit(__doc__)
