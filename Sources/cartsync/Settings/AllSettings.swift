import CartAssociations
import CommerceAPI
import ExportFiles
import ExportSources
import Foundation
import Ledger
import SyncEngine

extension Setting {
    /// Every setting there is; a key that is not here is refused.
    static let all: [Setting] = api + sync + pace + guards + exports + report + source + service + notify

    private static let api = [
        Setting("api.base-url", \.baseURL, .text, "store region, for instance https://euwest.api.elasticpath.com")
            .vendor("EPCC_API_BASE_URL").flag("url").tidied(by: BaseURL.tidied),
        Setting("api.client-id", \.clientID, .text, "id of the application key").vendor("EPCC_CLIENT_ID").credential,
        Setting("api.client-secret", \.clientSecret, .text, "secret of the application key")
            .vendor("EPCC_CLIENT_SECRET").secret,
        Setting(
            "api.authentication", \.api.authentication, .choice,
            "client_credentials, or shopper: each record's own token from customer_token or account_token"),
        Setting(
            "api.secrets-directory", \.secretsDirectory, .text,
            "folder with one file a secret, for instance api-client-secret"),
        Setting(
            "api.ca-file", \.caFile, .text, "PEM file of the authorities that may sign the store's certificate",
            usual: "the system's"),
        Setting(
            "api.proxy", \.proxy, .proxy, "HTTP proxy to the store, http://HOST:PORT, or off",
            usual: "HTTPS_PROXY and NO_PROXY"
        ).secret,
        Setting(
            "api.headers", \.api.headers, .headers, "further headers of every call, for instance EP-Channel: web"
        ).secret.list,
        Setting("api.read-only", \.api.readOnly, .bool, "refuse every write, whatever the command")
            .flag(nil, help: "Refuse every write to the store, whatever the command"),
        Setting(
            "api.already-gone", \.api.alreadyGone, .statuses(among: [400, 404, 410, 422]),
            "answers to a delete of what is not there, of 400, 404, 410 and 422, or none"
        ).list,
        Setting(
            "api.empty-200", \.api.emptyAnswer, .choice,
            "a 200 to a change whose body is empty or null: doubt, or believe that the change was made"),
        Setting(
            "api.largest-offset", \.api.largestOffset, .integer(in: 0...10_000_000),
            "largest offset of a page of the listing"),
        Setting(
            "api.reference-lists", \.run.ownerKeys.takesReferenceLists, .bool,
            "ask for accounts by lists of external references, which newer versions of the API take"),
        Setting(
            "api.listing-lag", \.run.listingLag, .duration(in: .zero...Duration.seconds(3600)),
            "how long the listing may take to show a change"),
        Setting(
            "state.directory", \.stateDirectory, .text, "folder of the ledger and the reports",
            usual: "$STATE_DIRECTORY or the XDG state folder"
        ).flag("folder", name: "state", showsDefault: false),
        Setting(
            "state.max-size", \.stateMaxSize, .bytes,
            "from which size of the state folder on the page of serve and /metrics warn"),
        Setting(
            "state.keep", \.keptRuns.age, .days(in: 1...36_500),
            "how long runs are kept, with journals and reports; the newest \(RunRetention.least), and what later exports are "
                + "judged by, in any case"),
        Setting(
            "state.keep-runs", \.keptRuns.most, .integer(in: RunRetention.least...1_000_000),
            "how many runs are kept at most, with journals and reports"),
    ]

