/// What is known of a version of SQLite.
enum SQLiteFault {
    /// What can happen to a ledger with this version, in a sentence; nil if no fault of it is known.
    ///
    /// From 3.7.0 until 3.51.3 two connections that write and checkpoint at once could damage a database with a
    /// write-ahead log; 3.44.6 and 3.50.7 have the correction too (SQLite, release history, 3.51.3).
    static func sentence(of version: String) -> String? {
        let numbers = version.split(separator: ".").map { Int($0) ?? 0 }
        guard numbers.count >= 2 else { return nil }
        let release = (numbers[0], numbers[1], numbers.count > 2 ? numbers[2] : 0)
        guard release >= (3, 7, 0), release < (3, 51, 3) else { return nil }
        let corrected = (release.1 == 44 && release.2 >= 6) || (release.1 == 50 && release.2 >= 7)
        if corrected { return nil }
        return "two programs that write a database at once can damage it"
    }
}
