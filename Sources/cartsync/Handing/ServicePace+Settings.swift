import CallPacing
import SyncService

extension SharedPace {
    /// The pace of the service that works on the state folder of some settings, for calls beside it.
    static func ofService(_ settings: Settings) -> SharedPace {
        ServicePace.shared(settings.stateFolder, version: Version.text) { Terminal.message("cartsync: warning: \($0)") }
    }
}