    private static let sync = [
        Setting("sync.deletes", \.run.scope, .choice, "what may be deleted: none, owned, listed or all").flag(
            "scope",
            help: "What may be deleted: none, owned (what earlier exports of the source asserted), listed (any of an "
                + "owner in the export), all"
        ).perJob,
        Setting(
            "sync.current", \.run.current, .choice, "where to learn what exists: api, ledger, none or auto"
        ).flag("source").perJob,
        Setting("sync.owner", \.run.reading.ownerKind, .choice, "customer or account, where the columns do not say")
            .flag("kind", help: "customer or account, where the columns do not say").perJob,
        Setting(
            "sync.owner-key", \.run.reading.ownerKey, .choice,
            "what the owner's column holds: id, email, external-ref, registration-id or member-email"
        ).flag("kind").perJob,
        Setting(
            "sync.crosswalk", \.run.ownerKeys.crosswalk, .text,
            "file of owners' keys and ids (CSV or XML), which wins over the store"
        ).flag("file").perJob,
        Setting(
            "sync.owner-keys-fresh", \.run.ownerKeys.fresh, .duration(in: .zero...Duration.seconds(3650 * 86_400)),
            "how long an owner that was found by a key is remembered before the store is asked again"
        ).perJob,
        Setting(
            "sync.verify-owners", \.run.reading.verifiesOwners, .bool,
            "look up whether owners' ids exist", usual: "if doctor --probe found that the store accepts unknown ones"
        ).perJob,
        Setting("sync.source", \.run.source, .name, "the stream of exports that this one continues")
            .flag("name", showsDefault: false).perJob,
        Setting(
            "sync.create-carts", \.run.createsCarts, .bool,
            "create carts that are not there, from cart_name and cart_description"
        ).flag(nil, help: "Create carts that are not there, from the columns cart_name and cart_description").perJob,
        Setting(
            "sync.one-owner-per-cart", \.run.oneOwnerPerCart, .bool,
            "reject the records of a cart that has two owners"
        ).flag(nil, help: "Reject the records of a cart that has two owners in the export").perJob,
        Setting(
            "sync.case-changed", \.run.caseChanged, .bool,
            "take identifiers that differ from existing ones only in case for others"
        ).perJob,
        Setting(
            "run.shard", \.run.shard, .shard,
            "I/N: only the carts of share I, from 0, of N; each share has its own state folder", usual: "all"
        ).flag(
            "i/n", help: "Only the carts of share I, from 0, of N; each share needs its own state folder",
            showsDefault: false),
    ]

    private static let pace = [
        Setting(
            "rate.limit", \.rate, .integer(in: 1...100_000), "calls in any one second, every call counted"
        ).flag("n", name: "rate").atOnce,
        Setting("rate.concurrency", \.api.concurrency, .integer(in: 1...512), "calls in flight").flag("n"),
        Setting("rate.adaptive", \.adaptiveRate, .bool, "lower the rate on 429, and feel the way back"),
        Setting(
            "rate.share", \.rateShare, .share(in: 0.05...1),
            "part of the rate at which the store last answered 429 to aim at, to leave room for shoppers: 60%"),
        Setting(
            "rate.schedule", \.rateSchedule, .schedule,
            "limits of the hours of the day, off for quiet hours, for instance 22:00-06:00 80, 12:00-13:30 off",
            usual: "rate.limit always"),
        Setting(
            "rate.time-zone", \.timeZone, .timeZone,
            "time zone of the schedule and the deadline, for instance Europe/Berlin", usual: "the machine's"),
        Setting(
            "run.deadline", \.deadline, .deadline,
            "when a run stops to start calls: 06:30, 2026-11-22T06:30:00Z or 2h; not for serve", usual: "none"
        ).flag(
            "time", help: "Stop to start calls then; the run can be resumed: 06:30, 2026-11-22T06:30:00Z or 2h",
            showsDefault: false),
        Setting(
            "run.canary", \.run.canary, .integer(in: 0...10_000),
            "changes that the store's listing has to confirm before the rest is made"
        ).perJob,
    ]

