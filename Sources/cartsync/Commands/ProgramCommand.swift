import ArgumentParser
import CartAssociations

/// A command that says how it ended.
protocol ProgramCommand: AsyncParsableCommand {
    /// Does the work; returns nil if its result says all.
    ///
    /// Throws the `Ending` of a command that cannot be done.
    func work() async throws -> Ending?
}

extension ProgramCommand {
    func run() async throws {
        let ending = try await Traces.exported { try await work() }
        // A result that says all is no result if it could not be written.
        if let ending = ending ?? (Terminal.hasLostOutput ? Ending(status: .done) : nil) { Cartsync.end(ending) }
    }
}
