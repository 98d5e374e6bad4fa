import ArgumentParser
import CartAssociations
import Foundation
import SyncService

struct HealthCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "health",
        abstract: "Ask the service on this machine whether it polls.",
        discussion: """
            Asks /healthz at http.listen, as the settings have it for serve, and ends with 0 if the service polls, else with \
            69. It is the health check of an image, which has no shell to ask with.

            EXAMPLE
              cartsync health
              cartsync health --http 127.0.0.1:8480
            """)

    @OptionGroup var service: HealthFlags
    @OptionGroup var settings: SettingsFlags

    func work() async throws -> Ending? {
        let loaded = try Invocation(self).load()
        guard let text = loaded.settings.httpListen else {
            return Ending(
                status: .badSettings, details: "cartsync: http.listen is off: there is nobody to ask",
                next: "cartsync health --http HOST:PORT")
        }
        let address = try ListeningAddress(text)
        do {
            let status = try await HealthCheck.ask(
                host: address.host, port: address.port, isEncrypted: loaded.settings.httpCertificate != nil,
                within: .seconds(4))
            guard status == 200 else {
                let said = status.map { "answers \($0)" } ?? "does not answer as a service does"
                return Ending(
                    status: .unavailable, words: "the service is not well", details: "cartsync: \(text) \(said)",
                    next: "look at its log, and at /readyz")
            }
            return Ending(status: .done, summary: "the service polls")
        } catch {
            return Ending(
                status: .unavailable, words: "the service is not well",
                details: "cartsync: \(text) does not answer: \(error)",
                next: "see that cartsync serve runs, with this http.listen")
        }
    }
}

/// Where the page listens: `HOST:PORT`.
struct ListeningAddress {
    /// Without brackets.
    let host: String
    let port: Int

    /// Throws the `Ending` that says so if it is none.
    init(_ text: String) throws {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw Ending(
                status: .badSettings, details: "cartsync: http.listen is '\(text)': not HOST:PORT and not off",
                next: "cartsync serve --http 127.0.0.1:8480")
        }
        host = String(text[..<colon]).trimmingCharacters(in: ["[", "]"])
        self.port = Int(port)
    }
}