    private static let guards = [
        Setting(
            "guard.max-deletes", "deletes of one run: a number or a share", usual: Guard().deletesText,
            set: { text, settings throws(UnusableValue) in
                switch try SettingKind.limit.read(text) {
                case .count(let count): settings.run.planGuard.maxDeletes = count
                case .share(let share): settings.run.planGuard.maxDeletesShare = share
                }
            },
            take: { other, settings in
                settings.run.planGuard.maxDeletes = other.run.planGuard.maxDeletes
                settings.run.planGuard.maxDeletesShare = other.run.planGuard.maxDeletesShare
            }
        ).flag("n|n%", help: "Allow this many deletes in this run, or set the share").perJob.atOnce,
        Setting(
            "guard.window", \.run.planGuard.window, .duration(in: .zero...Duration.seconds(30 * 86_400)),
            "how long ago a source's runs count as one with the present one: their deletes are judged together"
        ).perJob.atOnce,
        Setting(
            "guard.max-adopted-deletes", \.run.planGuard.maxAdoptedDeletes, .limit,
            "deletes of what existed before an export first named it, in one run: a number or a share",
            usual: "\(Guard().maxAdoptedDeletes.typed), at least \(Guard().minAdoptedDeletes)"
        ).perJob.atOnce,
        Setting(
            "guard.max-unknown-owners", \.run.planGuard.maxUnknownOwners, .limit,
            "owners that are not found by their keys, in one run: a number or a share",
            usual: "\(Guard().maxUnknownOwners.typed), at least \(Guard().minUnknownOwners)"
        ).flag(
            "n|n%",
            help: "Allow this many owners that are not found by their keys, or this share "
                + "(\(Guard().maxUnknownOwners.typed))", showsDefault: false
        ).perJob.atOnce,
        Setting(
            "guard.max-rejected", \.run.planGuard.maxRejected, .limit,
            "rejected records of one run: a number or a share", usual: Guard().rejectedText
        ).flag(
            "n|n%", help: "Allow this many rejected records, or this share (\(Guard().maxRejected.typed))",
            showsDefault: false
        ).perJob.atOnce,
    ]

    private static let exports =
        ExportField.ofExports.map { field in
            Setting(
                "mapping.\(field.rawValue)", \.run.reading.fieldNames[field], .text,
                "name of the column or element that holds the \(field.rawValue); --map \(field.rawValue)=NAME"
            ).perJob
        } + [
            Setting(
                "mapping.cart-prefix", \.run.reading.carts.prefix, .ofCartID,
                "what stands before each cart's id in the store"
            ).perJob,
            Setting(
                "mapping.cart-unsafe", \.run.reading.carts.unsafe, .choice,
                "carts with other characters than the store takes: reject, or encode"
            ).perJob,
            Setting(
                "mapping.xml.record", \.run.reading.xmlRecord, .text,
                "name of the element that is one record, or the last names of its path as in carts/cart"
            ).flag("element", name: "xml-record", help: "Name of the XML element that is one record").perJob,
            Setting(
                "export.sheet", \.run.reading.sheet, .text, "name of the sheet of a workbook (.xlsx)",
                usual: "the first one that is not hidden"
            ).flag("name", name: "sheet", help: "Name of the sheet of a workbook (.xlsx)").perJob,
            Setting(
                "export.decryption-key", \.run.reading.keys.decryptionKey, .text,
                "private key that opens exports sealed by OpenPGP, as gpg --export-secret-keys --armor prints it"
            ).secret.perJob,
            Setting(
                "export.decryption-passphrase", \.run.reading.keys.passphrase, .text,
                "passphrase of export.decryption-key, or of exports that are sealed with a passphrase alone"
            ).secret.perJob,
            Setting(
                "export.signed-by",
                "file of the public keys of which one must have signed every export (OpenPGP), or none", usual: "none",
                set: { text, settings in settings.run.reading.keys.signedBy = text == "none" ? nil : text },
                take: { other, settings in
                    settings.run.reading.keys.signedBy = other.run.reading.keys.signedBy
                }
            ).perJob,
            Setting(
                "export.kind", \.run.reading.kind, .choice,
                "snapshot, delta or additions (all is to be created); an export of another kind is refused",
                usual: "delta if there is an action"
            ).perJob,
            Setting(
                "export.delimiter", \.run.reading.delimiter, .delimiter, "comma, semicolon, tab or vertical bar",
                usual: "found from the header"
            ).flag("character", help: "One of , ; | tab").perJob,
            Setting(
                "export.encoding", \.run.reading.encoding, .encoding,
                "auto (UTF-8 or UTF-16), windows-1252, latin-1, iso-8859-15, utf-8, utf-16le or utf-16be"
            ).flag(
                "name", help: "auto (UTF-8 or UTF-16), windows-1252, latin-1, iso-8859-15 or another",
                showsDefault: false
            ).perJob,
            Setting(
                "export.actions", \.run.reading.actions, .actions,
                "further words of an action column, for instance assign=create, drop=delete"
            ).list.perJob,
            Setting(
                "export.trailer", \.run.reading.trailer, .trailer,
                "last line of a CSV that is no record: a line with {count} for the number of records, checked; auto (one whose ids have another form than all before) or none"
            ).perJob,
            Setting(
                "export.require-final-newline", \.run.reading.requiresFinalNewline, .bool,
                "a CSV without a final line end may be cut: its last record is rejected, nothing is deleted, serve refuses it"
            ).perJob,
        ]

