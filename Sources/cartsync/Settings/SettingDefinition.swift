import CartAssociations
import CommerceAPI
import ExportFiles
import Logging

/// One setting: its key, what it means, and how its text becomes part of `Settings`.
struct SettingDefinition: Sendable {
    let key: String
    /// What a person reads about it; the default in words where there is one.
    let summary: String
    let isSecret: Bool
    /// Whether the settings file may have a list of values in its place; elsewhere they stand with commas between.
    let isList: Bool
    /// A name of the environment that Elastic Path's own tools use for it.
    let vendorVariable: String?
    let apply: @Sendable (inout Settings, String) throws(UnusableValue) -> Void

    init(
        _ key: String, _ summary: String, secret: Bool = false, list: Bool = false, vendorVariable: String? = nil,
        apply: @escaping @Sendable (inout Settings, String) throws(UnusableValue) -> Void
    ) {
        self.key = key
        self.summary = summary
        self.isSecret = secret
        isList = list
        self.vendorVariable = vendorVariable
        self.apply = apply
    }

    /// Whether each job of a service can have a value of its own, as `jobs.NAME.KEY`.
    var isPerJob: Bool {
        ["sync.", "guard.", "mapping.", "export.", "source."].contains { key.hasPrefix($0) }
            || ["run.canary", "report.slo", "report.slo-abort", "report.redact"].contains(key)
    }

    /// The same setting of one job.
    func of(job: String) -> SettingDefinition {
        SettingDefinition("jobs.\(job).\(key)", summary, secret: isSecret, list: isList, apply: apply)
    }

    /// The name of the environment that sets it, for instance `CARTSYNC_RATE_LIMIT`.
    var variable: String {
        "CARTSYNC_" + String(key.uppercased().map { $0 == "." || $0 == "-" ? "_" : $0 })
    }
}

extension SettingDefinition {
    /// Every setting there is; a key that is not here is refused.
    static let all: [SettingDefinition] = api + sync + run + pace + guards + exports + report + source + service + log

    private static let api: [SettingDefinition] = [
        .init(
            "api.base-url", "store region, for instance https://euwest.api.elasticpath.com",
            vendorVariable: "EPCC_API_BASE_URL"
        ) { (settings, text) throws(UnusableValue) in
            settings.baseURL = try SettingValue.text(text)
        },
        .init("api.client-id", "id of the application key", vendorVariable: "EPCC_CLIENT_ID") {
            (settings, text) throws(UnusableValue) in settings.clientID = try SettingValue.text(text)
        },
        .init(
            "api.client-secret", "secret of the application key", secret: true,
            vendorVariable: "EPCC_CLIENT_SECRET"
        ) { (settings, text) throws(UnusableValue) in
            settings.clientSecret = try SettingValue.text(text)
        },
        .init(
            "api.authentication",
            "client_credentials, or shopper: each record's own token from customer_token or account_token "
                + "(client_credentials)"
        ) { (settings, text) throws(UnusableValue) in
            settings.authentication = try SettingValue.choice(text)
        },
        .init("api.secrets-directory", "folder with one file a secret, for instance api-client-secret") {
            (settings, text) throws(UnusableValue) in settings.secretsDirectory = try SettingValue.text(text)
        },
        .init("api.ca-file", "PEM file of the authorities that may sign the store's certificate (the system's)") {
            (settings, text) throws(UnusableValue) in settings.caFile = try SettingValue.text(text)
        },
        .init(
            "api.proxy", "HTTP proxy to the store, http://HOST:PORT, or off (HTTPS_PROXY and NO_PROXY)", secret: true
        ) { (settings, text) throws(UnusableValue) in
            settings.proxy = try SettingValue.proxy(text)
        },
        .init(
            "api.headers", "further headers of every call, for instance EP-Channel: web", secret: true, list: true
        ) { (settings, text) throws(UnusableValue) in
            settings.headers = try SettingValue.headers(text)
        },
        .init("api.read-only", "refuse every write, whatever the command (false)") {
            (settings, text) throws(UnusableValue) in settings.readOnly = try SettingValue.flag(text)
        },
        .init(
            "api.already-gone", "answers to a delete of what is not there, of 400, 404, 410 and 422, or none (404)",
            list: true
        ) { (settings, text) throws(UnusableValue) in
            settings.alreadyGone = try SettingValue.statuses(text, among: [400, 404, 410, 422])
        },
        .init("api.largest-offset", "largest offset of a page of the listing (10000)") {
            (settings, text) throws(UnusableValue) in
            settings.largestOffset = try SettingValue.integer(text, in: 0...10_000_000)
        },
        .init("api.listing-lag", "how long the listing may take to show a change (60s)") {
            (settings, text) throws(UnusableValue) in
            settings.listingLag = try SettingValue.duration(text, in: .zero...Duration.seconds(3600))
        },
        .init("state.directory", "folder of the ledger and the reports ($STATE_DIRECTORY or the XDG state folder)") {
            (settings, text) throws(UnusableValue) in settings.stateDirectory = try SettingValue.text(text)
        },
    ]

