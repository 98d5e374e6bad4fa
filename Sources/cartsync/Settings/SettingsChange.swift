import SyncReporting

/// What a service does with settings that were read again: which of the changed ones hold at once, and which only after
/// a restart.
struct SettingsChange: Sendable, Equatable {
    /// The keys whose new values hold from now on, sorted.
    var applied: [String] = []
    /// The keys whose new values need a restart, sorted.
    var needingRestart: [String] = []

    var isEmpty: Bool { applied.isEmpty && needingRestart.isEmpty }

    init(from old: LoadedSettings, to new: LoadedSettings) {
        let (before, after) = (old.allHashes, new.allHashes)
        let changed = Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
        let held = Set(Setting.all(jobs: old.jobNames(in: new)).filter(\.holdsAtOnce).map(\.key))
        applied = changed.filter(held.contains)
        needingRestart = changed.filter { !held.contains($0) }
    }
}

extension LoadedSettings {
    /// The hashes of all settings that are set, with those of the jobs, by key.
    fileprivate var allHashes: [String: Int] {
        jobs.reduce(hashes) { $0.merging($1.loaded.hashes) { first, _ in first } }
    }

    /// The jobs that stay.
    fileprivate func jobNames(in new: LoadedSettings) -> [String] {
        jobs.map(\.name).filter(Set(new.jobs.map(\.name)).contains)
    }

    /// These settings, with those that hold at once taken from others.
    func taking(_ new: LoadedSettings) -> LoadedSettings {
        taking(new, applied: Set(SettingsChange(from: self, to: new).applied))
    }

    private func taking(_ new: LoadedSettings, applied: Set<String>) -> LoadedSettings {
        var taken = self
        for setting in Setting.all where setting.holdsAtOnce { setting.take(new.settings, &taken.settings) }
        taken.used.removeAll { applied.contains($0.name) }
        taken.used += new.used.filter { applied.contains($0.name) }
        for key in applied { taken.hashes[key] = new.hashes[key] }
        for place in taken.jobs.indices {
            guard let job = new.jobs.first(where: { $0.name == taken.jobs[place].name }) else { continue }
            taken.jobs[place].loaded = taken.jobs[place].loaded.taking(job.loaded, applied: applied)
        }
        return taken
    }
}
