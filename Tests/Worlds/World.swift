import CFileCalls
import CartAssociations
import Foundation
import GRDB
import Ledger
import SyncEngine
import SyncService

/// Some weeks of a store, its shoppers, the systems that write exports, and the program between them.
final class World {
    let scenario: Scenario
    let timeline = Timeline()
    let story: Story
    let oracle: Oracle
    let store: SimulatedStore
    /// The workers, each with files of its own, and the folder that has all of them.
    private let machines: [Machine]
    private let home: String
    private let buckets: [String: SimulatedBucket]
    private let customers: Customers
    private let lie: Lie?
    private let sabotage: Sabotage?
    private var systems: [ExportingSystem]
    /// What lies in folders that the program fetches nothing from, by the source and the name.
    private var inboxes: [String: [String: WrittenExport]] = [:]
    /// Runs that have waited for a person at some time.
    private var waited: [WaitingRun] = []
    /// How often a settings file was written: each is longer than those before.
    private var settingsWritten = 0
    /// Why a process is to end now; nil if it may go on.
    private var image: String?

    private static let day: Duration = .seconds(86_400)

    init(_ scenario: Scenario, in folder: String, lie: Lie? = nil, sabotage: Sabotage? = nil) {
        self.scenario = scenario
        (self.lie, self.sabotage) = (lie, sabotage)
        story = Story(timeline, folder: folder)
        oracle = Oracle(timeline, story, lie: lie)
        oracle.forgetsRuns = scenario.has(.retention)
        store = SimulatedStore(scenario, timeline, oracle, story)
        store.sabotage = sabotage
        let customers = Customers(scenario.random("customers"))
        systems = (scenario.has(.secondSource) ? ["nightly", "region"] : ["nightly"]).map { source in
            let isKeyed = scenario.has(.ownerKeys) && scenario.random("keys \(source)").isOneIn(2)
            return ExportingSystem(source, scenario, isKeyed ? customers : nil)
        }
        self.customers = customers
        let (timeline, story) = (timeline, story)
        let remote = systems.map(\.source).filter {
            scenario.has(.remote) && scenario.random("remote \($0)").isOneIn(2)
        }
        let buckets = Dictionary(
            uniqueKeysWithValues: remote.map { source in
                (source, SimulatedBucket(timeline, scenario.random("bucket \(source)"), story))
            })
        self.buckets = buckets
        let home = folder + "/home"
        self.home = home
        let workers = scenario.has(.secondWorker) ? 2 : 1
        let sources = systems.map(\.source)
        machines = (0..<workers).map { worker in
            Machine(
                home: "\(home)/\(worker)", worker: worker, shard: workers > 1 ? Shard(worker, of: workers) : nil,
                sources: sources, buckets: buckets, timeline: timeline, random: scenario.random("program", worker))
        }
    }

    /// Lives the world to its end; returns the first breach, if there is one.
    func live() -> Oracle.Breach? {
        SteppedTasks.shared.begin(seed: scenario.random("steps").next())
        do {
            try prepare()
            for night in 1...scenario.nights where !scenario.quietNights.contains(night) {
                try live(night)
                if let breach = oracle.breach { return breach }
                story.nights += 1
            }
            try rest()
        } catch let breach as Oracle.Breach {
            oracle.breaks(breach.promise, breach.words)
        } catch {
            oracle.breaks(.end, "the program or the simulation fails: \(error)")
        }
        return oracle.breach
    }

    private func prepare() throws {
        for machine in machines {
            for source in machine.sources where buckets[source] == nil {
                try FileManager.default.createDirectory(
                    atPath: machine.inbox(of: source), withIntermediateDirectories: true)
            }
            try machine.openLedger().close()
            // The key orders what is compared, and is random elsewhere.
            let random = scenario.random("key", machine.worker)
            let key = Data((0..<32).map { _ in UInt8(random.number(0...255)) })
            let database = try DatabaseQueue(path: machine.state + "/ledger.sqlite")
            try database.write {
                try $0.execute(sql: "UPDATE identity SET fingerprint_key = ?", arguments: [key])
            }
            try database.close()
        }
    }

    // MARK: - A night

