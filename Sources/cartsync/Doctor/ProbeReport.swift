import CommerceAPI
import SyncEngine
import SyncReporting

/// What a probe learnt, as a person reads it and as settings.
struct ProbeReport: Encodable, Sendable {
    struct Answer: Encodable, Sendable {
        let question: String
        let answer: String
    }

    let answers: [Answer]
    /// What to put into the settings file, by key.
    let settings: [String: String]
    /// What has to be removed by hand.
    let leftBehind: [String]
    /// Why it gave up in between; nil if it did not.
    let gaveUp: String?
    /// Whether an answer to a change is not believed.
    let isDoubted: Bool

    /// - Parameter acceptsUnknown: whether the ledger remembers that the store accepts unknown owners.
    init(_ findings: StoreProbe.Findings, acceptsUnknown: Bool) {
        var answers: [Answer] = []
        var settings: [String: String] = [:]
        func add(
            _ question: String, _ status: Int?, _ asked: StoreProbe.Question? = nil,
            _ meaning: (Int) -> String = { _ in "" }
        ) {
            var words = status.map { status in
                let meaning = meaning(status)
                return meaning.isEmpty ? "HTTP \(status)" : "HTTP \(status): \(meaning)"
            }
            if let came = asked.flatMap({ findings.doubted[$0] }) {
                words =
                    "\(came): not believed, since it is not in the store's documented form; in the end \(words ?? "nothing")"
            }
            answers.append(.init(question: question, answer: words ?? "not asked"))
        }
        func isGood(_ status: Int) -> Bool { (200..<300).contains(status) }
        add("a cart is created", findings.createCart)
        add("a cart is created whose id is taken", findings.existingCart) {
            isGood($0) ? "as if it were new" : "refused"
        }
        add("a customer that does not exist gets a cart", findings.unknownOwner, .unknownOwner) {
            guard isGood($0) else { return "refused" }
            return "accepted, so that an export with wrong ids would leave associations of nobody"
                + (acceptsUnknown ? "; runs look ids up from now on (sync.verify-owners)" : "")
        }
        if !acceptsUnknown, findings.acceptsUnknownOwners ?? false { settings["sync.verify-owners"] = "true" }
        add("an association is made", findings.association, .association)
        add("it is made again", findings.associationAgain, .associationAgain) { $0 == 204 ? "known to be there" : "" }
        add("it is deleted", findings.delete, .delete)
        add("an association is deleted that is not there", findings.missingDelete, .missingDelete) { status in
            isGood(status) ? "as if it had been" : "refused"
        }
        if let status = findings.missingDelete, [400, 410, 422].contains(status) {
            settings["api.already-gone"] = "404,\(status)"
        }
        if findings.answersEmpty { settings["api.empty-200"] = EmptyAnswer.believe.rawValue }
        add("a cart that does not exist is given to a customer", findings.unknownCart, .unknownCart) {
            isGood($0) ? "the store creates it, so that an export with dead carts brings them back" : "refused"
        }
        add("a page is listed beyond the offset \(APISettings.documentedOffset)", findings.offsetBeyondLimit) {
            status in
            findings.servesBeyondLimit ? "it has carts" : isGood(status) ? "it has none" : "refused"
        }
        if findings.servesBeyondLimit { settings["api.largest-offset"] = "10000000" }
        add("accounts are asked for by a list of references", findings.referenceList) { status in
            isGood(status) ? "it has lists, which take fewer calls" : "refused"
        }
        if findings.referenceList.map(isGood) ?? false { settings["api.reference-lists"] = "true" }
        if findings.askedListing {
            let lag = findings.listingLag
            answers.append(
                .init(
                    question: "the listing shows a fresh association",
                    answer: lag.map { "after \(Figures.duration($0))" } ?? "not within a minute"))
            if let lag {
                let seconds = max(5, Int((lag / .seconds(1)).rounded(.up)) * 4)
                if .seconds(seconds) > RunSettings().listingLag { settings["api.listing-lag"] = "\(seconds)s" }
            } else {
                settings["api.listing-lag"] = "300s"
            }
        }
        if findings.burst > 0 {
            answers.append(.init(question: "a 429 says how long to wait", answer: Self.wait(findings)))
        }
        self.answers = answers
        self.settings = settings
        leftBehind = findings.leftBehind
        gaveUp = findings.gaveUp
        isDoubted = !findings.doubted.isEmpty
    }

    private static func wait(_ findings: StoreProbe.Findings) -> String {
        guard let headers = findings.tooManyHeaders else { return "there was none among \(findings.burst) calls" }
        return headers.isEmpty
            ? "without a header that says how long to wait"
            : headers.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    }

    var lines: [String] {
        let width = answers.map(\.question.count).max() ?? 0
        var lines = answers.map { answer in
            answer.question + String(repeating: " ", count: width - answer.question.count + 2) + answer.answer
        }
        if let gaveUp { lines.append("given up: \(gaveUp)") }
        for left in leftBehind { lines.append("not removed: \(left); remove it by hand") }
        lines.append("")
        if settings.isEmpty {
            lines.append(
                isDoubted
                    ? "The store's answers are not believed, so that syncs would report failures: look at what answers."
                    : "The defaults of the settings fit this store.")
        } else {
            lines.append("For the settings file:")
            lines += settings.sorted { $0.key < $1.key }.map { "  \($0.key): \($0.value)" }
        }
        return lines
    }
}
