"""Verifies an Outrigger ledger, or an export of one, by the README's description alone.

    verify_ledger.py LEDGER.db|EXPORT.jsonl [--public-key HEX] [--digest-key HEX] [--checkpoints FILE]

Prints {"problem": null | what, "entry": the first bad entry, ...}; exit status 0 when all is well, 1 when not. How many entries came
after the last checkpoint, so that nothing proves that they are the ledger's, is told as "unproven"; kept content is held against
its digests only with the digest key ("contents_checked"); an entry of an export that a
checkpoint covers, and that has no proof, is bad.
"""
import argparse, hashlib, hmac, json, sqlite3, struct, sys
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from ledger_files import BYTES, FIELDS, NUMBERS, Bad, read_checkpoint, read_database, read_export
def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()
def leaf(h): return sha(b"\0", h)
def node(left, right): return sha(b"\1", left, right)

def encode(entry):
    out = [b"\1"]
    for name in FIELDS:
        value = entry.get(name)
        if value is None: raw = b""
        elif name in NUMBERS:
            if type(value) is not int or value < 0: raise Bad("changed", entry["number"])
            raw = struct.pack(">Q", value)
        elif isinstance(value, bytes) == (name in BYTES): raw = value if name in BYTES else value.encode()
        else: raise Bad("changed", entry["number"])
        if value is not None and not raw: raise Bad("changed", entry["number"])
        out += [struct.pack(">I", len(raw)), raw]
    return b"".join(out)

def split(frontier): return [frontier[i:i + 32] for i in range(0, len(frontier), 32)]
def root(peaks):
    if not peaks: return sha()
    result = peaks[-1]
    for peak in reversed(peaks[:-1]): result = node(peak, result)
    return result

def follow(path, index, size, digest):                      # RFC 9162, section 2.1.3.2
    last = size - 1
    for sibling in path:
        if last == 0: return None
        if index & 1 or index == last:
            digest = node(sibling, digest)
            while not index & 1 and index: index >>= 1; last >>= 1
        else: digest = node(digest, sibling)
        index >>= 1; last >>= 1
    return digest if last == 0 else None

def verify(source, key, digest_key, filed, uncovered):
    ledger, base, previous, frontier, complete, has_content, checkpoints, rows, check_rest = source
    if base == 0 and previous != sha(b"outrigger/ledger/1/genesis\0", ledger): raise Bad("other_ledger", None)
    for c in checkpoints:
        peaks = split(c.get("frontier", b""))
        if "frontier" in c and (len(peaks) != c["count"].bit_count() or root(peaks) != c["root"]): raise Bad("checkpoint", c["count"])
    provable, unproven = max((c["count"] for c in checkpoints), default=0), []
    checkpoints = sorted(checkpoints + filed, key=lambda c: c["count"])
    for c in checkpoints:
        if c["ledger"] != ledger: raise Bad("other_ledger", None)
        message = b"outrigger/ledger/1/checkpoint\0" + ledger + struct.pack(">QQ", c["count"], c["time"]) + c["last_hash"] + c["root"]
        try: c["signature"] and Ed25519PublicKey.from_public_bytes(c["public_key"]).verify(c["signature"], message)
        except (InvalidSignature, ValueError): raise Bad("checkpoint", c["count"])
        if key and (c["public_key"] != key or not c["signature"]): raise Bad("signer", c["count"])
    peaks = split(frontier)
    if base and not any((c["count"], c["last_hash"], c["root"]) == (base, previous, root(peaks)) for c in checkpoints): raise Bad("base", base)
    count, covered, seen, bare, erased, pruned, good = base, base, 0, set(), set(), None, 0
    pending = [c for c in checkpoints if c["count"] >= base]
    def settle():
        nonlocal covered, good
        while complete and pending and pending[0]["count"] == count:
            if (pending[0]["last_hash"], pending[0]["root"]) != (previous, root(peaks)): raise Bad("rewritten", min(covered + 1, count))
            covered, good = pending.pop(0)["count"], good + 1
            bare.difference_update(erased)
            erased.clear()
    settle()
    for entry, stored, told, proof, texts in rows:
        number = entry["number"]
        if complete and number != count + 1: raise Bad("missing", count + 1)
        if not complete and (number <= count or not proof and number <= provable): raise Bad("proof", number)
        if not complete and not proof: unproven.append(number)      # it came after the last checkpoint, or is said to
        if told is not None and complete and told != previous: raise Bad("changed", number)
        digest = sha(b"outrigger/ledger/1/entry\0", previous if complete else told, encode(entry))
        if digest != stored: raise Bad("changed", number)
        previous, count, seen = digest, number, seen + 1
        peak, n = leaf(digest), number - 1
        while complete and n & 1: peak, n = node(peaks.pop(), peak), n >> 1
        peaks.append(peak)
        if proof:
            path = [bytes.fromhex(p) for p in proof["path"]]
            known = [c["root"] for c in checkpoints if c["count"] == proof["size"]]
            if not known or follow(path, number - 1, proof["size"], leaf(digest)) not in known: raise Bad("proof", number)
        kept = [entry.get("arguments_kept"), entry.get("result_kept")]
        if texts is None and any(kept): bare.add(number)
        elif texts is not None:
            for mark, text in zip(kept, texts):
                if (mark is None) != (text is None): raise Bad("content", number)
                if mark and digest_key and hmac.digest(digest_key, text, "sha256") != mark: raise Bad("content", number)
        if entry["kind"] == "erasure": erased.add(entry.get("refers"))
        if entry["kind"] == "pruning" and entry.get("refers") == base: pruned = number
        settle()
    if complete and pending: raise Bad("cut", count + 1)
    if not key: bare -= erased
    if complete and base and (pruned is None or key and pruned > covered): raise Bad("base", base)
    if key and seen and not (good if complete else checkpoints): raise Bad("signer", covered + 1)
    if key and complete and count - covered > uncovered: raise Bad("signer", covered + 1)
    if key and len(unproven) > uncovered: raise Bad("signer", unproven[0])
    if complete and has_content and bare: raise Bad("erased", min(bare))
    check_rest()
    unproven = count - covered if complete else len(unproven)
    return {"problem": None, "entry": None, "entries": seen, "covered": covered, "unproven": unproven, "contents_checked": digest_key is not None}
if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    for name, form in ("path", str), ("--public-key", bytes.fromhex), ("--digest-key", bytes.fromhex), ("--checkpoints", str):
        parser.add_argument(name, type=form)
    parser.add_argument("--allow-uncovered", type=int, default=10_000)
    args = parser.parse_args()
    try:
        lines = list(open(args.checkpoints)) if args.checkpoints else []   # a line that was never ended is none
        filed = [read_checkpoint(json.loads(line)) for line in lines if line.endswith("\n")]
        source = (read_export if args.path.endswith(".jsonl") else read_database)(args.path)
        result = verify(source, args.public_key, args.digest_key, filed, args.allow_uncovered)
    except Bad as bad: result = {"problem": bad.args[0], "entry": bad.args[1]}
    except (sqlite3.Error, ValueError, KeyError, TypeError, struct.error) as error: result = {"problem": "unreadable", "entry": None, "why": str(error)}
    print(json.dumps(result))
    sys.exit(1 if result["problem"] else 0)