    /// The exports of the night lie there before the process starts, or come while it polls.
    private func live(_ night: Int) throws {
        let random = scenario.random("night", night)
        let evening = Self.day * night
        timeline.pass(until: evening - .seconds(3600 * 14))
        scheduleShoppers(night, until: evening + .seconds(3600))
        setWeather(night)
        timeline.pass(until: evening)
        let polls = scenario.has(.service) && random.isOneIn(3)
        if polls { return try poll(night, random) }
        try writeExports(night)
        try decide(random)
        var settings = self.settings(night)
        // A service that was killed is started again; at the latest in the morning somebody looks after it.
        for start in 0..<4 {
            var isDone = true
            for group in groups(random) {
                let kill = scenario.has(.kills) && random.isOneIn(3) ? Kill(using: random) : nil
                let work = scenario.has(.hands) && start == 0 && random.isOneIn(6) ? try hand(random) : nil
                let isKilled = try run(group, settings, kill) { life in
                    try work?(life, settings) ?? life.machine.serve(life, settings, self.store)
                }
                if oracle.breach != nil { return }
                timeline.pass(until: timeline.now + random.seconds(1...900))
                isDone = isDone && !isKilled && work == nil
            }
            if isDone && random.happens(0.7) { break }
            if scenario.has(.settings) && random.isOneIn(3) { settings = self.settings(night * 100 + start) }
        }
        if scenario.has(.approvals), random.isOneIn(2) { try decide(random) }
    }

    /// The workers that run at the same time, one group after the other.
    private func groups(_ random: SeededRandom) -> [[Machine]] {
        guard machines.count > 1 else { return [machines] }
        return random.isOneIn(2) ? [machines] : random.shuffled(machines).map { [$0] }
    }

    /// A service that stays for a while and polls: exports and decisions come while it runs.
    private func poll(_ night: Int, _ random: SeededRandom) throws {
        let window = random.seconds(200...700)
        let end = timeline.now + window
        for index in systems.indices {
            for (export, modified) in systems[index].exports(night, evening: timeline.now) {
                timeline.add(at: timeline.now + random.seconds(0...200)) { [self] in
                    unseen { try put(export, modified: modified) }
                }
            }
        }
        store.have(customers)
        for _ in 0..<2 {
            timeline.add(at: timeline.now + random.seconds(0...400)) { [self] in unseen { try decide(random) } }
        }
        while timeline.now < end {
            let kill = scenario.has(.kills) && random.isOneIn(2) ? Kill(using: random) : nil
            let settings = self.settings(night * 100 + Int((end - timeline.now) / .seconds(1)))
            let until = max(end, timeline.now + .seconds(1))
            let isKilled = try run(machines, settings, kill) { life in
                life.taken = { [self] in oracle.note(mostDeletes: $0.maxDeletes, of: life.machine.worker) }
                self.rewriteSettings(of: life, night, random)
                try life.machine.poll(life, settings, self.store, until: until)
            }
            if oracle.breach != nil { return }
            timeline.pass(until: timeline.now + random.seconds(1...60))
            if !isKilled { return }
        }
    }

    /// The settings file of a service changes while it runs; now and then into something that nobody understands.
    private func rewriteSettings(of life: Life, _ night: Int, _ random: SeededRandom) {
        guard scenario.has(.reload) else { return }
        for change in 1...random.number(1...3) {
            timeline.add(at: timeline.now + random.seconds(1...600)) { [self] in
                guard !life.isDead, !life.isDone else { return }
                let number = night * 100 + change
                life.written = random.isOneIn(6) ? nil : settings(number, isReloaded: true)
                let words = life.written?.words ?? "nobody understands it"
                story.note("the settings file of worker \(life.machine.worker) is written: \(words)")
                settingsWritten += 1
                unseen { try Data(count: settingsWritten).write(to: URL(filePath: life.machine.settingsFile)) }
            }
        }
    }

    /// Does what is not the program's while it runs.
    private func unseen(_ work: () throws -> Void) {
        do {
            try FileWatch.shared.unseen(work)
        } catch {
            oracle.breaks(.end, "the simulation fails: \(error)")
        }
    }

