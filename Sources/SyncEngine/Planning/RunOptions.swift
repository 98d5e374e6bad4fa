package import CartAssociations
package import ExportFiles
package import SyncReporting

/// What one run is asked to do.
package struct RunOptions: Sendable {
    /// The command that was typed, for the ledger and the report.
    package var command: String
    /// Paths of the exports, `-` for standard input; together they are one snapshot.
    package var exports: [String]
    package var reading: ReadingOptions
    package var source: String
    package var scope: DeletionScope
    package var current: CurrentSource
    package var planGuard: Guard
    package var oneOwnerPerCart: Bool
    /// The carts that the run is about; nil: all.
    package var shard: Shard?
    /// Whether the associations outside the scope are listed, not only counted.
    package var listsUnmanaged = false
    /// A CSV without a final line end may have been cut between two records.
    package var missingFinalNewline: MissingFinalNewline
    /// Carts that are worked on at the same time.
    package var concurrency: Int
    /// The limit in calls a second, for estimates and the report.
    package var rateLimit: Int
    /// The settings in use, secrets redacted, for the report.
    package var settings: [UsedSetting]
    /// Whether carts that are not there are created with the names that the export has.
    package var createsCarts = false
    /// When no further call is made.
    package var deadline: DeadlineMoment?
    /// How many changes a listing has to confirm before the rest is made; 0 for none.
    package var canary = 0
    /// How long the listing may lag behind the changes: the vendor says up to a minute when it is busy (Elastic Path,
    /// eventual consistency).
    package var canaryPatience: Duration = .seconds(60)
    /// The command that goes on with a run, for the report.
    package var resumeCommand: @Sendable (_ run: String) -> String = { "cartsync runs resume \($0)" }
    /// What the run shall keep; the report says whether it did.
    package var objectives: [ServiceObjective] = []
    /// Whether a crossed objective stops the run, resumable, or only tells.
    package var abortsOnCrossing = false
    /// Whether reports hide who owns a cart.
    package var hidesOwners = false

    package enum MissingFinalNewline: Sendable {
        case refused
        /// The run makes no deletes and says so.
        case makesNoDeletes
    }

    package struct UsedSetting: Sendable {
        package let name: String
        package let value: String
        package let origin: String

        package init(name: String, value: String, origin: String) {
            self.name = name
            self.value = value
            self.origin = origin
        }
    }

    package init(
        command: String, exports: [String], reading: ReadingOptions, source: String, scope: DeletionScope,
        current: CurrentSource, planGuard: Guard, oneOwnerPerCart: Bool, missingFinalNewline: MissingFinalNewline,
        concurrency: Int, rateLimit: Int, settings: [UsedSetting]
    ) {
        self.command = command
        self.exports = exports
        self.reading = reading
        self.source = source
        self.scope = scope
        self.current = current
        self.planGuard = planGuard
        self.oneOwnerPerCart = oneOwnerPerCart
        self.missingFinalNewline = missingFinalNewline
        self.concurrency = concurrency
        self.rateLimit = rateLimit
        self.settings = settings
    }
}
