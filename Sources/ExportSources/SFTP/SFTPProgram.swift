import CallPacing
import Foundation
import Subprocess
import Synchronization

#if canImport(System)
    import System
#else
    import SystemPackage
#endif

/// A program that leads to an SFTP server by its standard input and output, as `ssh -s HOST sftp` does.
struct SFTPProgram: Sendable {
    /// Looked for in PATH if it has no slash.
    let name: String
    let arguments: [String]
    let patience: FetchPatience
    let time: TimeSource

    /// How a conversation failed.
    struct Failure: Error {
        /// The error of the conversation, or of starting the program.
        let error: any Error
        /// Why it was given up, if it was; a part of a sentence.
        let givenUp: String?
        /// What the program wrote to its standard error.
        let said: String
    }

    /// All of the environment that a program gets.
    static var environment: [Environment.Key: String] {
        let own = ProcessInfo.processInfo.environment
        var kept: [Environment.Key: String] = ["LC_ALL": "C", "TZ": "UTC"]
        for key in ["PATH", "HOME", "SSH_AUTH_SOCK"] { kept[Environment.Key(stringLiteral: key)] = own[key] }
        return kept
    }

    /// A pipe that fails is one to a program that has ended.
    private static func pipe<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch  where !(error is CancellationError) {
            throw SFTPError.closed
        }
    }

    /// Runs the program, and a conversation with it that has agreed on the version. The program has ended when this
    /// returns.
    func run<Value: Sendable>(
        _ body: (_ client: inout SFTPClient, _ watch: SFTPWatch) async throws -> Value
    ) async throws(Failure) -> Value {
        let watch = SFTPWatch(patience, time)
        var options = PlatformOptions()
        // A session of its own has no terminal to ask for a password, and what the program starts ends with it.
        options.createSession = true
        options.teardownSequence = [
            .gracefulShutDown(toProcessGroup: true, allowedDurationToNextStep: .seconds(2))
        ]
        let executable: Executable = name.contains("/") ? .path(FilePath(name)) : .name(name)
        let end: (outcome: Result<Value, any Error>, said: String)
        do {
            let result = try await Subprocess.run(
                executable, arguments: Arguments(arguments), environment: .custom(Self.environment),
                platformOptions: options, input: .inputWriter, output: .sequence, error: .string(limit: 1 << 20)
            ) { execution in
                let steps = options.teardownSequence
                let outcome = await watch.guarding {
                    var iterator = execution.standardOutput.makeAsyncIterator()
                    var client = SFTPClient(
                        send: { bytes in
                            try await Self.pipe { _ = try await execution.standardInputWriter.write(bytes) }
                        },
                        receive: {
                            let part = try await Self.pipe { try await iterator.next() }
                            let bytes = part.map { part in unsafe part.withUnsafeBytes { unsafe Array($0) } }
                            watch.heard(bytes?.count ?? 0)
                            return bytes
                        })
                    try await client.begin()
                    return try await body(&client, watch)
                } giveUp: {
                    await execution.teardown(using: steps)
                }
                try? await execution.standardInputWriter.finish()
                await execution.teardown(using: steps)
                return outcome
            }
            end = (result.closureResult, result.standardError)
        } catch {
            throw Failure(error: error, givenUp: watch.givenUp, said: "")
        }
        do {
            return try end.outcome.get()
        } catch {
            throw Failure(error: error, givenUp: watch.givenUp, said: end.said)
        }
    }
}
