import CFileCalls
import CartAssociations
import Foundation
import GRDB
import Ledger
import SyncEngine

/// Some weeks of a store, its shoppers, the systems that write exports, and the program between them.
final class World {
    let scenario: Scenario
    let timeline = Timeline()
    let story: Story
    let oracle: Oracle
    let store: SimulatedStore
    private let machine: Machine
    private let lie: Lie?
    private let sabotage: Sabotage?
    private var systems: [ExportingSystem]
    /// Why a process is to end now; nil if it may go on.
    private var image: String?

    private static let day: Duration = .seconds(86_400)

    init(_ scenario: Scenario, in folder: String, lie: Lie? = nil, sabotage: Sabotage? = nil) {
        self.scenario = scenario
        (self.lie, self.sabotage) = (lie, sabotage)
        story = Story(timeline, folder: folder)
        oracle = Oracle(timeline, story, lie: lie)
        store = SimulatedStore(scenario, timeline, oracle, story)
        store.sabotage = sabotage
        systems = (scenario.has(.secondSource) ? ["nightly", "region"] : ["nightly"]).map {
            ExportingSystem($0, scenario)
        }
        machine = Machine(
            home: folder + "/home", sources: systems.map(\.source), timeline: timeline,
            random: scenario.random("program"))
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
        for source in machine.sources {
            try FileManager.default.createDirectory(
                atPath: machine.inbox(of: source), withIntermediateDirectories: true)
        }
        let ledger = try machine.life(LifeSettings()).ledger
        try ledger.close()
        // The key orders what is compared, and is random elsewhere.
        let random = scenario.random("key")
        let key = Data((0..<32).map { _ in UInt8(random.number(0...255)) })
        let database = try DatabaseQueue(path: machine.state + "/ledger.sqlite")
        try database.write { try $0.execute(sql: "UPDATE identity SET fingerprint_key = ?", arguments: [key]) }
        try database.close()
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
            let kill = scenario.has(.kills) && random.isOneIn(3) ? Kill(using: random) : nil
            let work = scenario.has(.hands) && start == 0 && random.isOneIn(6) ? try hand(random) : nil
            let isKilled = try run(settings, kill) { life in
                try work?(life, settings) ?? self.machine.serve(life, settings, self.store)
            }
            if oracle.breach != nil { return }
            timeline.pass(until: timeline.now + random.seconds(1...900))
            if !isKilled && work == nil && random.happens(0.7) { return }
            if scenario.has(.settings) && random.isOneIn(3) { settings = self.settings(night * 100 + start) }
        }
    }

    /// A service that stays for a while and polls: exports and decisions come while it runs.
    private func poll(_ night: Int, _ random: SeededRandom) throws {
        let window = random.seconds(200...3000)
        let end = timeline.now + window
        for index in systems.indices {
            for (export, modified) in systems[index].exports(night, evening: timeline.now) {
                timeline.add(at: timeline.now + random.seconds(0...200)) { [self] in
                    unseen { try put(export, modified: modified) }
                }
            }
        }
        for _ in 0..<2 {
            timeline.add(at: timeline.now + random.seconds(0...400)) { [self] in unseen { try decide(random) } }
        }
        while timeline.now < end {
            let kill = scenario.has(.kills) && random.isOneIn(2) ? Kill(using: random) : nil
            let settings = self.settings(night * 100 + Int((end - timeline.now) / .seconds(1)))
            let isKilled = try run(settings, kill) { life in
                try self.machine.poll(life, settings, self.store, until: max(end, self.timeline.now + .seconds(1)))
            }
            if oracle.breach != nil { return }
            timeline.pass(until: timeline.now + random.seconds(1...60))
            if !isKilled { return }
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
        guard scenario.has(.listing) else { return }
        let lag = random.pick([0, 0, 2, 20, 60])
        oracle.listingLags = oracle.listingLags || lag > 0
        store.behave([
            "listing-lag": "\(lag)",
            "listing": random.pick(["truthful", "truthful", "truthful", "short", "growing-total", "repeating"]),
        ])
    }

    private func settings(_ night: Int) -> LifeSettings {
        var settings = LifeSettings()
        let random = scenario.random("settings", night)
        settings.concurrency = random.pick([1, 2, 4, 8])
        settings.limit = random.pick([10, 20, 20, 50])
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
    }

    private func put(_ export: WrittenExport, modified: Duration) throws {
        oracle.note(export)
        let path = "\(machine.inbox(of: export.source))/\(export.name)"
        try Data(export.bytes).write(to: URL(filePath: path))
        let date = timeline.date.addingTimeInterval((modified - timeline.now) / .seconds(1))
        try FileManager.default.setAttributes([.modificationDate: date], ofItemAtPath: path)
        story.note(
            "\(export.source): \(export.name) with \(export.creates.count) associations"
                + (export.isDelta ? " and \(export.deletes.count) deletes, a delta" : "")
                + (export.damage.map { ", damaged: \($0)" } ?? ""))
    }

    /// A person decides on some of the runs that wait.
    private func decide(_ random: SeededRandom, isLast: Bool = false) throws {
        let waiting = WaitingRuns(stateFolder: machine.state)
        for run in waiting.all() {
            let approval = try? run.approval(deletes: nil, by: .command, now: timeline.date)
            if let approval, isLast || random.isOneIn(2) {
                try waiting.add(approval)
                story.note("run \(run.id) is approved with \(approval.deletes.map(String.init) ?? "no") deletes")
            } else if isLast || random.isOneIn(4) {
                try waiting.add(Decline(of: run, by: .command, given: timeline.date))
                story.note("run \(run.id) is declined")
            }
        }
    }

    /// What a person does by hand in the place of the service; nil if there is nothing to do.
    private func hand(_ random: SeededRandom) throws -> ((Life, LifeSettings) throws -> Void)? {
        if random.isOneIn(2), let system = systems.randomElementBySeed(random), let export = system.byHand(timeline.now)
        {
            oracle.note(export)
            let path = "\(machine.home)/\(export.name)"
            try Data(export.bytes).write(to: URL(filePath: path))
            let wait = random.seconds(0...100)
            story.note("a person saves the plan of \(export.name) of \(system.source), and applies it")
            return { [self] life, settings in
                try machine.applySaved(path, system.source, after: wait, life, settings, store)
            }
        }
        return { [self] life, settings in
            let runs = try life.ledger.runs(limit: 20).filter { $0.state == .finished && $0.undone == nil }
            guard let run = runs.first else { return try machine.serve(life, settings, store) }
            story.note("a person takes run \(run.id) back")
            try machine.undo(run, life, settings, store)
        }
    }

    // MARK: - A process

    /// Runs a process to its end or to its kill; returns whether it was killed.
    private func run(_ settings: LifeSettings, _ kill: Kill?, _ begin: (Life) throws -> Void) throws -> Bool {
        let life = try machine.life(settings)
        oracle.watches(life.ledger)
        story.note("a process starts with \(settings.words)\(kill.map { ", to be killed at \($0)" } ?? "")")
        var (steps, looks) = (0, 0)
        timeline.looks = { [self] in
            looks += 1
            if kill == .look(looks) { die(life) }
        }
        var fileCalls = 0
        FileWatch.shared.begin(machine.home) { [self] in
            fileCalls += 1
            if kill == .file(fileCalls) { die(life) }
            if kill == .powerCut(fileCalls) { die(life, cuttingPower: true) }
        }
        defer { FileWatch.shared.end() }
        try begin(life)
        let latest = timeline.now + .seconds(86_400 * 2)
        while !life.isDone && !life.isDead && oracle.breach == nil {
            if SteppedTasks.shared.step() {
                steps += 1
                if kill == .step(steps) { life.isDead = true }
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
        if life.isDone { while SteppedTasks.shared.step() {} }
        story.note("the process had \(steps) steps, \(looks) looks at the clock and \(fileCalls) calls to files")
        if let failure = life.failure {
            story.note("the process ends: \(failure)")
            if life.isService { oracle.breaks(.end, "the service ends: \(failure)") }
        }
        try end(life)
        return life.isDead
    }

    private func end(_ life: Life) throws {
        SteppedTasks.shared.drop()
        timeline.drop()
        oracle.watches(nil)
        if life.isDead {
            story.kills += 1
            story.note("the process is killed")
        }
        guard oracle.breach == nil else { return try life.ledger.close() }
        if sabotage == .losesOutcome, story.runs > 3 { try Self.loseOutcome(in: machine.state) }
        if life.isDead {
            try life.ledger.close()
            try restoreImage()
            // What the next process finds is judged.
            let next = try machine.life(LifeSettings())
            try oracle.judge(next.ledger)
            try next.ledger.close()
        } else {
            try oracle.judge(life.ledger)
            try life.ledger.close()
        }
    }

    private static func loseOutcome(in state: String) throws {
        let database = try DatabaseQueue(path: state + "/ledger.sqlite")
        try database.write { try $0.execute(sql: "DELETE FROM outcome WHERE entry = (SELECT min(entry) FROM outcome)") }
        try database.close()
    }

    /// Ends a process in the middle of a line: what it does from here on is not on the disk.
    private func die(_ life: Life, cuttingPower: Bool = false) {
        guard !life.isDead else { return }
        life.isDead = true
        FileWatch.shared.pause()
        image = takeImage()
        guard cuttingPower, let image else { return }
        let lost = unsafe worlds_cut(image, scenario.random("cut", story.kills).next())
        story.note("the power is cut: \(lost) calls to files are lost")
    }

    /// What is on the disk now, as a process that ends at this moment leaves it.
    private func takeImage() -> String? {
        let path = machine.home + ".image"
        do {
            try Files.copy(machine.home, to: path)
            return path
        } catch {
            oracle.breaks(.end, "the simulation cannot copy its files: \(error)")
            return nil
        }
    }

    private func restoreImage() throws {
        guard let image else { return }
        self.image = nil
        try FileManager.default.removeItem(atPath: machine.home)
        try FileManager.default.moveItem(atPath: image, toPath: machine.home)
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
        let random = scenario.random("rest")
        var last: [WrittenExport] = []
        for index in systems.indices {
            let export = systems[index].lastExport()
            last.append(export)
            try put(export, modified: timeline.now)
        }
        for _ in 0..<10 {
            try decide(random, isLast: true)
            _ = try run(settings, nil) { try self.machine.serve($0, settings, self.store) }
            guard oracle.breach == nil else { return }
            timeline.pass(until: timeline.now + .seconds(4000))
            if machine.sources.allSatisfy({ Files.isEmpty(inbox: machine.inbox(of: $0)) }) {
                let ledger = try machine.life(settings).ledger
                try oracle.judge(ledger, again: true)
                try oracle.judgeRest(last, store.associations, ledger)
                try ledger.close()
                return try repeatAtRest(settings)
            }
        }
        let left = machine.sources.map { Files.left(in: machine.inbox(of: $0)) }
        oracle.breaks(.end, "after ten quiet starts exports are left: \(left)")
    }

    /// A second reading of what is there already changes nothing.
    private func repeatAtRest(_ settings: LifeSettings) throws {
        guard oracle.breach == nil else { return }
        let before = store.changes
        for system in systems { try put(system.sameAgain(), modified: timeline.now) }
        _ = try run(settings, nil) { try self.machine.serve($0, settings, self.store) }
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

extension [ExportingSystem] {
    fileprivate func randomElementBySeed(_ random: SeededRandom) -> ExportingSystem? {
        isEmpty ? nil : random.pick(self)
    }
}
