/// The members of a JSON object, each key once.
///
/// The order in which they were written is kept for output; it does not count for equality.
public struct JSONObject: Sendable {
    public struct Member: Sendable {
        public let key: String
        public let value: JSONDocument

        public init(key: String, value: JSONDocument) {
            self.key = key
            self.value = value
        }
    }

    /// In the order written. A key that was repeated stands where it came first, with the value that came last.
    public let members: [Member]
    /// The places of the members, sorted by key: one list serves look-up, equality and the canonical form.
    let sorted: [Int]

    public init(_ written: some Sequence<Member>) {
        let written = Array(written)
        var order = Array(written.indices)
        order.sort { a, b in
            let order = ExactText.order(written[a].key.utf8, written[b].key.utf8)
            return order == 0 ? a < b : order < 0
        }
        let isSameKey = { (a: Int, b: Int) in ExactText.areEqual(written[a].key, written[b].key) }
        guard zip(order, order.dropFirst()).contains(where: isSameKey) else {
            self.init(members: written, sorted: order)
            return
        }
        var lastOfFirst: [Int: Int] = [:]
        var i = 0
        while i < order.count {
            var last = i
            while last + 1 < order.count, isSameKey(order[i], order[last + 1]) { last += 1 }
            lastOfFirst[order[i]] = order[last]
            i = last + 1
        }
        self.init(
            written.indices.compactMap { first in
                lastOfFirst[first].map { Member(key: written[first].key, value: written[$0].value) }
            })
    }

    private init(members: [Member], sorted: [Int]) {
        self.members = members
        self.sorted = sorted
    }

    public var count: Int { members.count }
    public var isEmpty: Bool { members.isEmpty }

    public subscript(key: String) -> JSONDocument? { index(of: key).map { members[$0].value } }

    /// The place of a key among the members, by binary search.
    func index(of key: String) -> Int? {
        var range = sorted.indices
        while !range.isEmpty {
            let middle = range.lowerBound + range.count / 2
            let order = ExactText.order(key.utf8, members[sorted[middle]].key.utf8)
            if order == 0 { return sorted[middle] }
            range = order < 0 ? range.lowerBound..<middle : middle + 1..<range.upperBound
        }
        return nil
    }

    /// The object with the key set to the value, at its place if it has one and at the end if not.
    public func setting(_ key: String, to value: JSONDocument) -> JSONObject {
        var changed = members
        if let index = index(of: key) {
            changed[index] = Member(key: key, value: value)
        } else {
            changed.append(Member(key: key, value: value))
        }
        return JSONObject(changed)
    }

    public func removing(_ key: String) -> JSONObject {
        JSONObject(members.filter { !ExactText.areEqual($0.key, key) })
    }
}

extension JSONObject: Hashable {
    public static func == (a: JSONObject, b: JSONObject) -> Bool {
        a.count == b.count
            && zip(a.sorted, b.sorted).allSatisfy { i, j in
                ExactText.areEqual(a.members[i].key, b.members[j].key) && a.members[i].value == b.members[j].value
            }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for i in sorted {
            hasher.combineText(members[i].key)
            hasher.combine(members[i].value)
        }
    }
}
