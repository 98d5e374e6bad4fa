import CallPacing
import ExportSources

/// One look at a source, which takes and changes nothing there.
package struct SourceLook: Sendable, Hashable {
    /// What is there, or why that cannot be said; a sentence without a full stop.
    package let words: String
    package let isWell: Bool
    /// What is passed over there, a sentence each.
    package var notes: [String] = []

    /// Looks at a source, and closes its connections.
    ///
    /// - Parameter rules: what the names of files there mean.
    package init(at source: JobSource, _ rules: NameRules) async {
        switch source {
        case .folder(let folder):
            do throws(InboxError) {
                let (entries, unreadable) = try Inbox(folder: folder, rules: rules).list()
                self.init("folder \(folder)", entries, unreadable, rules)
            } catch {
                self.init(words: "\(error)", isWell: false)
            }
        case .remote(let remote, _, _):
            do throws(SourceError) {
                try await remote.tryOut()
                let entries = try await remote.list().map { export in
                    InboxEntry(name: export.name, size: export.size ?? 0, modified: export.modified ?? .zero, inode: 0)
                }
                self.init(remote.words, entries, [], rules)
                notes += remote.takeNotices()
            } catch {
                self.init(words: "\(error)", isWell: false)
            }
            await remote.shutdown()
        }
    }

    private init(words: String, isWell: Bool) { (self.words, self.isWell) = (words, isWell) }

    private init(_ place: String, _ entries: [InboxEntry], _ unreadable: [String], _ rules: NameRules) {
        var watch = InboxWatch(settle: .zero, rules: rules)
        var view = watch.look(entries, now: .zero)
        for name in unreadable { view.refused[name] = .nameNotText }
        let waiting = view.waiting.count + view.incomplete.count
        let count = view.ready.count
        self.init(
            words: "\(place): \(count) \(count == 1 ? "export" : "exports")"
                + (waiting > 0 ? ", \(waiting) of which something is not there yet" : ""), isWell: true)
        notes = InboxWatch.Refusal.notes(view.refused) + view.incomplete.map(\.sentence)
    }
}
