import ArgumentParser
import CallPacing
import CartAssociations
import Foundation
import Ledger
import SyncEngine
import SyncReporting
import SyncService

struct ForgetCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget",
        abstract: "Take a person out of ledger, journals, reports and rejected records, and print a receipt.",
        discussion: """
            For a request to erase somebody's data. The owner's associations leave the ledger, and another name stands in \
            its place in journals, reports, lists of deletes and the copies of these in the inboxes. Neither the store nor \
            the exports are changed: take the person out of both first, since the next export that names it would be \
            synced. Exports that still name the person are listed in the receipt. No service may work on the folder meanwhile.

            EXAMPLE
              cartsync forget customer-4711 --yes
              cartsync forget account-12 --owner account --yes --output json > receipt.json
            """)

    @Argument(help: "The id of the owner.") var owner: String
    @Option(name: .customLong("owner"), help: "customer or account (customer).") var kind: OwnerKind = .customer
    @Flag(help: "Do it without asking.") var yes = false
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    func work() async throws -> Ending? {
        let invocation = Invocation(self)
        let loaded = try invocation.load()
        guard let id = OwnerID(owner) else {
            throw Ending(
                status: .usage, details: "cartsync: that is not the id of an owner", next: "cartsync forget --help")
        }
        let folder = loaded.settings.stateFolder
        guard !ControlSocket.isServed(folder) else {
            throw Ending(
                status: .stoppedEarly, details: "cartsync: a service works with the ledger in \(folder)",
                summary: "nothing was done", next: "stop the service, then \(invocation.typed.again())")
        }
        if !yes {
            guard Terminal.canAsk else {
                throw Ending(
                    status: .refused, summary: "there is nobody to ask", next: invocation.typed.again(adding: "--yes"))
            }
            guard await Terminal.confirm("Forget this owner for good?") else {
                throw Ending(status: .refused, summary: "nothing was done")
            }
        }
        let inboxes = loaded.serviceJobs.map { job in
            job.loaded.settings.sources.folder ?? "\(folder)/sources/\(job.name)"
        }
        do {
            let receipt = try LedgerAccess.with(loaded.settings, makesLedger: true) { ledger in
                guard let erasure = PersonErasure(Owner(kind: kind, id: id), from: ledger, time: .system) else {
                    throw RunFailure.bug("no name can be made")
                }
                return try erasure.erase(inboxes: inboxes)
            }
            output.output.show(receipt) { _ in receipt.text }
            return Ending(
                status: .done,
                summary: "\(Count.text(receipt.associations, "association")), "
                    + "\(Count.text(receipt.changes, "planned change")), \(Count.text(receipt.files.count, "file"))",
                next: receipt.left.isEmpty ? nil : "take the person out of the files that are left, or remove them")
        } catch let failure as RunFailure {
            throw Ending(failure)
        }
    }
}

extension PersonErasure.Receipt {
    /// The receipt for a person, which does not have the id.
    fileprivate var text: String {
        var lines = [
            "Forgotten at \(time.formatted(.iso8601)); \(forgotten) stands where the owner stood.",
            "  associations    \(Count.text(associations)) removed from the ledger",
            "  planned changes \(Count.text(changes)) in the journals",
            "  files           \(Count.text(files.count))",
        ]
        lines += files.map { "    \($0)" }
        lines.append("  not changed     the store; backups of the ledger that lie elsewhere; what is packed")
        lines += left.map { "    \($0) still names the owner, or may" }
        return lines.map(TerminalText.printable).joined(separator: "\n")
    }
}