    private static let report = [
        Setting(
            "report.slo", \.run.objectives, .objectives,
            "objectives of a run, for instance create.p99<800ms or failed<0.5%"
        ).flag(
            "expression",
            help: "An objective, for instance 'create.p99<800ms' or 'failed<0.5%'; may be given several times. "
                + "Crossing one ends with exit status 8"
        ).list.perJob.atOnce,
        Setting(
            "report.slo-abort", \.run.abortsOnCrossing, .bool,
            "stop a run, resumable, as soon as an objective is crossed"
        ).flag(nil, help: "Stop as soon as an objective is crossed; the same command goes on").perJob.atOnce,
        Setting(
            "report.metrics-file", \.metricsFile, .text,
            "file for the node exporter's textfile collector, written after a run"
        ).flag("file", help: "Write the run's metrics there, for the node exporter's textfile collector"),
        Setting("report.redact", \.run.hidesOwners, .bool, "hide who owns a cart in plans and reports")
            .flag(nil).perJob,
    ]

    private static let source = [
        Setting("source.folder", \.sources.folder, .text, "folder that is polled for exports")
            .flag("folder", name: "inbox").perJob,
        Setting("source.url", \.sources.url, .webAddress, "URL of an export that is fetched when it changes")
            .shown(by: WebAddress.shown).perJob,
        Setting(
            "source.header", \.sources.header, .header,
            "header for source.url, for instance Authorization: Bearer TOKEN"
        ).secret.perJob,
        Setting("source.token", \.sources.token, .headerText, "bearer token for source.url").secret.perJob,
        Setting("source.user", \.sources.user, .userName, "user for source.url, with source.password").perJob,
        Setting("source.password", \.sources.password, .text, "password of source.user").secret.perJob,
        Setting(
            "source.ca-file", \.sources.caFile, .text,
            "PEM file of the authorities that may sign the certificate of source.url or source.s3-endpoint",
            usual: "the system's"
        ).perJob,
        Setting(
            "source.certificate", \.sources.certificate, .text,
            "PEM file of the certificate that is shown to source.url or source.s3-endpoint"
        ).perJob,
        Setting("source.key", \.sources.key, .text, "PEM file of the private key of source.certificate").perJob,
        Setting(
            "source.sftp", \.sources.sftp, .sftpAddress,
            "folder behind SFTP: sftp://USER@HOST:PORT/PATH; USER and PORT as ssh has them"
        ).perJob,
        Setting(
            "source.sftp-key", \.sources.sftpKey, .text, "file of the private key for source.sftp",
            usual: "what ssh finds"
        ).perJob,
        Setting(
            "source.sftp-known-hosts", \.sources.sftpKnownHosts, .text, "file with the host key for source.sftp",
            usual: "the user's known_hosts"
        ).perJob,
        Setting(
            "source.s3", \.sources.s3, .bucketAddress, "bucket of an S3-compatible store: s3://BUCKET/PREFIX"
        ).perJob,
        Setting(
            "source.s3-endpoint", \.sources.s3Endpoint, .webAddress, "URL of the S3-compatible store",
            usual: "AWS in source.s3-region"
        ).shown(by: WebAddress.shown).perJob,
        Setting("source.s3-region", \.sources.s3Region, .region, "region of the bucket").perJob,
        Setting(
            "source.s3-access-key", \.sources.s3AccessKey, .text, "id of the key to the bucket",
            usual: "what AWS tools find"
        ).secret.perJob,
        Setting("source.s3-secret-key", \.sources.s3SecretKey, .text, "secret of the key to the bucket").secret.perJob,
        Setting(
            "source.s3-session-token", \.sources.s3SessionToken, .headerText, "session token of a key that is lent"
        ).secret.perJob,
        Setting(
            "source.azure", \.sources.azure, .containerAddress,
            "container of Azure Blob Storage: https://ACCOUNT.blob.core.windows.net/CONTAINER/PREFIX?SIGNATURE"
        ).secret.perJob,
        Setting(
            "source.max-size", \.sources.maxSize, .bytes,
            "the most bytes of an export that is fetched, for instance 500MB"
        ).perJob,
        Setting(
            "source.keep-fetched", \.sources.keepFetched, .integer(in: 1...100_000),
            "how many fetched exports that are applied, failed or superseded are kept, of each"
        ).perJob,
        Setting(
            "source.keep", \.sources.keep, .days(in: 1...36_500),
            "how long exports are kept in done/, failed/ and superseded/, with their reports", usual: "for ever"
        ).perJob,
        Setting(
            "source.least-speed", \.sources.leastSpeed, .bytes,
            "the least bytes a second of a fetch, over a minute; a slower one is given up and goes on later"
        ).perJob,
        Setting(
            "source.poll", \.poll, .duration(in: .milliseconds(100)...Duration.seconds(86_400)),
            "time between two looks for exports"
        ).flag("duration", help: "Time between two looks").perJob.atOnce,
        Setting(
            "source.settle", \.settle, .duration(in: .zero...Duration.seconds(3600)),
            "time a file must be still before it is taken"
        ).flag("duration").perJob.atOnce,
        Setting(
            "source.include", \.sources.include, .globs, "names of exports in a folder, behind SFTP or in a bucket",
            // With blanks, so that a manual page can break the line.
            usual: Settings().sources.include.map { "\($0)" }.joined(separator: ", ")
        ).list.perJob,
        Setting(
            "source.exclude", \.sources.exclude, .globs, "names that are left alone although they are included"
        ).list.perJob,
        Setting(
            "source.trigger", \.sources.triggers, .triggers,
            "what is beside a whole export: an ending such as .ok, or a file for the whole folder such as _SUCCESS",
            usual: "none is waited for"
        ).list.perJob,
        Setting(
            "source.order", \.run.order, .choice,
            "what tells the order of exports: modified (the time of their last change) or name (the date in it)"
        ).perJob,
        Setting(
            "source.parts", \.run.parts, .choice,
            "what tells that several files are one export: name (customers-1of3.csv), manifest (one that lists its parts) "
                + "or off"
        ).perJob,
        Setting(
            "source.parts-within", \.sources.partsWithin, .duration(in: .seconds(1)...Duration.seconds(30 * 86_400)),
            "the longest time between the writing of two parts of one export; older ones are of an earlier export"
        ).perJob,
        Setting(
            "source.remember", \.remember, .days(in: 1...3660),
            "how long an export that is no longer there is remembered, so that it is not applied again, for instance 400d"
        ).perJob,
    ]

