import CallPacing
import CartAssociations
import SyncEngine
import SyncService
import Synchronization

/// The settings of a service: those of its jobs, and what becomes of them when they are read again.
final class ServiceSettings: Sendable {
    private let session: Session
    private let load: @Sendable () async throws -> LoadedSettings
    /// What holds now, with the jobs.
    private let current: Mutex<LoadedSettings>

    /// - Parameter load: reads and checks all settings, as at the start.
    init(_ loaded: LoadedSettings, _ session: Session, load: @escaping @Sendable () async throws -> LoadedSettings) {
        self.session = session
        self.load = load
        current = Mutex(loaded)
    }

    /// The settings of each job: those under `jobs`, or the general ones as the job `default`.
    ///
    /// Throws the `Ending` that lists the problems if a service cannot work by them.
    static func jobs(_ loaded: LoadedSettings) throws -> [JobSettings] {
        let problems = problems(loaded)
        guard problems.isEmpty else {
            throw Ending(
                status: .badSettings, details: problems.map { "cartsync: \($0)" }.joined(separator: "\n"),
                next: "cartsync serve --inbox FOLDER, or a source for each job in the settings file")
        }
        return loaded.serviceJobs
    }

    /// Why a service cannot work by these settings, a sentence each.
    static func problems(_ general: LoadedSettings) -> [String] {
        let jobs = general.jobs
        let notify = general.settings.notify.problems
        guard !jobs.isEmpty else { return general.settings.sources.problems() + notify }
        let set = general.settings.sources.kinds
        guard set.isEmpty else {
            return ["\(set.joined(separator: " and ")) and jobs are both set; give each job its own source"]
        }
        var problems = notify
        if jobs.count > 1 && general.settings.metricsFile != nil {
            problems.append(
                "report.metrics-file tells of the last run of one source, and there are \(jobs.count) jobs; leave it out, "
                    + "/metrics tells of them all")
        }
        var places: [String: String] = [:]
        var sources: [String: String] = [:]
        for job in jobs {
            let settings = job.loaded.settings
            problems += settings.sources.problems(prefix: "jobs.\(job.name).")
            if let place = settings.sources.place, let other = places.updateValue(job.name, forKey: place) {
                problems.append("jobs.\(job.name).source is \(place), as of the job \(other); give each its own")
            }
            let source = settings.source
            if let other = sources.updateValue(job.name, forKey: source) {
                problems.append(
                    "jobs.\(job.name).sync.source is \(source), as of the job \(other): each export would take back what "
                        + "the other job asserts; give each its own")
            }
        }
        return problems
    }

    /// The settings of the job whose source is meant, or the general ones.
    func loaded(source: String) -> LoadedSettings {
        current.withLock { current in
            var loaded = current.jobs.first { $0.loaded.settings.source == source }?.loaded ?? current
            loaded.jobs = []
            return loaded
        }
    }

    /// Reads the settings again, and takes those that hold at once; the jobs have to take theirs.
    func readAgain() async -> SettingsReload.Outcome {
        let new: LoadedSettings
        do {
            new = try await load()
            _ = try Self.jobs(new)
        } catch {
            return .refused((error as? Ending)?.details.replacing("\n", with: "; ") ?? "\(error)")
        }
        let (change, taken) = current.withLock { current in
            let change = SettingsChange(from: current, to: new)
            current = current.taking(new)
            return (change, current)
        }
        let isOtherRate = session.settings.rate != taken.settings.rate
        session.take(taken)
        if isOtherRate {
            if session.settings.rateSchedule == nil {
                session.pacer.setLimit(taken.settings.rate, reason: "rate.limit, read again")
            } else {
                session.followSchedule(since: nil)
            }
        }
        return .taken(
            taken.serviceJobs.map { JobOptions($0, session) }, applied: change.applied,
            needingRestart: change.needingRestart)
    }
}

extension LoadedSettings {
    /// The jobs of a service: those that are named, or the one job of the general settings.
    var serviceJobs: [JobSettings] {
        jobs.isEmpty ? [JobSettings(name: "default", loaded: self)] : jobs
    }
}

extension JobOptions {
    init(_ job: JobSettings, _ session: Session) {
        let settings = job.loaded.settings
        var run = session.options(of: job.loaded, "serve", [])
        run.missingFinalNewline = .refused
        self.init(
            name: job.name, run: run, poll: settings.poll, settle: settings.settle,
            remember: settings.remember, names: settings.sources.names(parts: settings.run.parts),
            heartbeat: settings.notify.heartbeat, metricsFile: settings.metricsFile)
        keep = settings.sources.keep
        successWithin = settings.notify.successWithin
    }
}
