import ArgumentParser

/// A command that says how it ended.
protocol ProgramCommand: AsyncParsableCommand {
    /// Does the work; returns nil if its result says all.
    ///
    /// Throws the `Ending` of a command that cannot be done.
    func work() async throws -> Ending?
}

extension ProgramCommand {
    func run() async throws {
        if let ending = try await work() { Cartsync.end(ending) }
    }
}
