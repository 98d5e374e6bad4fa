/// What an inbox service knows: its looks at the inbox, and what became of the exports. It does no I/O.
struct InboxState: Sendable {
    private(set) var status = InboxStatus()
    private(set) var options: InboxService.Options
    private var watch: InboxWatch
    private var retries = RetryTimes()
    /// What the ready exports are, so that each is read for it once.
    private(set) var classes: [InboxEntry: ExportContent] = [:]
    private(set) var isStopping = false
    /// Whether the inbox was the root of a file system when the service began.
    private(set) var isMounted = false
    /// Whether the moves of the last process are ended or taken back.
    var hasRecovered = false
    /// When it was last time to look for what is no longer kept; nil before the first time.
    private var lastTidied: Duration?

    init(_ options: InboxService.Options, rules: NameRules) {
        self.options = options
        watch = InboxWatch(settle: options.settle, rules: rules)
    }

    mutating func adjust(poll: Duration, settle: Duration) {
        (options.poll, options.settle) = (poll, settle)
        watch.settle = settle
    }

    /// - Parameter overdue: exports of which parts are missing at the source for long, a sentence each.
    func jobStatus(
        name: String, source: String, trouble: SourceTrouble?, notes: [String], overdue: [String], now: Duration
    ) -> JobStatus {
        var health = ServiceHealth(status, interval: options.poll, now: now)
        let overdue = status.view.incomplete.filter(\.isOverdue).map(\.sentence) + overdue
        health.attention += overdue
        if let trouble { health.reasons.insert(trouble.words(now: now), at: 0) }
        return JobStatus(
            name: name, source: source, inbox: status, trouble: trouble,
            notes: notes + InboxWatch.Refusal.notes(status.view.refused) + status.view.incomplete.map(\.sentence),
            nextPoll: status.lastPoll.map { max(.zero, $0 + options.poll - now) }, pause: pause(now: now),
            health: health, overdue: overdue)
    }

    /// For how long no export is taken because runs failed; nil if exports are taken.
    func pause(now: Duration) -> Duration? { status.backoff.rest(now: now) }

    /// Notes how a run ended. Returns how long the job waits now; nil if it does not.
    mutating func judge(_ fate: ExportFate, now: Duration) -> Duration? {
        switch fate.place {
        case .done, .waiting, .superseded: status.backoff.succeeded()
        case .failed: status.backoff.failed(now: now)
        case .working: if !isStopping && fate.countsForJob { status.backoff.failed(now: now) }
        }
        return pause(now: now)
    }

    /// - Parameter isMounted: whether the inbox is the root of a file system.
    mutating func start(now: Duration, isMounted: Bool) {
        status.started = now
        self.isMounted = isMounted
    }

    mutating func stop() {
        isStopping = true
    }

    /// Whether it is time to look for exports that are no longer kept: at first, then once an hour. True is noted.
    mutating func mayTidy(now: Duration) -> Bool {
        if let lastTidied, now - lastTidied < .seconds(3600) { return false }
        lastTidied = now
        return true
    }

    mutating func look(
        _ listing: Result<(entries: [InboxEntry], unreadable: [String]), InboxError>, awaiting: [String], now: Duration
    ) {
        status.lastPoll = now
        status.awaiting = awaiting
        switch listing {
        case .success(let (entries, unreadable)):
            status.pollFailure = nil
            status.view = watch.look(entries, now: now)
            for name in unreadable { status.view.refused[name] = .nameNotText }
        case .failure(let error):
            status.pollFailure = "\(error)"
            // What was seen before says nothing about an inbox that cannot be read.
            status.view.ready = []
            status.view.incomplete = []
        }
    }

    /// Notes what lies in `failed/` and `waiting/`.
    mutating func note(failed: LyingExports, waiting: LyingExports) {
        (status.failed, status.waiting) = (failed, waiting)
    }

    /// The first of the interrupted exports whose time has come.
    func due(_ unfinished: [ClaimedExport], now: Duration) -> ClaimedExport? {
        unfinished.first { retries.isDue($0.name, now: now) }
    }

    mutating func begin(_ export: ClaimedExport) {
        status.current = export.name
        forget { $0.name == export.name }
    }

    mutating func end() {
        status.current = nil
        status.run = nil
    }

    /// The run of the current export has an id now.
    mutating func began(run: String) {
        status.run = run
    }

    /// The export has left `working/`.
    mutating func finish(_ export: ClaimedExport, in place: InboxName.Folder) {
        status.tally.add(place)
        // A look at the inbox may have seen it there before this.
        if place == .waiting && !status.awaiting.contains(export.name) { status.awaiting.append(export.name) }
        status.interruptions[export.name] = nil
        retries.forget(export.name)
    }

    /// The export stays in `working/`.
    mutating func postpone(_ export: ClaimedExport, reason: String, now: Duration, interval: Duration) {
        retries.postpone(export.name, now: now, interval: interval)
        status.interruptions[export.name] = reason
    }

    mutating func interrupt(_ export: ClaimedExport, reason: String, now: Duration, interval: Duration) {
        postpone(export, reason: reason, now: now, interval: interval)
        status.tally.add(.working)
    }

    /// Forgets interrupted exports that are no longer in `working/`: somebody took them away, or the disk is another one.
    mutating func keepInterruptions(of unfinished: [ClaimedExport]) {
        let names = Set(unfinished.map(\.name))
        for name in status.interruptions.keys where !names.contains(name) {
            status.interruptions[name] = nil
            retries.forget(name)
        }
    }

    mutating func supersede(_ entries: Set<InboxEntry>) {
        for _ in entries { status.tally.add(.superseded) }
        let names = Set(entries.map(\.name))
        status.awaiting.removeAll { names.contains($0) }
        forget { entries.contains($0) }
    }

    mutating func remember(_ classes: [InboxEntry: ExportContent]) {
        self.classes = classes
    }

    mutating func clearTroubles() {
        status.troubles = [:]
    }

    mutating func trouble(_ name: String, _ error: InboxError) {
        status.troubles[name] = "\(error)"
    }

    private mutating func forget(_ isMeant: (InboxEntry) -> Bool) {
        status.view.ready.removeAll(where: isMeant)
        status.view.incomplete.removeAll { isMeant($0.set) }
    }
}
