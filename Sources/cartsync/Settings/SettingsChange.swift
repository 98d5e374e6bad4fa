import CartAssociations
import SyncEngine

/// What a service does with settings that were read again: which of the changed ones hold at once, and which only after
/// a restart.
struct SettingsChange: Sendable, Equatable {
    /// The keys whose new values hold from now on, sorted.
    var applied: [String]
    /// The keys whose new values need a restart, sorted.
    var needingRestart: [String]

    var isEmpty: Bool { applied.isEmpty && needingRestart.isEmpty }

    init(from old: LoadedSettings, to new: LoadedSettings) {
        self.init(from: old, to: new, jobs: Set(old.jobs.map(\.name)).intersection(new.jobs.map(\.name)))
    }

    /// - Parameter jobs: those that there were and are.
    fileprivate init(from old: LoadedSettings, to new: LoadedSettings, jobs: Set<String>) {
        let (before, after) = (old.allHashes, new.allHashes)
        let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
        applied = changed.filter { Self.holdsAtOnce($0, jobs: jobs) }
        needingRestart = changed.filter { !Self.holdsAtOnce($0, jobs: jobs) }
    }

    /// Whether a new value is taken while the service runs: the rate, the guards, the intervals and the objectives.
    private static func holdsAtOnce(_ key: String, jobs: Set<String>) -> Bool {
        var key = key
        if key.hasPrefix("jobs.") {
            let parts = key.split(separator: ".", maxSplits: 2)
            guard parts.count == 3, jobs.contains(String(parts[1])) else { return false }
            key = String(parts[2])
        }
        return key.hasPrefix("guard.")
            || ["rate.limit", "source.poll", "source.settle", "report.slo", "report.slo-abort"].contains(key)
    }
}

extension LoadedSettings {
    /// The hashes of all settings that are set, with those of the jobs, by key.
    fileprivate var allHashes: [String: Int] {
        jobs.reduce(hashes) { $0.merging($1.loaded.hashes) { first, _ in first } }
    }

    /// These settings with what holds at once taken from others.
    func taking(_ new: LoadedSettings) -> LoadedSettings {
        taking(new, jobs: Set(jobs.map(\.name)).intersection(new.jobs.map(\.name)))
    }

    private func taking(_ new: LoadedSettings, jobs names: Set<String>) -> LoadedSettings {
        var taken = self
        let approved = settings.planGuard.approvedDeletes
        taken.settings.planGuard = new.settings.planGuard
        // A person's approval on the command line is no setting.
        taken.settings.planGuard.approvedDeletes = approved
        taken.settings.rate = new.settings.rate
        taken.settings.poll = new.settings.poll
        taken.settings.settle = new.settings.settle
        taken.settings.objectives = new.settings.objectives
        taken.settings.abortsOnCrossing = new.settings.abortsOnCrossing
        let applied = Set(SettingsChange(from: self, to: new, jobs: names).applied)
        taken.used.removeAll { applied.contains($0.name) }
        taken.used += new.used.filter { applied.contains($0.name) }
        for key in applied { taken.hashes[key] = new.hashes[key] }
        for place in taken.jobs.indices {
            guard let job = new.jobs.first(where: { $0.name == taken.jobs[place].name }) else { continue }
            taken.jobs[place].loaded = taken.jobs[place].loaded.taking(job.loaded, jobs: names)
        }
        return taken
    }
}
