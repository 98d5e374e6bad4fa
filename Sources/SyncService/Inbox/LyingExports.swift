import DurableFiles

/// The exports that lie in one folder of an inbox until a person does something.
struct LyingExports: Sendable, Hashable {
    /// One export, with why it is there.
    struct Export: Sendable, Hashable {
        let name: String
        /// When it came there, since 1970.
        let since: Duration
        /// What is written beside it; nil if nothing is.
        let reason: String?
    }

    /// So many are shown.
    static let most = 20
    /// The bytes of a reason that are read.
    private static let longestReason = 4096

    /// How many lie there.
    var count = 0
    /// The last ones that came, the newest first.
    var newest: [Export] = []

    init() {}

    /// Looks at the exports in a folder.
    ///
    /// - Parameter exports: those that are there.
    init(_ exports: [InboxEntry], in folder: OpenFolder) {
        count = exports.count
        let dated = exports.map { entry in
            let report = (try? folder.status(of: Inbox.report(of: entry.name))) ?? nil
            return (name: entry.name, since: report?.modified ?? entry.modified)
        }
        newest = dated.sorted { ($0.since, $1.name) > ($1.since, $0.name) }.prefix(Self.most).map { name, since in
            Export(name: name, since: since, reason: Self.reason(of: name, in: folder))
        }
    }

    private static func reason(of name: String, in folder: OpenFolder) -> String? {
        guard let report = try? folder.folder(Inbox.report(of: name)),
            let file = try? OpenFile(Inbox.reasonName, in: report, for: .readingNoLink),
            let bytes = try? file.contents(limit: longestReason)
        else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).trimmingSuffix { $0.isNewline }
        return text.isEmpty ? nil : String(text)
    }

    /// The first names, and how many there are besides; for instance `a.csv, b.csv and 3 more`.
    var names: String {
        let shown = newest.prefix(3).map(\.name)
        return shown.joined(separator: ", ") + (count > shown.count ? " and \(count - shown.count) more" : "")
    }
}

extension String {
    fileprivate func trimmingSuffix(while isMeant: (Character) -> Bool) -> Substring {
        var text = self[...]
        while let last = text.last, isMeant(last) { text.removeLast() }
        return text
    }
}
