import Foundation

/// What `ls -ln` of OpenSSH's `sftp` says of a folder.
enum SFTPListing {
    /// The regular files. Lines of anything else, and names that are special to `sftp` or broken by a line end, are
    /// passed over.
    ///
    /// - Parameter now: the present, which the lines of the last months leave out the year of.
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
            let modified = time(month: String(match.2), day: Int(match.3) ?? 0, rest: String(match.4), now: now)
        else { return nil }
        let name = String(match.5)
        // What is written \123 has a byte that is not printed, and those left are special to sftp's own commands.
        guard ExportName.isUsable(name), !name.contains(where: { "\\\"*?[]".contains($0) }) else { return nil }
        let words = "\(match.2) \(match.3) \(match.4)"
        return RemoteExport(
            name: name, size: size, modified: modified, version: ExportVersion(modified: words, size: size))
    }

    private static func time(month: String, day: Int, rest: String, now: Date) -> Duration? {
        guard let month = SourceTime.month(month) else { return nil }
        var parts = DateComponents(month: month, day: day)
        if let year = Int(rest) {
            parts.year = year
        } else {
            let clock = rest.split(separator: ":").compactMap { Int($0) }
            guard clock.count == 2 else { return nil }
            (parts.hour, parts.minute) = (clock[0], clock[1])
            // The server's clock may be ahead a little; what is months ahead was last year.
            let year = SourceTime.calendar.component(.year, from: now)
            parts.year = year
            if let date = SourceTime.calendar.date(from: parts), date > now.addingTimeInterval(86_400 * 2) {
                parts.year = year - 1
            }
        }
        return SourceTime.since1970(parts)
    }
}
