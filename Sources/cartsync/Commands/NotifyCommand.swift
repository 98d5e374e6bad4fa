import ArgumentParser
import CallPacing
import CartAssociations
import Foundation
import SyncService

struct NotifyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Send a message to everybody whom serve tells: a test, or that a unit has failed.",
        discussion: """
            EXAMPLE
              cartsync notify test
              cartsync notify failed cartsync.service
            """,
        subcommands: [TestNoticeCommand.self, FailedUnitCommand.self])
}

struct TestNoticeCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "test",
        abstract: "Send a test to every receiver of the settings (notify.webhook, notify.mail-to and others).",
        discussion: """
            Ends with 69 if one does not take it, and says which.

            EXAMPLE
              cartsync notify test
            """)

    @OptionGroup var settings: SettingsFlags

    func work() async throws -> Ending? {
        try await Notices.send(Invocation(self)) { .test(version: Version.text, store: $0, time: Date()) }
    }
}

struct FailedUnitCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "failed",
        abstract: "Tell every receiver that a unit of the service manager has failed.",
        discussion: """
            It is what the unit cartsync-failed@ calls. Without a receiver it does nothing.

            EXAMPLE
              cartsync notify failed cartsync.service
            """)

    @Argument(help: "The name of the unit.") var unit: String
    @OptionGroup var settings: SettingsFlags

    func work() async throws -> Ending? {
        try await Notices.send(Invocation(self), mayHaveNone: true) {
            .failed(unit: unit, version: Version.text, store: $0, time: Date())
        }
    }
}

/// One message to all receivers of the settings.
enum Notices {
    /// - Parameters:
    ///   - mayHaveNone: whether it is fine that there are no receivers.
    ///   - notice: the message for the store with this address.
    static func send(
        _ invocation: Invocation, mayHaveNone: Bool = false, _ notice: (_ store: String) -> Notice
    ) async throws -> Ending {
        let settings = try invocation.load().settings
        let problems = settings.notify.problems
        guard problems.isEmpty else {
            throw Ending(
                status: .badSettings, details: problems.map { "cartsync: \($0)" }.joined(separator: "\n"),
                next: "correct what is listed above, then \(invocation.typed.again())")
        }
        let receivers = settings.notify.receivers()
        guard !receivers.isEmpty else {
            if mayHaveNone { return Ending(status: .done, summary: "nobody is to be told (notify)") }
            throw Ending(
                status: .badSettings, details: "cartsync: nobody is to be told: no notify setting names a receiver",
                next: "set notify.webhook, notify.slack, notify.teams, notify.pagerduty or notify.mail-to")
        }
        let notice = notice(settings.baseURL ?? "no store")
        var failed = 0
        for receiver in receivers {
            do throws(NoticeError) {
                try await receiver.send(notice, time: .system)
                Terminal.message("cartsync: told \(receiver.name)")
            } catch {
                failed += 1
                Terminal.message("cartsync: \(receiver.name): \(error)")
            }
        }
        guard failed == 0 else {
            return Ending(
                status: .unavailable, words: "not everybody is told",
                summary: "\(failed) of \(Count.text(receivers.count, "receiver")) did not take the message",
                next: "correct the notify setting of the receiver that is named above, then \(invocation.typed.again())"
            )
        }
        return Ending(status: .done, summary: "\(Count.text(receivers.count, "receiver")) told")
    }
}