    private static let service = [
        Setting("http.listen", \.httpListen, .textOrOff, "HOST:PORT of the status endpoints, or off")
            .flag("host:port", name: "http", help: "Address of the status endpoints, or off"),
        Setting(
            "http.names", \.httpNames, .hostNames,
            "names under which browsers reach the page, beside those of loopback, for instance sync.example.com"
        ).list,
        Setting(
            "http.certificate", \.httpCertificate, .text,
            "PEM file of the certificate for TLS, with those between it and its authority", usual: "plain HTTP"),
        Setting("http.key", \.httpKey, .text, "PEM file of the private key of http.certificate"),
        Setting(
            "http.behind-proxy", \.httpBehindProxy, .bool,
            "a proxy speaks TLS for the page, which then may listen on other addresses than loopback without it"),
        Setting(
            "http.approval-token", \.approvalToken, .token,
            "secret of those who may approve and stop runs and see owners over HTTP, 16 characters or more",
            usual: "not set: only commands approve"
        ).secret,
        Setting("log.format", \.logFormat, .choice, "how a line of the log is written: logfmt or json"),
        Setting(
            "log.level", \.logLevel, .choice,
            "the least that is logged: trace, debug, info, notice, warning, error or critical",
            usual: "info for serve, else warning"),
    ]

