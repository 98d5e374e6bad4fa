import ExportSources
import SyncService

/// Who is told when something begins or is over.
struct NotifySettings: Sendable {
    var webhooks: [WebAddress] = []
    var slack: [WebAddress] = []
    var teams: [WebAddress] = []
    /// Routing keys.
    var pagerDuty: [String] = []
    /// Where PagerDuty takes events; nil for PagerDuty itself.
    var pagerDutyURL: WebAddress?
    var mailTo: [String] = []
    var mailFrom: String?
    var smtp: MailServer?
    var smtpUser: String?
    var smtpPassword: String?
    var smtpCAFile: String?
    var heartbeat: WebAddress?
    var successWithin: Duration?

    /// What is wrong with the settings, a sentence for each that names it.
    var problems: [String] {
        var problems: [String] = []
        let addresses: [(String, [WebAddress])] = [
            ("notify.webhook", webhooks), ("notify.slack", slack), ("notify.teams", teams),
            ("notify.pagerduty-url", [pagerDutyURL].compactMap(\.self)),
        ]
        for (key, addresses) in addresses where addresses.contains(where: \.isOpen) {
            problems.append("\(key): http would show the messages to the network; use https://")
        }
        if !mailTo.isEmpty {
            if smtp == nil { problems.append("notify.smtp is not set: which server sends the mail to notify.mail-to?") }
            if mailFrom == nil {
                problems.append("notify.mail-from is not set: whom is the mail to notify.mail-to from?")
            }
        }
        if (smtpUser == nil) != (smtpPassword == nil) {
            problems.append(
                "notify.smtp-\(smtpUser == nil ? "user" : "password") is not set: the two belong together")
        }
        return problems
    }

    /// Where messages go; only if there are no `problems`.
    func receivers() -> [Receiver] {
        var receivers = webhooks.map { Receiver.web(WebReceiver(.webhook, $0)) }
        receivers += slack.map { .web(WebReceiver(.slack, $0)) }
        receivers += teams.map { .web(WebReceiver(.teams, $0)) }
        if let address = pagerDutyURL ?? (try? WebAddress(WebReceiver.pagerDuty)) {
            receivers += pagerDuty.map { .web(WebReceiver(.pagerDuty(key: $0), address)) }
        }
        if let smtp, let mailFrom, !mailTo.isEmpty {
            let login = smtpUser.flatMap { user in smtpPassword.map { (user, $0) } }
            receivers.append(
                .mail(
                    MailReceiver(server: smtp, login: login, authorities: smtpCAFile, from: mailFrom, to: mailTo)))
        }
        return receivers
    }
}
