import CartAssociations
import Foundation

extension TextReport {
    /// Everything known about one cart or owner: the associations, then every planned change, oldest first.
    package func explanation(_ explanation: Explanation) -> String {
        page(
            [explanationHeadline(explanation)]
                + explanation.associations.map(knownAssociation)
                + [plannedChanges(explanation.changes)])
    }

    private func explanationHeadline(_ explanation: Explanation) -> [String] {
        let subject = explanation.subject.prefix(1).uppercased() + explanation.subject.dropFirst()
        guard !explanation.isUnknown else {
            return sentence(
                "Nothing is known of \(explanation.subject): the ledger has no association of it, and no run planned a "
                    + "change of it.", .warning)
        }
        let known = Figures.count(explanation.associations.count, "association")
        let planned = Figures.count(explanation.changes.count, "planned change")
        return sentence("\(subject) at \(explanation.store): \(known), \(planned).", .bold)
    }

    private func knownAssociation(_ known: Explanation.Known) -> [String] {
        let exists =
            switch known.confirmed {
            case "created": "yes, cartsync created it"
            case "already there": "yes, it was there already when cartsync asked"
            case "listed": "yes, it was seen in a listing"
            case let other?: other
            case nil: "not known to exist"
            }
        let asserted = known.sources.isEmpty ? "no source" : known.sources.joined(separator: ", ")
        return sentence("\(known.association)")
            + facts([
                ("exists", exists), ("asserted by", asserted), ("since", Self.time(known.since)),
                ("from", known.origin.map(origin) ?? "no run"),
            ])
    }

    private func origin(_ origin: Explanation.Origin) -> String {
        let run = "run \(origin.run)" + (origin.command.map { " (\($0))" } ?? "")
        guard let line = origin.line, let record = origin.record else { return run }
        return "\(run), record \(record) on line \(line) of \(origin.export ?? "its export")"
    }

    /// The changes as a table, each with a line below it that says of what, and from where.
    private func plannedChanges(_ changes: [Explanation.PlannedChange]) -> [String] {
        guard !changes.isEmpty else { return [] }
        var table = TextTable([
            .init(title: "when (UTC)", right: false), .init(title: "change", right: false),
            .init(title: "outcome", right: false), .init(title: "HTTP"), .init(title: "calls", dispensable: 2),
            .init(title: "service", dispensable: 1), .init(title: "response", dispensable: 3),
        ])
        for change in changes {
            table.rows.append([
                .init(Self.time(change.at, zone: "")), .init(change.kind.rawValue),
                .init(change.outcome?.rawValue ?? change.pending.map { "none, \($0)" } ?? "none", Self.style(change)),
                .init(change.status.map(String.init) ?? ""), .init(Figures.count(change.attempts)),
                .init(change.service.map(Figures.latency) ?? ""), .init(change.response.map(Figures.latency) ?? ""),
            ])
        }
        let lines = table.lines(width: width, color: color)
        var shown = Array(lines.prefix(1))
        for (line, change) in zip(lines.dropFirst(), changes) {
            shown.append(line)
            shown += sentence("\(change.association)", indent: 4)
            shown += sentence(origin(change.origin), .faint, indent: 4)
            if let message = change.message { shown += sentence(message, .faint, indent: 4) }
        }
        return shown
    }

    private static func style(_ change: Explanation.PlannedChange) -> TextStyle {
        switch change.outcome {
        case .created, .alreadyThere, .deleted, .alreadyGone: .good
        case .rejected, .failed: .bad
        case .skipped, nil: .warning
        }
    }

    private static func time(_ date: Date, zone: String = " UTC") -> String {
        var style = Date.ISO8601FormatStyle()
        style.timeZone = .gmt
        let text = date.formatted(style.year().month().day().time(includingFractionalSeconds: false))
        return text.replacing("T", with: " ").replacing("Z", with: "") + zone
    }
}
