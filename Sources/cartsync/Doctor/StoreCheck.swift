import CallPacing
import CartAssociations
import CommerceAPI
import Foundation
import SyncEngine
import SyncReporting

/// Looks at the way to the store and makes three calls: a token, a page of the listing, and what
/// application keys reserve of the store's limit.
struct StoreCheck {
    /// The documented limits (Elastic Path, Getting Started, rate limits).
    private static let developmentRate = 25
    private static let productionRate = 100
    private static let fewDays = 21
    private static let noticeableSeconds = 30

    let client: CommerceClient
    let options: APIOptions
    let settings: Settings

    func findings(now: Date = Date()) async -> [DoctorFinding] {
        var findings = connection(await client.tryConnection(), now: now)
        if findings.contains(where: { $0.state == .failed }) {
            findings.append(DoctorFinding("token", .skipped, "there is no connection"))
            return findings + rates(nil)
        }
        do {
            findings += token(try await client.checkToken())
            findings.append(try await listing())
        } catch {
            let topic = findings.contains { $0.topic == "token" } ? "listing" : "token"
            findings.append(.failed(topic, error.exitStatus, error.message, advice: advice(error.kind)))
        }
        let canAsk = options.authentication == .clientCredentials && !findings.contains { $0.state == .failed }
        return findings + rates(canAsk ? await client.checkReservedRates() : nil)
    }

    /// Judges the usual rate, and the highest of the schedule.
    private func rates(_ reserved: ReservedRates?) -> [DoctorFinding] {
        let usual = Self.rate(settings.rate, reserved)
        guard let span = settings.rateSchedule?.highest, let limit = span.limit else { return [usual] }
        return [usual, Self.rate(limit, reserved, of: "rate.schedule, \(span)")]
    }

    private func advice(_ kind: APIError.Kind) -> String {
        switch kind {
        case .credentialsRefused:
            "check EPCC_CLIENT_ID and EPCC_CLIENT_SECRET, and that they belong to this region's store"
        case .forbidden: "use an application key that may manage carts"
        default: "check the base URL, the network and the store's status, then run cartsync doctor again"
        }
    }

    private func connection(_ way: StoreConnection, now: Date) -> [DoctorFinding] {
        let target = options.proxy.map { "the proxy \($0)" } ?? options.baseURL.host
        var findings: [DoctorFinding] = []
        var missing: [(topic: String, advice: String)] = []
        func step(_ topic: String, _ step: StoreConnection.Step?, advice: String) {
            if let step {
                findings.append(DoctorFinding(topic, .ok, "\(step.words), after \(Figures.duration(step.took))"))
            } else {
                missing.append((topic, advice))
            }
        }
        step("name", way.name, advice: "check the name of \(target) and this machine's resolver")
        step("connection", way.connection, advice: "check the address of \(target), the firewall, and api.proxy")
        let speaksTLS = options.baseURL.isEncrypted && options.proxy == nil
        if speaksTLS {
            step("TLS", way.security, advice: "check the clock, and api.ca-file where a company's own authority signs")
        }
        if let failure = way.failure, let first = missing.first {
            findings.append(.failed(first.topic, .unavailable, "\(target): \(failure)", advice: first.advice))
        } else if !speaksTLS {
            let why =
                options.proxy == nil
                ? "plain HTTP, which is for this machine only" : "through \(target), tried with the token"
            findings.append(DoctorFinding("TLS", .skipped, why))
        }
        if let ends = way.certificateEnds { findings.append(Self.certificate(ends, now: now)) }
        return findings
    }

    static func certificate(_ ends: Date, now: Date) -> DoctorFinding {
        let days = Int((ends.timeIntervalSince(now) / 86_400).rounded(.down))
        let words = "ends in \(Count.text(days, "day")), at \(ends.formatted(.iso8601))"
        guard days < fewDays else { return DoctorFinding("certificate", .ok, words) }
        return DoctorFinding(
            "certificate", .warning, words, advice: "tell whoever runs \(days < 0 ? "it that it has ended" : "it")")
    }

    private func token(_ check: TokenCheck) -> [DoctorFinding] {
        let life = Figures.duration(check.life)
        return [
            DoctorFinding("token", .ok, "given for \(life), after \(Figures.duration(check.took))"),
            Self.clock(check.clockAhead),
        ]
    }

    static func clock(_ ahead: Int?) -> DoctorFinding {
        guard let ahead else { return DoctorFinding("clock", .skipped, "the store's answer has no date") }
        let words = "\(abs(ahead)) s \(ahead < 0 ? "behind" : "ahead of") the store's"
        if abs(ahead) <= noticeableSeconds { return DoctorFinding("clock", .ok, ahead == 0 ? "as the store's" : words) }
        return DoctorFinding(
            "clock", .warning, words,
            advice: "set it by NTP: deadlines, schedules and the times in reports go by it, and certificates too")
    }

    private func listing() async throws(APIError) -> DoctorFinding {
        if options.authentication == .shopper {
            return DoctorFinding("listing", .skipped, "with shoppers' tokens each shopper's carts are listed apart")
        }
        let check = try await client.checkListing()
        let took = "after \(Figures.duration(check.took))"
        guard let total = check.total else {
            return DoctorFinding(
                "listing", .note,
                "the store does not say how many carts there are, so that sync compares with the ledger")
        }
        let carts = Count.text(total, "cart")
        if check.isReachable { return DoctorFinding("listing", .ok, "\(carts), all within reach, \(took)") }
        return DoctorFinding(
            "listing", .note,
            "\(carts), \(took); a listing shows at most \(Count.text(client.reachableCarts)), so that sync compares with "
                + "the ledger")
    }

    /// Judges the rate by what the application keys reserve, if that is known, or by the documented limits, which
    /// shoppers share.
    ///
    /// - Parameter setting: what sets it.
    static func rate(_ rate: Int, _ reserved: ReservedRates? = nil, of setting: String = "rate.limit") -> DoctorFinding
    {
        guard let reserved, reserved.total > 0 else { return documented(rate, setting) }
        if let own = reserved.own, own > 0 {
            let words = "this key has \(own) calls a second of its own, and \(setting) is \(rate)"
            guard rate != own else { return DoctorFinding("rate", .ok, words) }
            return DoctorFinding(
                "rate", .note, words,
                advice: rate < own
                    ? "\(setting) could be \(own)"
                    : "what goes beyond \(own) is shared with all others: the pace finds out how much of it there is")
        }
        return DoctorFinding(
            "rate", .note,
            "\(rate) a second (\(setting)); this key has no rate of its own, and other keys keep \(reserved.total) of the store's limit "
                + "to themselves",
            advice:
                "what is left of the limit is shared with every key that has none: have a rate reserved for this key, or "
                + "lower it to what is left")
    }

    private static func documented(_ rate: Int, _ setting: String) -> DoctorFinding {
        let advice =
            "use an application key of its own with a reserved rate: shoppers share the store's limit with every key that has none"
        if rate > productionRate {
            return DoctorFinding(
                "rate", .warning, "\(rate) a second is over the \(productionRate) of a production store (\(setting))",
                advice: "lower it, unless the store has a limit of its own; \(advice)")
        }
        if rate > developmentRate {
            return DoctorFinding(
                "rate", .note,
                "\(rate) a second is over the \(developmentRate) of a development store, within the \(productionRate) of a "
                    + "production store (\(setting))",
                advice: advice)
        }
        return DoctorFinding(
            "rate", .ok,
            "\(rate) a second is within the \(developmentRate) of a development store and the \(productionRate) of a production "
                + "store (\(setting))", advice: advice)
    }
}
