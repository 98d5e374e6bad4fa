import ArgumentParser
import CallPacing
import CartAssociations
import CommerceSandbox
import DurableFiles
import Foundation
import Logging
import SyncEngine
import SyncReporting

struct DemoCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Sandbox, sample exports, sync and report in one command, offline.",
        discussion: """
            Starts a sandbox with associations in it, lets last night's exports tell the ledger what they assert, \
            and syncs tonight's: samples/exports/customers.csv and samples/exports/accounts.xml. Everything it \
            leaves behind is in one folder, which it names.

            EXAMPLE
              cartsync demo
            """)

    func work() async throws -> Ending? {
        let samples = try Samples.find()
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "cartsync-demo-\(UUID().uuidString.prefix(8))"
        )
        .path
        // A development store's limit (Elastic Path, Getting Started, rate limits), and a plausible distance.
        var options = SandboxOptions(rateLimit: 25, latency: .lognormal(median: .milliseconds(40), sigma: 0.4))
        options.carts = try SandboxCommand.carts(from: samples.store)
        let sandbox = Sandbox(options: options, logger: .forProgram(usual: .critical))
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await sandbox.run() }
            let ending = try await syncTwice(samples, folder: folder, port: try await sandbox.port())
            group.cancelAll()
            return ending
        }
    }

    /// Last night's exports and then tonight's, as two runs of one source.
    private func syncTwice(_ samples: Samples, folder: String, port: Int) async throws -> Ending {
        var settings = Settings()
        settings.baseURL = "http://127.0.0.1:\(port)"
        settings.clientID = SandboxOptions().clientID
        settings.clientSecret = SandboxOptions().clientSecret
        settings.stateDirectory = folder
        settings.source = "nightly"
        Terminal.message("cartsync: a sandbox that bears 25 calls a second listens on http://127.0.0.1:\(port)")
        let session = try Session.open(LoadedSettings(settings: settings, used: []))
        let signals = Signals { [stop = session.stop] in stop.stop() }
        defer { withExtendedLifetime(signals) {} }
        let ending: Ending
        do {
            Terminal.message("cartsync: last night: \(samples.before.joined(separator: ", "))")
            // Files that were copied are of any age.
            let now = Duration.seconds(Date().timeIntervalSince1970)
            let before = session.newRun(command: "demo", exports: samples.before) {
                $0.exportTime = now - .seconds(86_400)
            }
            let applied = try await before.plan(keepingRejects: false).apply()
            try? FileSystem.remove(applied.folder)
            await session.store.endRun()

            Terminal.message("cartsync: tonight: \(samples.tonight.joined(separator: ", "))\n")
            let planner = session.newRun(command: "demo", exports: samples.tonight) { $0.exportTime = now }
            let planned = try await Progress.shown(planner.tools, session, planner) {
                try await $0.plan(keepingRejects: true)
            }
            let text = TextReport.forTerminal
            Terminal.output(text.plan(planned.view))
            let ended = try await Progress.shown(planner.tools, session, planned) { try await $0.apply() }
            Terminal.output("\n" + text.summary(ended.report, folder: ended.folder))
            ending = self.ending(ended, folder: folder)
        } catch let failure as RunFailure {
            var failed = Ending(failure)
            failed.details += "\ncartsync: what the demo leaves behind is in \(folder); remove it with: rm -r \(folder)"
            ending = failed
        }
        await session.close()
        return ending
    }

    private func ending(_ ended: EndedRun, folder: String) -> Ending {
        let report = ended.report
        // The sample has one invalid record and one cart that the store refuses, for the demo to show.
        let isAsExpected = [.done, .incomplete].contains(report.verdict.exitStatus)
        return Ending(
            status: isAsExpected ? .done : report.verdict.exitStatus,
            details: """
                cartsync: the report is \(ended.folder)/report.html
                cartsync: all that the demo leaves behind is in \(folder); remove it with: rm -r \(folder)
                """,
            summary: Ending.phrase(report.verdict.words), next: "cartsync sync --help")
    }
}

/// The sample exports and the sandbox's first associations, in the folders of the repository or of an installation.
struct Samples {
    let store: String
    let before: [String]
    let tonight: [String]

    /// Looks in the current folder, then beside and above the program.
    static func find() throws -> Samples {
        var place = URL(filePath: ProgramPath.current).resolvingSymlinksInPath().deletingLastPathComponent()
        // Without a folder before them the samples are those of the current folder, and have short names.
        var places = ["", place.deletingLastPathComponent().appending(path: "share/cartsync").path + "/"]
        while place.path != "/" {
            places.append(place.path + "/")
            place.deleteLastPathComponent()
        }
        for place in places {
            let samples = place + "samples"
            let store = samples + "/sandbox/store.json"
            guard FileManager.default.fileExists(atPath: store) else { continue }
            func exports(_ names: String...) -> [String] { names.map { "\(samples)/exports/\($0)" } }
            return Samples(
                store: store, before: exports("customers-before.csv", "accounts-before.xml"),
                tonight: exports("customers.csv", "accounts.xml"))
        }
        throw Ending(
            status: .exportUnreadable, details: "cartsync: the sample exports (samples/exports) are not found",
            next: "run it in the folder of the repository, or install it with make install")
    }
}

/// Where the running program is.
enum ProgramPath {
    static var current: String {
        #if os(Linux)
            (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
        #else
            Bundle.main.executablePath ?? CommandLine.arguments[0]
        #endif
    }
}
