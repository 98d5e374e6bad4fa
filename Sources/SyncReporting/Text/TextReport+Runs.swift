/// One run in the list of runs.
package struct RunLine: Sendable, Equatable {
    package var run: String
    package var state: String
    package var command: String
    package var source: String
    package var creates: Int
    package var deletes: Int
    package var exitStatus: Int?
    package var reason: String?

    package init(
        run: String, state: String, command: String, source: String, creates: Int, deletes: Int, exitStatus: Int?,
        reason: String?
    ) {
        self.run = run
        self.state = state
        self.command = command
        self.source = source
        self.creates = creates
        self.deletes = deletes
        self.exitStatus = exitStatus
        self.reason = reason
    }
}

/// One run that waits for a person.
package struct WaitingLine: Sendable, Equatable {
    package var run: String
    package var job: String
    package var export: String
    package var creates: Int
    package var deletes: Int
    package var reason: String
    package var isApproved: Bool

    package init(
        run: String, job: String, export: String, creates: Int, deletes: Int, reason: String, isApproved: Bool
    ) {
        self.run = run
        self.job = job
        self.export = export
        self.creates = creates
        self.deletes = deletes
        self.reason = reason
        self.isApproved = isApproved
    }
}

extension TextReport {
    /// The runs that wait for a person, in the order given.
    package func waiting(_ runs: [WaitingLine]) -> String {
        guard !runs.isEmpty else { return page([["No run waits for approval."]]) }
        var table = TextTable([
            .init(title: "run", right: false), .init(title: "job", right: false, dispensable: 3),
            .init(title: "export", right: false, dispensable: 4), .init(title: "creates", dispensable: 2),
            .init(title: "deletes", dispensable: 1), .init(title: "approved", right: false, dispensable: 5),
            .init(title: "why it waits", right: false, dispensable: 6),
        ])
        for run in runs {
            table.rows.append([
                .init(run.run), .init(run.job), .init(run.export), .init(Figures.count(run.creates)),
                .init(Figures.count(run.deletes)), .init(run.isApproved ? "yes" : "no"), .init(run.reason),
            ])
        }
        return page([table.lines(width: width, color: color)])
    }

    /// The list of runs, in the order given.
    package func runs(_ runs: [RunLine]) -> String {
        guard !runs.isEmpty else { return page([["No runs yet."]]) }
        var table = TextTable([
            .init(title: "run", right: false), .init(title: "state", right: false),
            .init(title: "command", right: false, dispensable: 2),
            .init(title: "source", right: false, dispensable: 1),
            .init(title: "creates", dispensable: 3), .init(title: "deletes", dispensable: 4),
            .init(title: "exit", dispensable: 5), .init(title: "how it ended", right: false, dispensable: 6),
        ])
        for run in runs {
            table.rows.append([
                .init(run.run), .init(run.state, Self.style(run.state)), .init(run.command), .init(run.source),
                .init(Figures.count(run.creates)), .init(Figures.count(run.deletes)),
                .init(run.exitStatus.map(String.init) ?? ""), .init(run.reason ?? ""),
            ])
        }
        return page([table.lines(width: width, color: color)])
    }

    /// One run: its facts, and how many of its changes ended how.
    package func run(_ facts: [(name: String, text: String)], _ outcomes: RunOutcomes) -> String {
        page([self.facts(facts), outcomeTable(outcomes)])
    }

    private static func style(_ state: String) -> TextStyle {
        switch state {
        case "finished": .good
        case "stopped", "applying", "refused", "waiting": .warning
        case "failed": .bad
        default: .plain
        }
    }
}
