public import GRDB
internal import GRDBSQLite

/// A prepared statement, bound and read without a detour over other types: verifying a million entries reads every byte of
/// them. It is used where its connection is.
public final class SQLStatement {
    private let statement: OpaquePointer
    private let connection: OpaquePointer

    public enum Value: Sendable {
        case null
        case integer(Int64)
        case real(Double)
        case text(String)
        case blob([UInt8])

        public init(_ number: UInt64) { self = .integer(Int64(clamping: number)) }
        public init(_ bytes: [UInt8]?) { self = bytes.map { .blob($0) } ?? .null }
    }

    /// - Throws: GRDB's `DatabaseError`, as all of its functions do.
    public init(_ db: Database, _ sql: String) throws {
        guard let connection = db.sqliteConnection else { throw DatabaseError(resultCode: .SQLITE_MISUSE) }
        var made: OpaquePointer?
        let code = sqlite3_prepare_v2(connection, sql, -1, &made, nil)
        guard code == SQLITE_OK, let made else { throw Self.failure(code, connection) }
        statement = made
        self.connection = connection
    }

    deinit { sqlite3_finalize(statement) }

    private static func failure(_ code: Int32, _ connection: OpaquePointer) -> DatabaseError {
        DatabaseError(resultCode: ResultCode(rawValue: code), message: sqlite3_errmsg(connection).map { String(cString: $0) })
    }

    /// Binds all arguments, from the first on.
    public func bind(_ arguments: [Value]) throws {
        sqlite3_reset(statement)
        for (i, argument) in arguments.enumerated() {
            let index = Int32(i + 1)
            let code =
                switch argument {
                case .null: sqlite3_bind_null(statement, index)
                case .integer(let value): sqlite3_bind_int64(statement, index, value)
                case .real(let value): sqlite3_bind_double(statement, index, value)
                case .text(var text):
                    text.withUTF8 { bytes in
                        bytes.withMemoryRebound(to: CChar.self) {
                            sqlite3_bind_text(statement, index, $0.baseAddress, Int32($0.count), Self.transient)
                        }
                    }
                case .blob(let bytes) where bytes.isEmpty: sqlite3_bind_zeroblob(statement, index, 0)
                case .blob(let bytes): sqlite3_bind_blob(statement, index, bytes, Int32(bytes.count), Self.transient)
                }
            guard code == SQLITE_OK else { throw Self.failure(code, connection) }
        }
    }

    /// SQLite copies what it is given.
    private static let transient = unsafeBitCast(-1, to: sqlite3_destructor_type.self)

    /// - Returns: whether there is a row.
    public func step() throws -> Bool {
        let code = sqlite3_step(statement)
        if code == SQLITE_ROW { return true }
        if code == SQLITE_DONE { return false }
        let error = Self.failure(code, connection)
        sqlite3_reset(statement)
        throw error
    }

    public func reset() { sqlite3_reset(statement) }

    /// Runs a statement that gives no row.
    public func run(_ arguments: [Value] = []) throws {
        try bind(arguments)
        while try step() {}
        sqlite3_reset(statement)
    }

    public enum ColumnType { case null, integer, text, blob, real }

    public func type(_ column: Int) -> ColumnType { Self.type(sqlite3_column_type(statement, Int32(column))) }

    private static func type(_ code: Int32) -> ColumnType {
        switch code {
        case SQLITE_INTEGER: .integer
        case SQLITE_TEXT: .text
        case SQLITE_BLOB: .blob
        case SQLITE_FLOAT: .real
        default: .null
        }
    }

    public func integer(_ column: Int) -> Int64 { sqlite3_column_int64(statement, Int32(column)) }
    public func real(_ column: Int) -> Double { sqlite3_column_double(statement, Int32(column)) }

    /// - Returns: 0 for a number below 0, which no ledger has.
    public func number(_ column: Int) -> UInt64 { UInt64(clamping: integer(column)) }

    /// The column's bytes, text or blob, valid until the next step.
    public func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        let start = sqlite3_column_blob(statement, Int32(column))
        return try body(
            UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_column_bytes(statement, Int32(column)))))
    }

    /// A column of the current row, looked up once and then read without the statement's bookkeeping, which a verification
    /// would feel. Like the statement, it is used where the connection is, and only until the next step.
    public struct Cell {
        fileprivate let value: OpaquePointer?

        public var type: ColumnType { SQLStatement.type(sqlite3_value_type(value)) }
        public var integer: Int64 { sqlite3_value_int64(value) }
        /// Whether text or a blob has no bytes.
        public var isEmpty: Bool { sqlite3_value_bytes(value) == 0 }

        public func withBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
            let start = sqlite3_value_blob(value)
            body(UnsafeRawBufferPointer(start: start, count: start == nil ? 0 : Int(sqlite3_value_bytes(value))))
        }
    }

    public func cell(_ column: Int) -> Cell { Cell(value: sqlite3_column_value(statement, Int32(column))) }

    public func bytes(_ column: Int) -> [UInt8] { withBytes(column) { Array($0) } }
    public func text(_ column: Int) -> String { withBytes(column) { String(decoding: $0, as: UTF8.self) } }
}

extension Database {
    /// Runs one statement to its end.
    public func run(_ sql: String, _ arguments: [SQLStatement.Value] = []) throws { try SQLStatement(self, sql).run(arguments) }

    /// Reads rows one by one.
    public func rows(_ sql: String, _ arguments: [SQLStatement.Value] = [], _ body: (SQLStatement) throws -> Void) throws {
        let statement = try SQLStatement(self, sql)
        try statement.bind(arguments)
        while try statement.step() { try body(statement) }
    }

    public func number(_ sql: String, _ arguments: [SQLStatement.Value] = []) throws -> UInt64? {
        var number: UInt64?
        try rows(sql, arguments) { if $0.type(0) == .integer { number = $0.number(0) } }
        return number
    }
}
