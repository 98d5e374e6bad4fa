import ArgumentParser
import CallPacing
import CartAssociations
import CommerceAPI
import DurableFiles
import Foundation
import Ledger
import Logging
import SyncEngine
import SyncReporting
import SyncService

/// A command that does what a service would refuse to another process: a service does it for that process instead.
protocol HandedProgramCommand: ProgramCommand {}

/// The command of another process that the present task does, in a service.
///
/// Its words, its terminal and its files are those of that process; store, credentials, ledger and pace are the service's.
struct Handed: Sendable {
    /// Nil in a process that does its own command.
    @TaskLocal static var current: Handed?

    let command: HandedCommand
    private let service: Session
    private let settings: ServiceSettings

    /// Does a command, and says how it ended.
    static func perform(_ command: HandedCommand, _ service: Session, _ settings: ServiceSettings) async -> CommandEnd {
        let handed = Handed(command: command, service: service, settings: settings)
        let files = LentFiles(ownFolder: service.ledger.folder) { command.open($0, followingLinks: $1) }
        let ending = await $current.withValue(handed) {
            await LentFiles.$current.withValue(files) { await handed.perform() }
        }
        return CommandEnd(
            status: ending.status.rawValue, details: ending.details, summary: ending.summary, next: ending.next)
    }

    private func perform() async -> Ending {
        do {
            guard let work = try Cartsync.parseAsRoot(command.request.words) as? any HandedProgramCommand else {
                return Ending(status: .usage, details: "cartsync: the service does no such command")
            }
            return try await work.work() ?? Ending(status: .done)
        } catch let ending as Ending {
            return ending
        } catch is CancellationError {
            return Ending(status: .stoppedEarly, summary: "nothing was written", next: TypedCommand.asTyped)
        } catch {
            return Ending(status: .usage, details: Cartsync.fullMessage(for: error), next: "cartsync --help")
        }
    }

    // MARK: - Settings

    /// The service's settings, with those that the other process found for its run.
    ///
    /// Throws the `Ending` that says so if they are of another store.
    ///
    /// - Parameter usual: the values of settings that are not set anywhere.
    func settings(usual: Settings) throws -> LoadedSettings {
        let given = Dictionary(command.request.settings.map { ($0.name, $0) }) { first, _ in first }
        try checkStore(given)
        let source = given["sync.source"]?.value ?? usual.source
        var loaded = settings.loaded(source: source)
        let (rate, concurrency) = (service.pacer.ceiling, loaded.settings.concurrency)
        let isReadOnly = loaded.settings.readOnly
        loaded.settings.run.source = usual.source
        (loaded.notes, loaded.exposures) = ([], [])
        var kept: [String] = []
        for setting in Setting.all {
            guard let found = given[setting.key] else { continue }
            guard setting.isOfRun else {
                let own = loaded.used.first { $0.name == setting.key }?.value ?? setting.usual
                if !setting.isOfStore, own != found.value { kept.append(setting.key) }
                continue
            }
            do {
                try setting.set(found.value, &loaded.settings)
            } catch {
                throw Ending(status: .badSettings, details: "cartsync: \(setting.key): \(error.reason)")
            }
            loaded.used.removeAll { $0.name == setting.key }
            loaded.used.append(.init(name: setting.key, value: found.value, origin: found.origin))
        }
        if isReadOnly { loaded.settings.readOnly = true }
        if given["rate.limit"] != nil, loaded.settings.rate > rate {
            loaded.notes.append("the service's limit of \(rate) calls a second holds, not \(loaded.settings.rate)")
        }
        loaded.settings.rate = min(loaded.settings.rate, rate)
        loaded.settings.concurrency = min(loaded.settings.concurrency, concurrency)
        if !kept.isEmpty {
            loaded.notes.append("the service's own settings hold for \(kept.joined(separator: ", "))")
        }
        return loaded
    }

    private func checkStore(_ given: [String: CommandRequest.Given]) throws {
        let store = service.ledger.store
        let other = ["api.base-url": store.baseURL, "api.client-id": store.clientID].first { key, own in
            given[key].map { $0.value != own } ?? false
        }
        guard let other else { return }
        throw Ending(
            status: .badSettings,
            details: "cartsync: \(other.key) is \(given[other.key]?.value ?? "") "
                + "(\(given[other.key]?.origin ?? "")), and the service that holds \(service.ledger.folder) works with \(store)",
            summary: "the service works with another store", next: "leave it out, or choose another folder with --state"
        )
    }

    // MARK: - Its turn

    /// Does the work of a command that makes a run, with the service's store, when it is its turn.
    func inTurn(_ loaded: LoadedSettings, _ work: (Session) async throws -> Ending) async throws -> Ending {
        let session = Session(command.session(log: .forProgram(loaded.settings)), loaded)
        return try await command.inTurn {
            do {
                let ending = try await atOwnRate { try await work(session) }
                await session.store.endRun()
                return ending
            } catch {
                await session.store.endRun()
                throw error
            }
        }
    }

    /// Does some work with the service's ledger when it is its turn.
    func inTurn<Value>(_ work: (Ledger) throws -> Value) async throws -> Value {
        try await command.inTurn { try work(service.ledger) }
    }

    /// Lowers the rate meanwhile if the command has one of its own, whatever the service's schedule or settings say by then.
    private func atOwnRate(_ work: () async throws -> Ending) async rethrows -> Ending {
        guard let own = command.request.settings.first(where: { $0.name == "rate.limit" }).flatMap({ Int($0.value) })
        else { return try await work() }
        let pacer = service.pacer
        pacer.lower(to: own, reason: "the rate of the command at hand")
        defer { pacer.lower(to: nil, reason: "rate.limit") }
        return try await work()
    }

    /// The words that were typed after the program's name.
    var words: [String] { command.request.words }

    /// Says that a run begins to change the store.
    func isApplying(_ run: String) { command.isApplying(run) }

    /// Counts a run that has ended in the service's metrics.
    func count(_ run: MetricsFile.LastRun) {
        command.count(run, isWhole: command.request.name != "runs resume")
    }
}

extension Setting {
    /// Whether a command that a service does for another process takes it from there.
    var isOfRun: Bool {
        let groups = ["sync.", "guard.", "mapping.", "export.", "report.", "run."]
        let others = ["api.read-only", "rate.limit", "rate.concurrency", "rate.time-zone"]
        return !isSecret && (groups.contains { key.hasPrefix($0) } || others.contains(key))
    }

    /// Whether it tells which store is meant.
    var isOfStore: Bool { ["api.base-url", "api.client-id"].contains(key) }

    /// Whether a service is told of it: what it needs for a run, and what it has to say that it does not take over.
    var isHanded: Bool {
        let groups = ["api.", "rate."]
        return isOfRun || (!isSecret && key != "api.secrets-directory" && groups.contains { key.hasPrefix($0) })
    }
}
