package import CartAssociations
import CommerceAPI
package import ExportFiles
package import SyncReporting

/// The settings that a run works by; each default stands here and nowhere else.
package struct RunSettings: Sendable {
    package var reading = ReadingOptions()
    /// The stream of exports that a snapshot of the run continues.
    package var source = "default"
    /// What tells the order of the source's exports.
    package var order: ExportOrder = .modified
    /// What tells that several files are one export.
    package var parts: PartsRule = .name
    package var scope: DeletionScope = .owned
    package var current: CurrentSource = .auto
    package var planGuard = Guard()
    package var oneOwnerPerCart = false
    /// Whether identifiers that differ from existing ones only in case are others on purpose.
    package var caseChanged = false
    /// Whether missing carts are created with the names that the export has.
    package var createsCarts = false
    /// The carts that the run is about; nil for all.
    package var shard: Shard?
    /// How many changes a listing has to confirm before the rest is made; 0 for none.
    package var canary = 0
    /// How long the listing may lag behind the changes.
    package var listingLag: Duration = APISettings.documentedLag
    /// The objectives that the report judges the run by.
    package var objectives: [ServiceObjective] = []
    /// Whether a crossed objective stops the run, resumable.
    package var abortsOnCrossing = false
    package var ownerKeys = OwnerKeySettings()
    /// Whether reports hide who owns a cart.
    package var hidesOwners = false

    package init() {}
}

/// How owners are found whose keys the exports have in the place of ids.
package struct OwnerKeySettings: Sendable {
    /// The path of a file of keys and ids; nil for none.
    package var crosswalk: String?
    /// How long it is believed what was found.
    package var fresh: Duration = .seconds(30 * 86_400)
    /// Whether accounts are asked for by a list of references, which only the newest description of the API has.
    package var takesReferenceLists = false

    package init() {}
}