    private func setWeather(_ night: Int) {
        let random = scenario.random("weather", night)
        var weather = SimulatedStore.Weather()
        if scenario.has(.faults) {
            weather.faults = random.pick([0, 0, 0.01, 0.03, 0.1, 0.3])
            if random.isOneIn(5) {
                let start = Self.day * night + random.seconds(0...20)
                weather.outages = [start..<start + random.seconds(5...400)]
            }
        }
        if scenario.has(.tokens), random.isOneIn(3) { weather.revokesEvery = random.number(3...40) }
        store.weather = weather
        for (_, bucket) in buckets.sorted(by: { $0.key < $1.key }) {
            bucket.weather.lag = random.pick([.zero, .zero, .seconds(30), .seconds(4000)])
            bucket.weather.faults = scenario.has(.faults) ? random.pick([0, 0, 0.1, 0.4]) : 0
            bucket.weather.page = random.pick([1, 3, 1000])
        }
        for words in customers.change() { story.note(words) }
        store.have(customers)
        guard scenario.has(.listing) else { return }
        let lag = random.pick([0, 0, 2, 20, 60])
        oracle.listingLags = oracle.listingLags || lag > 0
        store.behave([
            "listing-lag": "\(lag)",
            "listing": random.pick(["truthful", "truthful", "truthful", "short", "growing-total", "repeating"]),
        ])
    }

    /// - Parameter isReloaded: whether they are those of a service that runs, which takes some of them at once.
    private func settings(_ night: Int, isReloaded: Bool = false) -> LifeSettings {
        var settings = LifeSettings()
        let random = scenario.random("settings", night)
        settings.concurrency = random.pick([1, 2, 4, 8])
        settings.limit = random.pick([10, 20, 20, 50])
        settings.keptRuns = scenario.has(.retention) ? scenario.random("kept").number(1...8) : nil
        if isReloaded {
            settings.maxDeletes = random.pick([500, 500, 3, 0])
            settings.poll = random.pick([.seconds(5), .seconds(20), .seconds(60)])
            settings.settle = random.pick([.zero, .seconds(5), .seconds(30)])
        }
        guard scenario.has(.settings) else { return settings }
        settings.scope = random.pick([.owned, .owned, .owned, .none, .listed])
        settings.current = random.pick([.auto, .auto, .api, .ledger, .none])
        settings.canary = random.pick([0, 0, 0, 3])
        settings.isAdaptive = !random.isOneIn(4)
        return settings
    }

    private func scheduleShoppers(_ night: Int, until end: Duration) {
        guard scenario.has(.shoppers) else { return }
        let random = scenario.random("shoppers", night)
        for _ in 0..<random.number(0...6) {
            // Most of what happens by day is over at night; some of it is in the way of the run.
            let time =
                random.isOneIn(2)
                ? timeline.now + random.seconds(0...40_000) : Self.day * night + random.seconds(0...15)
            timeline.add(at: min(time, end)) { [self] in
                let present = oracle.truth.present.sorted()
                switch random.number(0...4) {
                case 0 where !present.isEmpty: store.shop(.delete, random.pick(present))
                case 1 where !present.isEmpty: store.expire(random.pick(present).cart)
                case 2: if let known = random.pick(systems).known(random) { store.shop(.create, known) }
                case 3 where !present.isEmpty:
                    if let shared = Association.named(.customer, "s-\(random.name())", random.pick(present).cart.text) {
                        store.shop(.create, shared)
                    }
                default:
                    if let own = Association.named(.customer, "s-\(random.name())", "shop-\(random.name())") {
                        store.shop(.create, own)
                    }
                }
            }
        }
    }

    private func writeExports(_ night: Int) throws {
        for index in systems.indices {
            for (export, modified) in systems[index].exports(night, evening: timeline.now) {
                try put(export, modified: modified)
            }
        }
        store.have(customers)
    }

    private func put(_ export: WrittenExport, modified: Duration) throws {
        oracle.note(export)
        let files =
            [(export.name, export.bytes)]
            + export.companions.sorted { $0.key < $1.key }.map {
                (export.name + $0.key, $0.value)
            }
        if let bucket = buckets[export.source] {
            // Some systems have one object, which is always the newest.
            let isOverwritten = export.part == nil && scenario.random("object \(export.source)").isOneIn(3)
            if isOverwritten {
                bucket.put("\(export.source)-latest.csv", export.bytes)
            } else {
                for (name, bytes) in files { bucket.put(name, bytes) }
            }
        } else {
            inboxes[export.source, default: [:]][export.name] = export
            for machine in machines {
                for (name, bytes) in files {
                    try write(bytes, to: "\(machine.inbox(of: export.source))/\(name)", modified: modified)
                }
            }
        }
        story.note(
            "\(export.source): \(export.name) with \(export.creates.count) associations"
                + (export.isDelta ? " and \(export.deletes.count) deletes, a delta" : "")
                + (export.damage.map { ", damaged: \($0)" } ?? ""))
    }