    private static let notify = [
        Setting(
            "notify.webhook", \.notify.webhooks, .webAddresses,
            "URLs that get what begins and what is over in JSON, each change once"
        ).secret.list,
        Setting("notify.slack", \.notify.slack, .webAddresses, "incoming webhooks of Slack that get the same").secret
            .list,
        Setting("notify.teams", \.notify.teams, .webAddresses, "webhooks of Teams' workflows that get the same").secret
            .list,
        Setting(
            "notify.pagerduty", \.notify.pagerDuty, .keys, "routing keys of PagerDuty's Events API that get the same"
        ).secret.list,
        Setting(
            "notify.pagerduty-url", \.notify.pagerDutyURL, .webAddress, "URL that takes events in PagerDuty's form",
            usual: "PagerDuty's own"),
        Setting(
            "notify.mail-to", \.notify.mailTo, .mailAddresses, "addresses that get the same by mail over notify.smtp"
        ).list,
        Setting("notify.mail-from", \.notify.mailFrom, .mailAddress, "address that the mail is from"),
        Setting(
            "notify.smtp", \.notify.smtp, .mailServer,
            "mail server: smtp://HOST:PORT (STARTTLS, 587) or smtps://HOST:PORT (TLS from the start, 465)"),
        Setting("notify.smtp-user", \.notify.smtpUser, .text, "user for notify.smtp"),
        Setting("notify.smtp-password", \.notify.smtpPassword, .text, "password of notify.smtp-user").secret,
        Setting(
            "notify.smtp-ca-file", \.notify.smtpCAFile, .text,
            "PEM file of the authorities that may sign the certificate of notify.smtp", usual: "the system's"),
        Setting(
            "notify.heartbeat-url", \.notify.heartbeat, .webAddress,
            "URL that is asked for after each good run, with /start when one begins and /fail when one is not done"
        ).secret.perJob,
        Setting(
            "notify.success-within", \.notify.successWithin,
            .duration(in: .seconds(60)...Duration.seconds(400 * 86_400)),
            "how old the last success of a job may become before people are told, for instance 26h", usual: "any age"
        ).perJob,
    ]
}

extension Guard {
    fileprivate var deletesText: String { "\(maxDeletes), \(Limit.share(maxDeletesShare).typed)" }
    fileprivate var rejectedText: String { "\(maxRejected.typed), at least \(minRejected)" }
}

extension Limit {
    /// As a person types it, for instance `20%`.
    var typed: String { description.replacing(" ", with: "") }
}