    private static let sync: [SettingDefinition] = [
        .init("sync.deletes", "what may be deleted: none, owned, listed or all (owned)") {
            (settings, text) throws(UnusableValue) in settings.deletes = try SettingValue.choice(text)
        },
        .init("sync.current", "where to learn what exists: api, ledger, none or auto (auto)") {
            (settings, text) throws(UnusableValue) in settings.current = try SettingValue.choice(text)
        },
        .init("sync.owner", "customer or account, where the columns do not say") {
            (settings, text) throws(UnusableValue) in settings.owner = try SettingValue.choice(text)
        },
        .init("sync.source", "the stream of exports that this one continues (default)") {
            (settings, text) throws(UnusableValue) in settings.source = try SettingValue.name(text)
        },
        .init("sync.create-carts", "create carts that are not there, from cart_name and cart_description (false)") {
            (settings, text) throws(UnusableValue) in settings.createsCarts = try SettingValue.flag(text)
        },
        .init("sync.one-owner-per-cart", "reject the records of a cart that has two owners (false)") {
            (settings, text) throws(UnusableValue) in settings.oneOwnerPerCart = try SettingValue.flag(text)
        },
    ]

    private static let run: [SettingDefinition] = [
        .init("run.shard", "I/N: only the carts of share I, from 0, of N; each share has its own state folder (all)") {
            (settings, text) throws(UnusableValue) in
            guard let shard = Shard(text) else {
                throw UnusableValue("not a shard; write I/N with I from 0 to N-1, for instance 0/4")
            }
            settings.shard = shard
        }
    ]

    private static let pace: [SettingDefinition] = [
        .init("rate.limit", "calls in any one second, every call counted (20)") {
            (settings, text) throws(UnusableValue) in settings.rate = try SettingValue.integer(text, in: 1...100_000)
        },
        .init("rate.concurrency", "calls in flight (8)") { (settings, text) throws(UnusableValue) in
            settings.concurrency = try SettingValue.integer(text, in: 1...512)
        },
        .init("rate.adaptive", "halve the rate on 429 and climb back (true)") {
            (settings, text) throws(UnusableValue) in settings.adaptiveRate = try SettingValue.flag(text)
        },
        .init(
            "rate.schedule",
            "limits of the hours of the day, off for quiet hours, for instance 22:00-06:00 80, 12:00-13:30 off "
                + "(rate.limit always)"
        ) { (settings, text) throws(UnusableValue) in
            settings.rateSchedule = try SettingValue.schedule(text)
        },
        .init(
            "rate.time-zone", "time zone of the schedule and the deadline, for instance Europe/Berlin (the machine's)"
        ) { (settings, text) throws(UnusableValue) in settings.timeZone = try SettingValue.timeZone(text) },
        .init(
            "run.deadline",
            "when a run stops to start calls: 06:30, 2026-11-22T06:30:00Z or 2h; not for serve (none)"
        ) { (settings, text) throws(UnusableValue) in settings.deadline = try SettingValue.deadline(text) },
        .init(
            "run.canary", "changes that the store's listing has to confirm before the rest is made (0)"
        ) { (settings, text) throws(UnusableValue) in
            settings.canary = try SettingValue.integer(text, in: 0...10_000)
        },
    ]

