/// Where a ledger is and how it is written.
public struct LedgerConfiguration: Sendable {
    /// The SQLite database; made, readable for its owner alone, when it is not there.
    public var path: String
    /// Keys the digests of content.
    public var digestKey: [UInt8]
    /// Signs checkpoints; without one they are not signed, and who can write the database can rewrite it all.
    public var signingKey: SigningKey?
    /// Checkpoints are appended to this file too; nil for no file.
    public var checkpointFile: String?
    /// A checkpoint is made whenever this many entries were written since the last one.
    public var checkpointInterval: UInt64 = 10_000
    /// Intents that may wait to be written, more are refused; and as many other entries, more are lost and counted.
    public var capacity = 65_536
    /// Bytes of content of the other entries that may wait.
    public var capacityBytes = 64 << 20
    /// Entries of one transaction at most.
    public var maximumBatch = 4096
    /// Seconds to wait for another process that holds the database's lock.
    public var busyTimeout = 1.0

    public init(path: String, digestKey: [UInt8], signingKey: SigningKey? = nil, checkpointFile: String? = nil) {
        self.path = path
        self.digestKey = digestKey
        self.signingKey = signingKey
        self.checkpointFile = checkpointFile
    }
}