    private func write(_ bytes: [UInt8], to path: String, modified: Duration) throws {
        try Data(bytes).write(to: URL(filePath: path))
        let date = timeline.date.addingTimeInterval((modified - timeline.now) / .seconds(1))
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
    }

    /// A person decides on some of the runs that wait.
    private func decide(_ random: SeededRandom, isLast: Bool = false) throws {
        for machine in machines {
            let waiting = WaitingRuns(stateFolder: machine.state)
            let all = waiting.all()
            for run in all {
                if isLast || random.isOneIn(2), try approve(run, of: machine, random) { continue }
                guard isLast || random.isOneIn(4) else { continue }
                try waiting.add(Decline(of: run, by: .command, given: timeline.date))
                story.note("run \(run.id) is declined")
            }
            waited += all.filter { run in !waited.contains { $0.id == run.id } }
            // What a person saw some time ago may wait no longer, or wait under another name.
            guard scenario.has(.approvals), !isLast, let stale = waited.indices.randomElement(by: random) else {
                continue
            }
            _ = try? approve(waited[stale], of: machine, random)
        }
    }

    /// Approves a run; false if no number of deletes can.
    private func approve(_ run: WaitingRun, of machine: Machine, _ random: SeededRandom) throws -> Bool {
        let isOdd = scenario.has(.approvals) && random.isOneIn(2)
        let more = isOdd ? run.counts.deletes + random.number(0...3) : nil
        // Somebody has said so a while ago, perhaps too long ago.
        let given = isOdd ? timeline.date - Double(random.number(0...100_000)) : timeline.date
        guard let approval = try? run.approval(deletes: more, by: .command, now: given) else { return false }
        try WaitingRuns(stateFolder: machine.state).add(approval)
        oracle.note(approval, of: run, of: machine.worker, at: given)
        story.note("run \(run.id) is approved with \(approval.deletes.map(String.init) ?? "no") deletes")
        return true
    }

    /// What a person does by hand in the place of the service; nil if there is nothing to do.
    private func hand(_ random: SeededRandom) throws -> ((Life, LifeSettings) throws -> Void)? {
        if random.isOneIn(2), let system = systems.randomElement(by: random), let export = system.byHand(timeline.now) {
            oracle.note(export)
            let wait = random.seconds(0...100)
            story.note("a person saves the plan of \(export.name) of \(system.source), and applies it")
            store.have(customers)
            return { [self] life, settings in
                let path = "\(life.machine.home)/\(export.name)"
                unseen { try write(export.bytes, to: path, modified: timeline.now) }
                try life.machine.applySaved(path, system.source, after: wait, life, settings, store)
            }
        }
        return { [self] life, settings in
            let runs = try life.ledger.runs(limit: 20).filter { $0.state == .finished && $0.undone == nil }
            guard let run = runs.first else { return try life.machine.serve(life, settings, store) }
            story.note("a person takes run \(run.id) back")
            try life.machine.undo(run, life, settings, store)
        }
    }

    // MARK: - A process

