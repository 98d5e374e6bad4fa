import ArgumentParser
import CartAssociations
import Ledger
import SyncEngine
import SyncReporting

struct ExplainCommand: ProgramCommand {
    static let configuration = CommandConfiguration(
        commandName: "explain",
        abstract: "Everything known about one cart, or one owner: export record, run, call, when.",
        discussion: """
            Tells from the ledger which associations are known, how, since when and from which record of which export,
            and every change that any run planned, with its outcome. Makes no call and needs no credentials.

            EXAMPLE
              cartsync explain basket-4711
              cartsync explain --owner 2f1c7a52-0d6b-4b1f-9a55-0f6a2f2f7f10 --kind account
            """)

    @Argument(help: ArgumentHelp("Id of the cart.", valueName: "cart"))
    var cart: String?
    @Option(help: ArgumentHelp("Id of a customer or an account, in the place of a cart.", valueName: "id"))
    var owner: String?
    @Option(help: ArgumentHelp("customer or account, where only one of them is meant.", valueName: "kind"))
    var kind: OwnerKind?
    @OptionGroup var settings: SettingsFlags
    @OptionGroup var output: OutputFlags

    func validate() throws {
        guard (cart == nil) != (owner == nil) else { throw ValidationError("give either a cart or --owner ID") }
        guard kind == nil || owner != nil else { throw ValidationError("--kind goes with --owner") }
        if let cart, CartID(cart) == nil {
            throw ValidationError("'\(TerminalText.printable(cart))' is not the id of a cart: A-Z a-z 0-9 _ -")
        }
        if let owner, OwnerID(owner) == nil {
            throw ValidationError("'\(TerminalText.printable(owner))' is not the id of an owner: no spaces")
        }
    }

    func work() throws -> Ending? {
        try LedgerAccess.with(Invocation(self)) { ledger in
            let explanation = try explain(ledger)
            output.output.show(explanation) { $0.explanation(explanation) }
            guard explanation.isUnknown else {
                return Ending(
                    status: .done,
                    next: explanation.changes.last.map { TypedCommand(name: "").another("runs show", [$0.origin.run]) })
            }
            return Ending(
                status: .done, summary: "nothing is known of it",
                next: "check the id, and that --state names the right folder (\(ledger.folder)); cartsync plan EXPORT "
                    + "shows whether an export would create it")
        }
    }

    private func explain(_ ledger: Ledger) throws -> Explanation {
        if let cart = cart.flatMap(CartID.init) { return try .of(cart, in: ledger) }
        guard let owner = owner.flatMap(OwnerID.init) else { throw ValidationError("give either a cart or --owner ID") }
        return try .of(owner, kind, in: ledger)
    }
}

extension OwnerKind: ExpressibleByArgument {}
