import CartAssociations
import CommerceAPI
import Foundation
import SyncEngine

extension APIOptions {
    /// What every client of a command works with.
    ///
    /// Throws `InvalidConnectionSetting` if the certificates of `api.ca-file`, or the proxy that the environment
    /// names, cannot be used.
    init(
        _ baseURL: BaseURL, _ access: StoreAccess, _ settings: Settings,
        environment: [String: String] = ProcessInfo.processInfo.environment
    ) throws(InvalidConnectionSetting) {
        self.init(
            baseURL: baseURL,
            credentials: Credentials(clientID: access.clientID, clientSecret: access.clientSecret))
        self.settings = settings.api
        userAgent = "cartsync/\(Version.number)"
        if let file = settings.caFile { trusted = try TrustedCertificates(file: file) }
        proxy =
            switch settings.proxy {
            case .off: nil
            case .through(let proxy): proxy
            case .environment: try HTTPProxy.named(in: environment, for: baseURL)?.proxy
            }
    }

    /// The same, with the `Ending` thrown that says which setting is wrong.
    static func checked(_ access: StoreAccess, _ settings: Settings) throws -> APIOptions {
        func ending(_ problem: String) -> Ending {
            Ending(
                status: .badSettings, details: "cartsync: \(problem)", next: "correct it and run the command again")
        }
        do {
            return try APIOptions(try BaseURL(access.baseURL), access, settings)
        } catch let error as InvalidBaseURL {
            throw ending("api.base-url: \(error)")
        } catch let error as InvalidConnectionSetting {
            throw ending("\(error)")
        }
    }
}
