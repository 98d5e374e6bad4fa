package import CartAssociations
package import Foundation

/// Everything known about one cart or one owner: what is associated with it now, and every change that any run
/// planned; `explain --output json` prints it.
package struct Explanation: Codable, Sendable, Equatable {
    /// What it is about, for instance `cart basket-4711` or `owner c-1`.
    package var subject: String
    package var store: String
    /// The associations that the ledger knows, in the order of carts.
    package var associations: [Known]
    /// Every planned change, oldest first.
    package var changes: [PlannedChange]
    /// The newest run that is no longer kept: changes of such runs are not shown. Nil if all are there.
    package var removedUntil: String?

    package init(subject: String, store: String, associations: [Known], changes: [PlannedChange]) {
        self.subject = subject
        self.store = store
        self.associations = associations
        self.changes = changes
    }

    /// Whether the ledger knows nothing of it.
    package var isUnknown: Bool { associations.isEmpty && changes.isEmpty }

    /// Where something was learnt.
    package struct Origin: Codable, Sendable, Equatable {
        package var run: String
        /// The run's command, for instance `sync` or `ledger import`; nil if the run is no longer known.
        var command: String?
        /// The export of the run; nil if it does not come from a record of an export.
        var export: String?
        var record: Int?
        var line: Int?

        package init(run: String, command: String?, export: String?, record: Int?, line: Int?) {
            self.run = run
            self.command = command
            self.export = export
            self.record = record
            self.line = line
        }
    }

    /// One association as the ledger has it.
    package struct Known: Codable, Sendable, Equatable {
        package var association: Association
        /// How it is known to exist: `created`, `already there` or `listed`; nil if it is not known to.
        package var confirmed: String?
        /// The sources that assert it.
        package var sources: [String]
        /// When it was last asserted anew or confirmed.
        var since: Date
        /// What asserted or confirmed it then.
        package var origin: Origin?
        /// Whether the run that did so is no longer kept, so that `origin` is nil; nil if not.
        package var runRemoved: Bool?

        package init(
            association: Association, confirmed: String?, sources: [String], since: Date, origin: Origin?,
            isRunRemoved: Bool = false
        ) {
            self.association = association
            self.confirmed = confirmed
            self.sources = sources
            self.since = since
            self.origin = origin
            runRemoved = isRunRemoved ? true : nil
        }
    }

    /// One change that a run planned.
    package struct PlannedChange: Codable, Sendable, Equatable {
        var kind: ChangeKind
        package var association: Association
        package var origin: Origin
        /// When it ended; when its run began if it has not ended.
        package var at: Date
        /// How it ended; nil if it was not made, or not yet.
        package var outcome: Outcome?
        /// The state of its run if it has no outcome, for instance `stopped`.
        package var pending: String?
        /// The last HTTP status.
        package var status: Int?
        package var attempts = 0
        /// Milliseconds of the last attempt.
        package var service: Double?
        /// Milliseconds from when it was due to the final answer.
        package var response: Double?
        /// What the store said.
        package var message: String?

        /// A change without an outcome; set what else is known.
        package init(_ kind: ChangeKind, _ association: Association, origin: Origin, at: Date) {
            self.kind = kind
            self.association = association
            self.origin = origin
            self.at = at
        }
    }
}
