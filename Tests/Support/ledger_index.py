"""What a ledger's filters look up, verified by the README's description alone: for each full block of 1024 entries, the times
between which they lie and, for each value of a marked field, the places that have it."""
import collections, struct

MARKED = "trace_id request_id verdict kind tool release_version agent arm".split()


def places(block):
    if len(block) < 64: return b"".join(struct.pack(">H", place) for place in block)
    return sum(1 << place for place in block).to_bytes(128, "little")


class Index:
    def __init__(self, fields, are_bytes, base):
        self.columns = [(fields.index(name), name in are_bytes) for name in MARKED]
        self.times, self.marks = collections.defaultdict(list), collections.defaultdict(list)
        self.base = self.count = base

    def add(self, row):
        self.count, (block, place) = row[0], divmod(row[0] - 1, 1024)
        self.times[block].append(row[1])
        for column, is_bytes in self.columns:
            if row[column] is not None:
                self.marks[block, column, row[column] if is_bytes else str(row[column]).encode()].append(place)

    def first_difference(self, db):
        """The first entry of the first block that is not what the entries give; None when all are, or an older version made it."""
        if db.execute("PRAGMA user_version").fetchone()[0] < 3: return None
        is_full = lambda block: (block + 1) * 1024 <= self.count
        expected = {key: places(block) for key, block in self.marks.items() if is_full(key[0])}
        expected |= {(block,): (min(times), max(times)) for block, times in self.times.items() if is_full(block)}
        stored = {(block, field, value): where for field, value, block, where in db.execute("SELECT field, value, block, places FROM marks")}
        stored |= {(block,): (earliest, latest) for block, earliest, latest in db.execute("SELECT * FROM blocks")}
        wrong = [key[0] for key in expected.keys() | stored.keys() if expected.get(key) != stored.get(key)]
        return max(min(wrong) * 1024, self.base) + 1 if wrong else None
