import ArgumentParser
import CallPacing
import CartAssociations
import Foundation
import Ledger
import Logging
import ServiceLifecycle
import SyncEngine
import SyncService

struct ServeCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Run as a service: poll for exports and sync each.",
        discussion: """
            Applies without asking, within the guards. A file is taken when it has been still for --settle, or when \
            NAME.done or NAME.manifest.json is beside it; it ends in done/, failed/ or waiting/ with its report \
            beside it. SIGTERM finishes the calls in flight and ends the service; the next start goes on. SIGHUP, or a \
            change of the settings file, reads the settings again: rate, guards and intervals hold at once.

            EXAMPLE
              cartsync serve --inbox /var/spool/cartsync
              cartsync serve --inbox /var/spool/cartsync --once --http off
            """)

    @OptionGroup var service: ServiceFlags
    @Flag(help: "Look once, sync what is there, and end.")
    var once = false
    @OptionGroup var source: ServiceSourceFlag
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var deletes: DeletesFlag
    @OptionGroup var reading: ReadingFlags
    @OptionGroup var report: ReportFlags

    func work() async throws -> Ending? {
        let invocation = Invocation(self)
        var loaded = try invocation.load()
        // Those who are served beside it have other working folders.
        loaded.settings.stateDirectory = Self.absolute(loaded.settings.stateFolder)
        let jobs = try ServiceSettings.jobs(loaded)
        let session: Session
        do {
            session = try Session.open(loaded, logLevel: .info)
        } catch let held as Ending where held.status == .stoppedEarly {
            guard ControlSocket.isServed(loaded.settings.stateFolder) else { throw held }
            throw Ending(
                status: .stoppedEarly, details: "cartsync: a service works on \(loaded.settings.stateFolder) already",
                summary: "this one is not needed there", next: "choose another folder with --state for this service")
        }
        Traces.tell(in: session.log)
        let ending: Ending
        do {
            let built = try ServiceJobs(
                jobs.map { (JobOptions($0, session), $0.loaded.settings.sources.jobSource()) }, session.store,
                stateLimit: loaded.settings.stateMaxSize, once: once)
            let reloaded = ServiceSettings(loaded, session) { try invocation.load() }
            let reload = SettingsReload(settings.config ?? SettingsFile.usualPath, built) { await reloaded.readAgain() }
            let result: Result<Ending, any Error>
            do {
                let control = ControlService(built, version: Version.text) { command in
                    await Handed.perform(command, session, reloaded)
                }
                let notifier = Notifier(
                    built, version: Version.text, receivers: loaded.settings.notify.receivers(), once: once)
                result = .success(try await serve(session, built, notifier, [reload, control]))
            } catch {
                result = .failure(error)
            }
            await built.close()
            ending = try result.get()
        } catch let error as InboxError {
            ending = Ending(
                status: .exportUnreadable, details: "cartsync: \(error)", next: "cartsync serve --inbox FOLDER")
        } catch let error as StatusServerError {
            ending = Ending(
                status: .badSettings, details: "cartsync: http.listen: \(error)",
                next: "cartsync serve --http off, or another HOST:PORT")
        }
        await session.close()
        return ending
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }

    /// - Parameter lasting: the services of one that goes on.
    private func serve(
        _ session: Session, _ jobs: ServiceJobs, _ notifier: Notifier, _ lasting: [any Service]
    ) async throws -> Ending {
        var services: [any Service] = [notifier] + (once ? [] : lasting)
        if let address = session.settings.httpListen {
            services.append(try statusServer(address, session, jobs))
        }
        var configuration = ServiceGroupConfiguration(
            services: services.map { .init(service: $0) }, logger: session.log)
        // The jobs end by themselves with --once, and the group with them.
        configuration.services.append(
            .init(
                service: jobs, successTerminationBehavior: .gracefullyShutdownGroup,
                failureTerminationBehavior: .gracefullyShutdownGroup))
        let rest = MemoryAtRest(of: jobs) {
            session.ledger.giveBackMemory()
            Memory.giveBack()
        }
        configuration.services.append(.init(service: rest))
        // The last one is the first to hear of the shutdown: the service manager is told before anything drains.
        let notice = ServiceNotice(environment: ProcessInfo.processInfo.environment, time: .system) { jobs.isPolling }
        configuration.services.append(.init(service: notice))
        configuration.maximumGracefulShutdownDuration = .seconds(30)
        let group = ServiceGroup(configuration: configuration)
        // With SIGHUP a service is asked to read its settings again.
        let signals = Signals(once ? [SIGINT, SIGTERM, SIGHUP] : [SIGINT, SIGTERM]) { [stop = session.stop] in
            stop.stop()
            Task { await group.triggerGracefulShutdown() }
        }
        defer { withExtendedLifetime(signals) {} }
        jobs.logPolling()
        try await session.onSchedule { try await group.run() }
        return ending(jobs, session)
    }

    private func ending(_ jobs: ServiceJobs, _ session: Session) -> Ending {
        let exports = jobs.exports
        let summary =
            "\(Count.text(exports.done, "export")) done, \(Count.text(exports.failed)) failed, "
            + "\(Count.text(exports.waiting)) waiting for approval, \(Count.text(exports.interrupted)) interrupted"
        if session.stop.isStopped {
            let isInterrupted = exports.interrupted > 0
            return Ending(
                status: isInterrupted ? .stoppedEarly : .done, summary: summary,
                next: isInterrupted ? Invocation(self).typed.again() : nil)
        }
        let lacking = jobs.lackingParts
        guard once, lacking > 0 else { return Ending(status: jobs.worst ?? .done, summary: summary) }
        // There is no other look at which the rest could be there.
        return Ending(
            status: jobs.worst ?? .incomplete, summary: "\(summary), \(Count.text(lacking)) without all parts")
    }

    private func statusServer(
        _ address: String, _ session: Session, _ jobs: ServiceJobs
    ) throws -> StatusServer {
        let address = try ListeningAddress(address)
        let host = address.host
        let certificate = try certificate(session.settings)
        return try StatusServer(
            .init(
                host: host, port: address.port, names: session.settings.httpNames,
                token: session.settings.approvalToken.map(ApprovalToken.init), certificate: certificate,
                isBehindProxy: session.settings.httpBehindProxy),
            jobs, version: Version.text
        ) { [log = session.log] port in
            let shown = host.contains(":") ? "[\(host)]" : host
            let scheme = certificate == nil ? "http" : "https"
            log.notice("the page is served", metadata: ["url": "\(scheme)://\(shown):\(port)/"])
        }
    }

    private func certificate(_ settings: Settings) throws -> StatusCertificate? {
        switch (settings.httpCertificate, settings.httpKey) {
        case (nil, nil): return nil
        case (let certificate?, let key?): return try StatusCertificate(certificate: certificate, key: key)
        case (nil, _), (_, nil):
            throw Ending(
                status: .badSettings, details: "cartsync: http.certificate and http.key need each other",
                next: "set both, or none")
        }
    }
}