    /// Runs processes of some workers at the same time, to their end or to their kill; returns whether they were killed.
    private func run(
        _ machines: [Machine], _ settings: LifeSettings, _ kill: Kill?, _ begin: (Life) throws -> Void
    ) throws -> Bool {
        let lives = try machines.map { try $0.life(settings) }
        oracle.begins()
        for machine in machines { oracle.note(mostDeletes: settings.maxDeletes, of: machine.worker) }
        let who =
            machines.count > 1 ? "processes of all workers start" : "a process of worker \(machines[0].worker) starts"
        story.note("\(who) with \(settings.words)\(kill.map { ", to be killed at \($0)" } ?? "")")
        var (steps, looks) = (0, 0)
        timeline.looks = { [self] in
            looks += 1
            if kill == .look(looks) { die(lives) }
        }
        var fileCalls = 0
        FileWatch.shared.begin(home) { [self] in
            fileCalls += 1
            if kill == .file(fileCalls) { die(lives) }
            if kill == .powerCut(fileCalls) { die(lives, cuttingPower: true) }
        }
        defer { FileWatch.shared.end() }
        for life in lives {
            life.moved = { [self, unowned life] in
                unseen { try oracle.hasMoved(life.ledger, of: life.machine.worker) }
            }
            try begin(life)
            meddle(with: life)
        }
        let latest = timeline.now + .seconds(86_400 * 2)
        while oracle.breach == nil, lives.contains(where: { !$0.isDone && !$0.isDead }) {
            if SteppedTasks.shared.step() {
                steps += 1
                if kill == .step(steps) { for life in lives { life.isDead = true } }
                guard steps < 3_000_000 else { throw Oracle.Breach(promise: .end, words: "a run never waits") }
            } else {
                guard timeline.advance() else {
                    throw Oracle.Breach(promise: .end, words: "the process waits for something that never comes")
                }
                guard timeline.now < latest else {
                    throw Oracle.Breach(promise: .end, words: "a run takes over two days")
                }
            }
        }
        timeline.looks = nil
        FileWatch.shared.end()
        if lives.allSatisfy(\.isDone) { while SteppedTasks.shared.step() {} }
        story.note("it had \(steps) steps, \(looks) looks at the clock and \(fileCalls) calls to files")
        for life in lives {
            guard let failure = life.failure else { continue }
            story.note("the process ends: \(failure)")
            // A service that looks once has no other look at a bucket.
            let isOfBucket = (failure as? InboxError)?.description.hasPrefix("s3://") == true
            if life.isService && !isOfBucket { oracle.breaks(.end, "the service ends: \(failure)") }
        }
        try end(lives)
        return lives.contains(where: \.isDead)
    }

    /// While a process runs, somebody else tries to act on its ledger, and reads in it.
    private func meddle(with life: Life) {
        guard scenario.has(.secondWorker) else { return }
        let random = scenario.random("meddler", story.runs)
        timeline.add(at: timeline.now + random.seconds(0...20)) { [self] in
            guard !life.isDead, !life.isDone else { return }
            unseen {
                do {
                    try life.machine.openLedger().close()
                    oracle.breaks(.alone, "two processes act on the ledger of worker \(life.machine.worker)")
                } catch let error as LedgerError where error.kind == .locked {
                    // As it has to be.
                }
                let reader = try life.machine.readLedger()
                try oracle.judgeReading(reader, of: life.machine)
                try reader.close()
            }
        }
    }

    private func end(_ lives: [Life]) throws {
        SteppedTasks.shared.drop()
        timeline.drop()
        // A thread ends with its process.
        LedgerReadings.wait()
        oracle.begins()
        let isDead = lives.contains(where: \.isDead)
        if isDead {
            story.kills += 1
            story.note("the process is killed")
        }
        guard oracle.breach == nil else { return try lives.forEach { try $0.ledger.close() } }
        if sabotage == .losesOutcome, story.runs > 3 { try Self.loseOutcome(in: lives[0].machine.state) }
        guard isDead else {
            for life in lives {
                try oracle.judge(life.ledger, of: life.machine)
                try life.ledger.close()
                judgeFiles(of: life.machine)
            }
            return
        }
        for life in lives { try life.ledger.close() }
        try restoreImage()
        // What the next process finds is judged.
        for machine in lives.map(\.machine) {
            let next = try machine.openLedger()
            try oracle.judge(next, of: machine)
            try next.close()
            judgeFiles(of: machine)
        }
    }

    private func judgeFiles(of machine: Machine) {
        for (source, put) in inboxes.sorted(by: { $0.key < $1.key }) {
            oracle.judgeFiles(put, in: machine.inbox(of: source))
        }
    }

    private static func loseOutcome(in state: String) throws {
        let database = try DatabaseQueue(path: state + "/ledger.sqlite")
        try database.write { try $0.execute(sql: "DELETE FROM outcome WHERE entry = (SELECT min(entry) FROM outcome)") }
        try database.close()
    }

    /// Ends a process in the middle of a line: what it does from here on is not on the disk.
    private func die(_ lives: [Life], cuttingPower: Bool = false) {
        guard lives.contains(where: { !$0.isDead }) else { return }
        for life in lives { life.isDead = true }
        FileWatch.shared.pause()
        image = takeImage()
        guard cuttingPower, let image else { return }
        let lost = unsafe worlds_cut(image, scenario.random("cut", story.kills).next())
        story.note("the power is cut: \(lost) calls to files are lost")
    }