    private static let guards: [SettingDefinition] = [
        .init("guard.max-deletes", "deletes of one run: a number (500) or a share (20%)") {
            (settings, text) throws(UnusableValue) in
            switch try SettingValue.limit(text) {
            case .count(let count): settings.planGuard.maxDeletes = count
            case .share(let share): settings.planGuard.maxDeletesShare = share
            }
        },
        .init("guard.max-rejected", "rejected records of one run: a number or a share (1%, at least 5)") {
            (settings, text) throws(UnusableValue) in settings.planGuard.maxRejected = try SettingValue.limit(text)
        },
    ]

    private static let exports: [SettingDefinition] =
        ExportField.allCases.map(\.rawValue).map { field in
            .init("mapping.\(field)", "name of the column or element that holds the \(field)") {
                (settings, text) throws(UnusableValue) in settings.fieldNames[field] = try SettingValue.text(text)
            }
        } + [
            .init("mapping.xml.record", "name of the element that is one record") {
                (settings, text) throws(UnusableValue) in settings.xmlRecord = try SettingValue.text(text)
            },
            .init("export.delimiter", "comma, semicolon, tab or vertical bar (found from the header)") {
                (settings, text) throws(UnusableValue) in settings.delimiter = try SettingValue.delimiter(text)
            },
            .init("export.encoding", "auto (UTF-8, or UTF-16 with a byte order mark) or latin-1 (auto)") {
                (settings, text) throws(UnusableValue) in settings.encoding = try SettingValue.choice(text)
            },
            .init("export.require-final-newline", "serve refuses a CSV without a final line end (true)") {
                (settings, text) throws(UnusableValue) in settings.requireFinalNewline = try SettingValue.flag(text)
            },
        ]

    private static let report: [SettingDefinition] = [
        .init("report.slo", "objectives of a run, for instance create.p99<800ms or failed<0.5%", list: true) {
            (settings, text) throws(UnusableValue) in settings.objectives = try SettingValue.objectives(text)
        },
        .init("report.slo-abort", "stop a run, resumable, as soon as an objective is crossed (false)") {
            (settings, text) throws(UnusableValue) in settings.abortsOnCrossing = try SettingValue.flag(text)
        },
        .init("report.metrics-file", "file for the node exporter's textfile collector, written after a run") {
            (settings, text) throws(UnusableValue) in settings.metricsFile = try SettingValue.text(text)
        },
        .init("report.redact", "hide who owns a cart in plans and reports (false)") {
            (settings, text) throws(UnusableValue) in settings.hidesOwners = try SettingValue.flag(text)
        },
    ]

    private static let log: [SettingDefinition] = [
        .init("log.format", "how a line of the log is written: logfmt or json (logfmt)") {
            (settings, text) throws(UnusableValue) in settings.logFormat = try SettingValue.choice(text)
        },
        .init(
            "log.level",
            "the least that is logged: trace, debug, info, notice, warning, error or critical (info for serve, "
                + "else warning)"
        ) { (settings, text) throws(UnusableValue) in
            settings.logLevel = try SettingValue.choice(text) as Logger.Level
        },
    ]

    private static let service: [SettingDefinition] = [
        .init("http.listen", "HOST:PORT of the status endpoints, or off (127.0.0.1:8480)") {
            (settings, text) throws(UnusableValue) in settings.httpListen = text == "off" ? nil : text
        },
        .init(
            "http.names",
            "names under which browsers reach the page, beside those of loopback, for instance "
                + "sync.example.com", list: true
        ) { (settings, text) throws(UnusableValue) in
            settings.httpNames = try SettingValue.hostNames(text)
        },
        .init(
            "http.approval-token",
            "secret of those who may approve and stop runs over HTTP, 16 characters or more (nobody "
                + "may)", secret: true
        ) { (settings, text) throws(UnusableValue) in
            settings.approvalToken = try SettingValue.token(text)
        },
    ]
}
