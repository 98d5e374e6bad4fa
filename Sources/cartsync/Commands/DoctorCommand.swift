import ArgumentParser
import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import Ledger
import Logging
import SyncEngine

struct DoctorCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Check settings, credentials, API, sources, state folder and clock; say what is wrong and what to do.",
        discussion: """
            Looks at the state folder, the ledger and what is at the sources of serve, and makes three calls: a token, one \
            page of the listing, and what application keys reserve of the limit. What is wrong stands first. It writes \
            nothing to the store, takes nothing from a source, and can run beside serve. --settings shows every setting, \
            too, with where it came from.

            --probe finds out on the store what the vendor's documentation leaves open, with two throw-away carts that \
            it removes, and prints what it learnt as settings. It asks first; without a terminal it needs --yes.

            EXAMPLE
              cartsync doctor
              cartsync doctor --settings
              cartsync doctor --output json
              cartsync doctor --probe --base-url https://euwest.api.elasticpath.com
            """)

    @Flag(help: "Find out what the store does in cases that are not documented; makes and removes two carts.")
    var probe = false
    @Option(
        help: ArgumentHelp(
            "A customer who may be given a throw-away cart for a moment, where the store accepts no made-up one.",
            valueName: "id"))
    var probeCustomer: String?
    @Option(
        help: ArgumentHelp(
            "With --probe: send this many listing calls at once to see what a 429 says. Shoppers may feel it.",
            valueName: "n"))
    var probeBurst = 0
    @Flag(help: "Probe without asking.") var yes = false
    @Flag(name: .customLong("settings"), help: "Show every setting with where it came from.") var showsSettings = false
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var store: StoreFlags
    @OptionGroup var output: OutputFlags

    func validate() throws {
        guard (0...1000).contains(probeBurst) else { throw ValidationError("--probe-burst is 0 to 1000") }
        if let probeCustomer, OwnerID(probeCustomer) == nil {
            throw ValidationError("--probe-customer is '\(probeCustomer)', which is no id")
        }
        guard probe || (probeCustomer == nil && probeBurst == 0) else {
            throw ValidationError("--probe-customer and --probe-burst are for --probe")
        }
    }

    func work() async throws -> Ending? {
        let loaded = try Invocation(self).load()
        var report = DoctorReport(loaded)
        for finding in DoctorFinding.secrets(loaded.exposures) { report.add(finding) }
        for finding in StateFolderCheck(folder: loaded.settings.stateFolder, settings: loaded.settings).findings() {
            report.add(finding)
        }
        for finding in await SourceCheck.findings(loaded) { report.add(finding) }
        for finding in DoctorFinding.inboxes(loaded.serviceJobs) { report.add(finding) }
        for finding in FolderSize.findings(loaded) { report.add(finding) }
        var refusal: Ending?
        do {
            let options = try APIOptions.checked(try StoreAccess(loaded.settings), loaded.settings)
            let client = CommerceClient(
                options: options,
                pacer: Pacer(
                    limit: loaded.settings.rate, isAdaptive: loaded.settings.adaptiveRate, time: .system,
                    shared: .ofService(loaded.settings)),
                retry: RetryPolicy(), logger: .forProgram())
            let check = StoreCheck(client: client, options: options, settings: loaded.settings)
            for finding in await check.findings() { report.add(finding) }
            if probe && !report.hasFailed {
                refusal = try await self.probe(client, options, loaded.settings, &report)
            }
            try? await client.shutdown()
        } catch let ending as Ending {
            report.add(
                .failed(
                    "store", ending.status,
                    ending.details.replacing("cartsync: ", with: "").replacing("\n", with: "; "),
                    advice: ending.next ?? "correct it"))
        }
        output.output.show(report) { _ in report.text(showsSettings: showsSettings) }
        return refusal ?? ending(report)
    }

    /// Probes the store once a person has agreed; returns how the command ends if the probe was not made or gave up.
    private func probe(
        _ client: CommerceClient, _ options: APIOptions, _ settings: Settings, _ report: inout DoctorReport
    ) async throws -> Ending? {
        let again = Invocation(self).typed.again(adding: "--yes")
        guard options.authentication == .clientCredentials else {
            return Ending(
                status: .badSettings, details: "cartsync: a probe needs client credentials (api.authentication)",
                next: TypedCommand(name: "").another("doctor"))
        }
        if options.readOnly { return .readOnly }
        let question =
            "This makes two carts on \(options.baseURL), associates them, lists, and removes them again. Go on?"
        if !yes {
            guard Terminal.canAsk else {
                return Ending(
                    status: .refused,
                    details: "cartsync: a probe makes two carts on \(options.baseURL) and removes them",
                    summary: "nobody was there to agree", next: again)
            }
            guard await Terminal.confirm(question) else {
                return Ending(
                    status: .refused, summary: "nothing was written", next: TypedCommand(name: "").another("doctor"))
            }
        }
        let suffix = String(UInt64.random(in: .min ... .max), radix: 36)
        guard let probe = StoreProbe(client, owner: probeCustomer.flatMap { OwnerID($0) }, suffix: suffix) else {
            return Ending(status: .bug, details: "cartsync: no cart can be named", next: "report this")
        }
        do {
            let findings = try await probe.run(burst: probeBurst) { Terminal.message("cartsync: probe: \($0)") }
            report.probe = ProbeReport(findings, acceptsUnknown: remember(findings, settings))
            guard !findings.leftBehind.isEmpty || findings.gaveUp != nil else { return nil }
            return Ending(
                status: .incomplete,
                summary: findings.gaveUp == nil ? "not everything was removed" : "the probe gave up",
                next: "remove what is named above by hand")
        } catch {
            return Ending(status: error.exitStatus, details: "cartsync: \(error.message)", next: again)
        }
    }

    /// Has the runs of the state folder know whether the store accepts unknown owners.
    ///
    /// - Returns: whether it does, and is remembered to; false beside a service, which has the ledger.
    private func remember(_ findings: StoreProbe.Findings, _ settings: Settings) -> Bool {
        guard let accepts = findings.acceptsUnknownOwners else { return false }
        do {
            try LedgerAccess.with(settings, makesLedger: true) { try $0.rememberAcceptsUnknownOwners(accepts) }
            return accepts
        } catch {
            return false
        }
    }

    private func ending(_ report: DoctorReport) -> Ending {
        let warnings = report.count(.warning)
        guard let failed = report.checks.first(where: { $0.state == .failed }) else {
            return Ending(
                status: .done, summary: warnings == 0 ? "all is well" : Count.text(warnings, "warning"))
        }
        // What was found stands above, and may be long.
        let topics = report.checks.filter { $0.state == .failed }.map(\.topic).joined(separator: ", ")
        return Ending(
            status: failed.status, summary: "doctor found fault with: \(topics)", next: failed.advice)
    }
}
