/// What an inbox service knows: the looks it took, and what became of the exports. It does no I/O.
struct InboxState: Sendable {
    private(set) var status = InboxStatus()
    private var watch: InboxWatch
    private var retries = RetryTimes()
    /// What the ready exports are, so that each is read for it once.
    private(set) var classes: [InboxEntry: ExportClass] = [:]
    private(set) var isStopping = false

    init(settle: Duration) {
        watch = InboxWatch(settle: settle)
    }

    mutating func start(now: Duration) {
        status.started = now
    }

    mutating func stop() {
        isStopping = true
    }

    mutating func look(
        _ listing: Result<(entries: [InboxEntry], unreadable: [String]), InboxError>, now: Duration
    ) {
        status.lastPoll = now
        switch listing {
        case .success(let (entries, unreadable)):
            status.pollFailure = nil
            status.view = watch.look(entries, now: now)
            for name in unreadable { status.view.refused[name] = .nameNotText }
        case .failure(let error):
            status.pollFailure = "\(error)"
            // What was seen before says nothing about an inbox that cannot be read.
            status.view.ready = []
        }
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
    }

    /// The export has left `working/`.
    mutating func finish(_ export: ClaimedExport, in place: InboxName.Folder) {
        status.tally.add(place)
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

    mutating func supersede(_ entries: Set<InboxEntry>) {
        for _ in entries { status.tally.add(.superseded) }
        forget { entries.contains($0) }
    }

    mutating func remember(_ classes: [InboxEntry: ExportClass]) {
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
    }
}
