public import FileLocks
internal import Glibc

extension FileLock {
    /// Where the lock stands that keeps a second writer from a database: beside it.
    ///
    /// - Parameter database: its path; the same database by another name, such as a link, is the same database.
    public static func path(ofDatabase database: String) -> String {
        let place = realpath(database, nil)
        defer { free(place) }
        return (place.map { String(cString: $0) } ?? database) + ".lock"
    }
}
