/// What must change in one document to make it the other.
///
/// Objects are compared member by member, arrays by sequence alignment, so that an inserted element is one change and
/// not a change of all that follow. The changes come in a fixed order, in which they can be applied one after the other:
/// in an object what is removed, then what is changed or added, each in the order of its document; in an array from
/// front to back.
public struct JSONDiff: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case added, removed
        /// Another value of the same type.
        case changed
        case typeChanged
    }

    public struct Change: Hashable, Sendable {
        public let kind: Kind
        /// Where the value stood in the old document; nil if it was added.
        public let oldPointer: JSONPointer?
        /// Where it stands in the new document; nil if it was removed.
        public let newPointer: JSONPointer?
        /// Where the change is made when all changes before it have been made (that of a JSON Patch).
        public let position: JSONPointer
        public let old: JSONDocument?
        public let new: JSONDocument?

        /// The place to show: in the old document for what was removed, in the new one for all else.
        public var pointer: JSONPointer { newPointer ?? oldPointer ?? position }
    }

    /// Arrays of more elements than this are compared index by index (after what they share at their ends).
    public static let maximumAlignedCount = 2000

    /// The first changes, up to the limit.
    public private(set) var changes: [Change] = []
    /// How many more there are.
    public private(set) var omitted = 0

    public var isEmpty: Bool { changes.isEmpty && omitted == 0 }

    private let limit: Int

    /// Compares two documents. Recurses as deep as they are.
    public init(from old: JSONDocument, to new: JSONDocument, limit: Int = 1000) {
        self.limit = limit
        compare(old, new, at: Place(old: .root, new: .root))
    }

    private struct Place {
        var old: JSONPointer
        var new: JSONPointer
    }

    private mutating func compare(_ old: JSONDocument, _ new: JSONDocument, at place: Place) {
        switch (old, new) {
        case (.object(let x), .object(let y)): compare(x, y, at: place)
        case (.array(let x), .array(let y)): compare(x, y, at: place)
        default:
            guard old != new else { return }
            record(
                Change(
                    kind: old.kind == new.kind ? .changed : .typeChanged, oldPointer: place.old, newPointer: place.new,
                    position: place.new, old: old, new: new))
        }
    }

    private mutating func compare(_ old: JSONObject, _ new: JSONObject, at place: Place) {
        for member in old.members where new.index(of: member.key) == nil {
            record(
                Change(
                    kind: .removed, oldPointer: place.old.appending(member.key), newPointer: nil,
                    position: place.new.appending(member.key), old: member.value, new: nil))
        }
        for member in new.members {
            if let value = old[member.key] {
                guard value != member.value else { continue }
                compare(
                    value, member.value,
                    at: Place(old: place.old.appending(member.key), new: place.new.appending(member.key)))
            } else {
                let pointer = place.new.appending(member.key)
                record(
                    Change(
                        kind: .added, oldPointer: nil, newPointer: pointer, position: pointer, old: nil,
                        new: member.value))
            }
        }
    }

    private mutating func compare(_ old: [JSONDocument], _ new: [JSONDocument], at place: Place) {
        for step in SequenceAlignment(old, new, maximumCount: Self.maximumAlignedCount).steps {
            switch step {
            case .pair(let i, let j):
                compare(old[i], new[j], at: Place(old: place.old.appending(i), new: place.new.appending(j)))
            case .remove(let i, let position):
                record(
                    Change(
                        kind: .removed, oldPointer: place.old.appending(i), newPointer: nil,
                        position: place.new.appending(position), old: old[i], new: nil))
            case .add(let j):
                let pointer = place.new.appending(j)
                record(
                    Change(kind: .added, oldPointer: nil, newPointer: pointer, position: pointer, old: nil, new: new[j]))
            }
        }
    }

    private mutating func record(_ change: Change) {
        if changes.count < limit { changes.append(change) } else { omitted += 1 }
    }
}