    /// What is on the disk now, as a process that ends at this moment leaves it.
    private func takeImage() -> String? {
        let path = home + ".image"
        guard unsafe worlds_copy(home, path) else {
            oracle.breaks(.end, "the simulation cannot copy its files")
            return nil
        }
        return path
    }

    private func restoreImage() throws {
        guard let image else { return }
        self.image = nil
        guard unsafe worlds_remove(home) else { throw Oracle.Breach(promise: .end, words: "\(home) cannot be removed") }
        try FileManager.default.moveItem(atPath: image, toPath: home)
    }

    // MARK: - The end

    /// Lets everything come to rest: no faults, no shoppers, each source's last export whole.
    private func rest() throws {
        timeline.pass(until: Self.day * (scenario.nights + 2))
        story.note("from now on nothing goes wrong")
        store.weather = SimulatedStore.Weather()
        store.behave(["listing-lag": "0", "listing": "truthful"])
        var settings = LifeSettings()
        settings.current = .api
        settings.keptRuns = self.settings(0).keptRuns
        let random = scenario.random("rest")
        for bucket in buckets.values { bucket.weather = SimulatedBucket.Weather() }
        var last: [WrittenExport] = []
        for system in systems {
            let (export, late) = system.lastExports(timeline.now, isNew: oracle.isNew)
            last.append(export)
            for (export, modified) in late { try put(export, modified: modified) }
            // In a bucket the time is that of the putting.
            timeline.pass(until: timeline.now + .seconds(1))
            try put(export, modified: timeline.now)
        }
        customers.settle()
        store.have(customers)
        for _ in 0..<10 {
            try decide(random, isLast: true)
            _ = try run(machines, settings, nil) { try $0.machine.serve($0, settings, self.store) }
            guard oracle.breach == nil else { return }
            timeline.pass(until: timeline.now + .seconds(4000))
            if left.isEmpty {
                // An export that is sorted by chance leaves its end open once more, and the changes of a worker the listing of another.
                var readings = 0
                while try judgeRest(last), readings < 20 {
                    try readAgain(settings)
                    readings += 1
                }
                return try repeatAtRest(settings)
            }
        }
        oracle.breaks(.end, "after ten quiet starts exports are left: \(left)")
    }

    /// Returns whether deletes are withheld.
    private func judgeRest(_ last: [WrittenExport]) throws -> Bool {
        guard oracle.breach == nil else { return false }
        let ledgers = try machines.map { try $0.openLedger() }
        for (machine, ledger) in zip(machines, ledgers) { try oracle.judge(ledger, of: machine, again: true) }
        let isWithheld = try oracle.judgeRest(last, store.associations, ledgers)
        for ledger in ledgers { try ledger.close() }
        return isWithheld
    }

    /// What is not over in any inbox.
    private var left: [String] {
        let lacking = systems.reduce(into: Set<String>()) { $0.formUnion($1.lacking) }
        return machines.flatMap { machine in
            machine.sources.flatMap { Files.left(in: machine.inbox(of: $0), lacking: lacking) }
        }
    }

    private func readAgain(_ settings: LifeSettings) throws {
        timeline.pass(until: timeline.now + .seconds(60))
        for system in systems { try put(system.sameAgain(), modified: timeline.now) }
        _ = try run(machines, settings, nil) { try $0.machine.serve($0, settings, self.store) }
    }

    /// A second reading of what is there already changes nothing.
    private func repeatAtRest(_ settings: LifeSettings) throws {
        guard oracle.breach == nil else { return }
        let before = store.changes
        try readAgain(settings)
        if store.changes != before {
            oracle.breaks(.rest, "a second reading of what is there makes \(store.changes - before) changes")
        }
    }
}

/// When a process ends by force.
enum Kill: Equatable {
    /// Between two steps of its tasks.
    case step(Int)
    /// At a look at the clock, which is between two lines of code.
    case look(Int)
    /// Before a call that changes a file.
    case file(Int)
    /// Before a call that changes a file, with the machine: what was not synced may be lost.
    case powerCut(Int)

    init(using random: SeededRandom) {
        // The shortest processes have a hundred of each, a long one thousands.
        let number = random.number(1...random.pick([20, 100, 400, 2000]))
        self = random.pick([.step(number), .look(number), .file(number), .powerCut(number)])
    }
}

extension Collection {
    /// One of them; nil if there is none.
    func randomElement(by random: SeededRandom) -> Element? { isEmpty ? nil : random.pick(Array(self)) }
}
