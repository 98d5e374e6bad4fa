import CartAssociations
import DurableFiles

/// What lies in a folder, in numbers.
struct FolderSize: Sendable, Hashable {
    /// The files and folders right in it.
    var count = 0
    /// The bytes of the files in it and below; a file with several names counts for each.
    var bytes = 0

    /// More than this is not looked at.
    private static let mostEntries = 1_000_000

    /// Of a folder that is missing or cannot be read there is nothing.
    init(of path: String) {
        guard let folder = try? OpenFolder(path, followingLinks: false) else { return }
        count = ((try? folder.names())?.names ?? []).count { !$0.hasSuffix(".report") }
        bytes = (try? folder.size(mostEntries: Self.mostEntries)) ?? 0
    }

    /// In whole megabytes.
    static func words(_ bytes: Int) -> String { "\(Count.text((bytes + 999_999) / 1_000_000)) MB" }

    /// What takes how much in the inboxes of the jobs, if there are any.
    static func findings(_ loaded: LoadedSettings) -> [DoctorFinding] {
        loaded.serviceJobs.compactMap { job in
            let settings = job.loaded.settings
            guard let inbox = settings.sources.folder else { return nil }
            let places = ["done", "failed", "superseded", "waiting"].compactMap { place -> String? in
                let size = FolderSize(of: "\(inbox)/\(place)")
                guard size.count > 0 else { return nil }
                return "\(place)/ \(words(size.bytes)) in \(Count.text(size.count, "file"))"
            }
            guard !places.isEmpty else { return nil }
            let topic = loaded.jobs.isEmpty ? "inbox size" : "inbox size of \(job.name)"
            return DoctorFinding(topic, .ok, places.joined(separator: ", "))
        }
    }
}
