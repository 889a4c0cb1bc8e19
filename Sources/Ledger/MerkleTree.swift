public import Digests

/// The hashes of RFC 6962, section 2.1: a leaf is SHA-256 of 0x00 and the entry's hash, a node that of 0x01 and its two sides.
enum Merkle {
    static func leaf(_ hash: Digest) -> Digest { digest(0, hash, nil) }
    static func node(_ left: Digest, _ right: Digest) -> Digest { digest(1, left, right) }

    private static func digest(_ mark: UInt8, _ one: Digest, _ other: Digest?) -> Digest {
        withUnsafeTemporaryAllocation(byteCount: 65, alignment: 8) { buffer in
            buffer[0] = mark
            one.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: buffer[1..<33]).copyMemory(from: $0) }
            other?.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: buffer[33..<65]).copyMemory(from: $0) }
            var hash = SHA256()
            hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<(other == nil ? 33 : 65)]))
            return hash.digest()
        }
    }
}

/// As much of a Merkle tree as is needed to go on with it: the roots of its largest full subtrees, from the left.
public struct MerkleFrontier: Hashable, Sendable {
    public private(set) var count: UInt64 = 0
    /// One for each bit that is set in ``count``, the highest first.
    public private(set) var peaks: [Digest] = []

    public init() {}

    /// - Parameter bytes: the peaks, 32 bytes each, the leftmost first.
    /// - Returns: nil when there are not as many as the count has bits set.
    init?(count: UInt64, bytes: [UInt8]) {
        guard bytes.count == 32 * count.nonzeroBitCount else { return nil }
        self.count = count
        for start in stride(from: 0, to: bytes.count, by: 32) {
            guard let peak = Digest(Array(bytes[start..<(start + 32)])) else { return nil }
            peaks.append(peak)
        }
    }

    var bytes: [UInt8] { peaks.flatMap(\.bytes) }

    mutating func append(_ hash: Digest) {
        var node = Merkle.leaf(hash)
        for _ in 0..<count.trailingOnes {
            node = Merkle.node(peaks.removeLast(), node)
        }
        peaks.append(node)
        count += 1
    }

    /// RFC 6962's Merkle tree hash; of no entries it is SHA-256 of nothing.
    public var root: Digest {
        guard var root = peaks.last else { return SHA256.digest(of: []) }
        for peak in peaks.dropLast().reversed() { root = Merkle.node(peak, root) }
        return root
    }
}

extension UInt64 {
    fileprivate var trailingOnes: Int { (~self).trailingZeroBitCount }
}

/// A whole Merkle tree, for proofs: 64 bytes an entry.
struct MerkleTree {
    /// Full subtrees of 2^k leaves, from the left, the first ones left out where they were pruned.
    private var levels: [(first: UInt64, nodes: [Digest])] = []
    private(set) var count: UInt64

    /// - Parameter base: the part that is there no more.
    init(after base: MerkleFrontier) {
        count = base.count
        var peaks = base.peaks[...]
        var start: UInt64 = 0
        for level in (0..<64).reversed() where base.count >> UInt64(level) & 1 == 1 {
            while levels.count <= level { levels.append((base.count >> UInt64(levels.count), [])) }
            levels[level] = (start >> UInt64(level), peaks.popFirst().map { [$0] } ?? [])
            start += 1 << UInt64(level)
        }
    }

    mutating func append(_ hash: Digest) {
        var node = Merkle.leaf(hash)
        var index = count
        var level = 0
        while true {
            if levels.count == level { levels.append((index, [])) }
            levels[level].nodes.append(node)
            guard index & 1 == 1, let left = self[level, index - 1] else { break }
            node = Merkle.node(left, node)
            index >>= 1
            level += 1
        }
        count += 1
    }

    private subscript(level: Int, index: UInt64) -> Digest? {
        guard level < levels.count, index >= levels[level].first else { return nil }
        let place = Int(index - levels[level].first)
        return place < levels[level].nodes.count ? levels[level].nodes[place] : nil
    }

    /// The Merkle tree hash of the leaves from `start`, which is a multiple of the size that is a power of two above `size`.
    private func root(_ start: UInt64, _ size: UInt64) -> Digest? {
        if size.nonzeroBitCount == 1 {
            let level = size.trailingZeroBitCount
            return self[level, start >> UInt64(level)]
        }
        let split = largestPowerOfTwo(below: size)
        guard let left = root(start, split), let right = root(start + split, size - split) else { return nil }
        return Merkle.node(left, right)
    }

    /// RFC 6962's audit path (section 2.1.1) of a leaf in the tree of the first `size` leaves, from the leaf up.
    ///
    /// - Returns: nil for what is not in the tree or was pruned.
    func proof(of leaf: UInt64, in size: UInt64) -> [Digest]? {
        guard leaf < size, size <= count else { return nil }
        var path: [Digest] = []
        var start: UInt64 = 0
        var width = size
        while width > 1 {
            let split = largestPowerOfTwo(below: width)
            let isLeft = leaf < start + split
            guard let sibling = isLeft ? root(start + split, width - split) : root(start, split) else { return nil }
            path.append(sibling)
            if isLeft { width = split } else { (start, width) = (start + split, width - split) }
        }
        return path.reversed()
    }
}

/// - Parameter size: 2 or more.
private func largestPowerOfTwo(below size: UInt64) -> UInt64 { 1 << UInt64(63 - (size - 1).leadingZeroBitCount) }
