import CallPacing
import Foundation

/// What `ls -ln` of OpenSSH's `sftp` says of a folder.
enum SFTPListing {
    /// The regular files. Lines of anything else, and names that are special to `sftp` or broken by a line end, are
    /// passed over.
    ///
    /// - Parameter now: the present: the lines of the last months leave out their year.
    static func exports(_ text: String, now: Date) -> [RemoteExport] {
        var exports: [RemoteExport] = []
        var isFile = false
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.prefixMatch(of: #/[-dlbcps][-rwxsStT]{9}/#) != nil {
                let export = export(String(line), now: now)
                isFile = export != nil
                if let export { exports.append(export) }
            } else if isFile, !line.isEmpty {
                // The rest of a name with a line end in it: what was read before is not its name.
                exports.removeLast()
                isFile = false
            }
        }
        return exports
    }

    /// One line: `-rw-r--r--    ? 1000     1000         1234 Nov 21 16:17 customers.csv`, or with the year in the
    /// place of the time for what is older than half a year (sftp-common.c, ls_file).
    static func export(_ line: String, now: Date) -> RemoteExport? {
        let pattern = #/-\S+ +\S+ +\S+ +\S+ +(\d+) +([A-Z][a-z]{2}) +(\d{1,2}) +(\d{4}|\d{2}:\d{2}) (.+)/#
        guard let match = line.wholeMatch(of: pattern), let size = Int(match.1),
            let modified = time("\(match.3) \(match.2)", String(match.4), now: now)
        else { return nil }
        let name = String(match.5)
        // What is written \123 has a byte that is not printed, and those left are special to sftp's own commands.
        guard ExportName.isUsable(name), !name.contains(where: { "\\\"*?[]".contains($0) }) else { return nil }
        let words = "\(match.2) \(match.3) \(match.4)"
        return RemoteExport(
            name: name, size: size, modified: modified, version: ExportVersion(modified: words, size: size))
    }

    /// The time since 1970 of a day such as `21 Nov`, with a year, or with the time of day in the last months.
    private static func time(_ day: String, _ rest: String, now: Date) -> Duration? {
        func date(_ year: Int, _ time: String) -> Date? { Date(http: "Sun, \(day) \(year) \(time):00 GMT") }
        var found: Date?
        if let year = Int(rest) {
            found = date(year, "00:00")
        } else {
            var calendar = Calendar(identifier: .gregorian)
            calendar.timeZone = .gmt
            let year = calendar.component(.year, from: now)
            found = date(year, rest)
            // The server's clock may be ahead a little; what is months ahead was last year.
            if let time = found, time > now.addingTimeInterval(86_400 * 2) { found = date(year - 1, rest) }
        }
        return found.map { .seconds(Int64($0.timeIntervalSince1970)) }
    }
}
