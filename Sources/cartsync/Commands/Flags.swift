import ArgumentParser

/// Flags that every command with settings takes.
struct SettingsFlags: ParsableArguments {
    @Option(help: ArgumentHelp("YAML or JSON settings (cartsync.yaml where there is one).", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Folder of the ledger and the reports.", valueName: "folder"))
    var state: String?

    var values: [String: String?] { ["state.directory": state] }
}

/// Flags of the commands that call the API.
struct StoreFlags: ParsableArguments {
    @Option(
        name: .customLong("base-url"),
        help: ArgumentHelp("Store region, for instance https://euwest.api.elasticpath.com.", valueName: "url"))
    var baseURL: String?

    @Option(help: ArgumentHelp("Calls in any one second, every call counted (20).", valueName: "n"))
    var rate: String?

    @Option(help: ArgumentHelp("Calls in flight (8).", valueName: "n"))
    var concurrency: String?

    @Flag(help: "Refuse every write to the store, whatever the command.")
    var readOnly = false

    var values: [String: String?] {
        [
            "api.base-url": baseURL, "rate.limit": rate, "rate.concurrency": concurrency,
            "api.read-only": readOnly ? "true" : nil,
        ]
    }
}

/// Flags of the commands that make one run.
struct RunFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Stop to start calls then; the run can be resumed: 06:30, 2026-11-22T06:30:00Z or 2h.", valueName: "time"))
    var deadline: String?

    var values: [String: String?] { ["run.deadline": deadline] }
}

/// Flags that say how an export is read.
struct ReadingFlags: ParsableArguments {
    @Option(help: ArgumentHelp("customer or account, where the columns do not say.", valueName: "kind"))
    var owner: String?

    @Option(help: ArgumentHelp("One of , ; | tab (found from the header).", valueName: "character"))
    var delimiter: String?

    @Option(help: ArgumentHelp("auto (UTF-8, or UTF-16 with a byte order mark) or latin-1.", valueName: "name"))
    var encoding: String?

    @Option(
        name: .customLong("xml-record"),
        help: ArgumentHelp("Name of the XML element that is one record.", valueName: "element"))
    var xmlRecord: String?

    @Flag(help: "Reject the records of a cart that has two owners in the export.")
    var oneOwnerPerCart = false

    @Flag(help: "Create carts that are not there, from the columns cart_name and cart_description.")
    var createCarts = false

    var values: [String: String?] {
        [
            "sync.owner": owner, "export.delimiter": delimiter, "export.encoding": encoding,
            "mapping.xml.record": xmlRecord, "sync.one-owner-per-cart": oneOwnerPerCart ? "true" : nil,
            "sync.create-carts": createCarts ? "true" : nil,
        ]
    }
}

/// Flags that say what is compared.
struct ComparingFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Where to learn what exists: api, ledger, none or auto (auto).", valueName: "source"))
    var current: String?

    @Option(help: ArgumentHelp("The stream of exports that this one continues.", valueName: "name"))
    var source: String?

    @Option(
        help: ArgumentHelp(
            "Only the carts of share I, from 0, of N; each share needs its own state folder.", valueName: "i/n"))
    var shard: String?

    var values: [String: String?] { ["sync.current": current, "sync.source": source, "run.shard": shard] }
}

/// Flags that say what the guard allows.
struct GuardFlags: ParsableArguments {
    @Option(help: ArgumentHelp("Allow this many deletes in this run, or set the share (500, 20%).", valueName: "n|n%"))
    var maxDeletes: String?

    @Option(help: ArgumentHelp("Allow this many rejected records, or this share (1%).", valueName: "n|n%"))
    var maxRejected: String?

    @Flag(help: "Allow a snapshot without a single usable record.")
    var allowEmpty = false

    var values: [String: String?] { ["guard.max-deletes": maxDeletes, "guard.max-rejected": maxRejected] }
}

/// The flag of the commands that may delete.
struct DeletesFlag: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What may be deleted: none, owned (what earlier exports of the source asserted), listed (any of an owner in the export), all (owned).",
            valueName: "scope"))
    var deletes: String?

    var values: [String: String?] { ["sync.deletes": deletes] }
}

/// Flags of the commands that leave a report.
struct ReportFlags: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "An objective, for instance 'create.p99<800ms' or 'failed<0.5%'; may be given several times. Crossing one ends with exit status 8.",
            valueName: "expression"))
    var slo: [String] = []

    @Flag(help: "Stop as soon as an objective is crossed; the same command goes on.")
    var sloAbort = false

    @Option(
        help: ArgumentHelp(
            "Write the run's metrics there, for the node exporter's textfile collector.", valueName: "file"))
    var metricsFile: String?

    @Flag(help: "Hide who owns a cart in plans and reports.")
    var redact = false

    var values: [String: String?] {
        [
            "report.slo": slo.isEmpty ? nil : slo.joined(separator: ","), "report.slo-abort": sloAbort ? "true" : nil,
            "report.metrics-file": metricsFile, "report.redact": redact ? "true" : nil,
        ]
    }
}

enum OutputFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// How a plan is written: csv has every change, the others a sample of each kind.
enum PlanFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json, csv, markdown
}

/// How results are written.
struct OutputFlags: ParsableArguments {
    @Option(help: "Results as text or json.")
    var output: OutputFormat = .text
}
