"""Reads an Outrigger ledger's database, an export, and files of checkpoints, for verify_ledger.py."""
import json, sqlite3, urllib.parse
from ledger_index import Index
FIELDS = ("number time kind trace_id span_id run_id request_id arm mode agent release_version release_digest "
          "rollout_revision tool effect verdict reason refers arguments_size arguments_digest arguments_kept "
          "result_size result_digest result_kept duration outcome").split()
NUMBERS = {"number", "time", "rollout_revision", "refers", "arguments_size", "result_size", "duration"}
BYTES = {"trace_id", "span_id", "arguments_digest", "arguments_kept", "result_digest", "result_kept"}

class Bad(Exception): pass

def read_database(path):
    db = sqlite3.connect(f"file:{urllib.parse.quote(path)}?mode=ro", uri=True)
    rest = db.execute("SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger')").fetchone()[0]
    (ledger, base, start, frontier), *more = db.execute("SELECT id, base_count, base_hash, base_frontier FROM ledger")
    if rest or more: raise Bad("unreadable", None)
    if not db.execute("PRAGMA user_version").fetchone()[0]: raise Bad("unreadable", None)
    checkpoints = [dict(zip(("count", "time", "last_hash", "root", "public_key", "signature", "frontier"), row), ledger=ledger)
                   for row in db.execute("SELECT count, time, last_hash, root, public_key, signature, frontier FROM checkpoints ORDER BY count")]
    contents = {number: texts for number, *texts in db.execute("SELECT * FROM contents")}
    index = Index(FIELDS, BYTES, base)
    def rows():
        for row in db.execute(f"SELECT {', '.join(FIELDS)}, hash FROM entries ORDER BY number"):
            index.add(row)
            yield dict(zip(FIELDS, row)), row[-1], None, None, contents.pop(row[0], None)
        if contents: raise Bad("content", min(contents))
    def check_rest():
        if (wrong := index.first_difference(db)) is not None: raise Bad("index", wrong)
        if db.execute("PRAGMA quick_check(1)").fetchone()[0] != "ok": raise Bad("unreadable", None)   # what a search does not find
    return ledger, base, start, frontier, True, True, checkpoints, rows(), check_rest

def read_checkpoint(line):
    return {key: value if key in ("count", "time") else bytes.fromhex(value) for key, value in line.items()}

def read_export(path):
    lines = [json.loads(line) for line in open(path, encoding="utf-8")]
    head, base = lines[0], lines[0]["base"]
    checkpoints = [read_checkpoint(line["checkpoint"]) for line in lines if "checkpoint" in line]
    def rows():
        for line in (line["entry"] for line in lines if "entry" in line):
            entry = {key: bytes.fromhex(value) if key in BYTES else value for key, value in line.items() if key in FIELDS}
            texts = [line[f"{what}_content"].encode() if f"{what}_content" in line else
                     bytes.fromhex(line[f"{what}_hex"]) if f"{what}_hex" in line else None for what in ("arguments", "result")]
            yield entry, bytes.fromhex(line["hash"]), bytes.fromhex(line["previous"]), line.get("proof"), texts if any(t is not None for t in texts) else None
    return (bytes.fromhex(head["ledger"]), base["count"], bytes.fromhex(base["hash"]), bytes.fromhex(base["frontier"]),
            head["complete"], head["content"], checkpoints, rows(), lambda: None)
