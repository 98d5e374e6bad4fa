import Foundation
import Synchronization

/// The built `cartsync` binary as a process.
package final class Program: Sendable {
    /// How a process ended, and all it wrote.
    package struct Result: Sendable {
        package let status: Int32
        package let output: String
        package let errors: String

        /// The last line of standard error.
        package var lastLine: String {
            errors.split(separator: "\n").last.map(String.init) ?? ""
        }
    }

    private let process = Mutex(Process())
    private let folder: TemporaryFolder
    private let ended: AsyncStream<Int32>

    /// Starts the program with a nearly empty environment, in a folder without a settings file.
    ///
    /// - Parameter executable: the path of another program, which is to be run in the same way.
    package init(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil, in directory: String? = nil,
        executable: String? = nil
    ) throws {
        let folder = try TemporaryFolder()
        self.folder = folder
        let (ended, continuation) = AsyncStream.makeStream(of: Int32.self)
        self.ended = ended
        let inputPath = try folder.write(input ?? "", to: "stdin")
        let outputPath = try folder.write("", to: "stdout")
        let errorPath = try folder.write("", to: "stderr")
        var variables = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin", "HOME": folder.path]
        variables.merge(environment) { $1 }
        // A build that counts which lines are executed has programs count into a few files that they share.
        if let profile = ProcessInfo.processInfo.environment["LLVM_PROFILE_FILE"] {
            let folder = URL(filePath: profile).deletingLastPathComponent().path
            variables["LLVM_PROFILE_FILE"] = folder + "/program-%4m.profraw"
        }
        try process.withLock { process in
            process.executableURL = try executable.map { URL(filePath: $0) } ?? Self.binary()
            process.arguments = arguments
            process.environment = variables
            process.currentDirectoryURL = URL(filePath: directory ?? folder.path)
            process.standardInput = FileHandle(forReadingAtPath: inputPath)
            process.standardOutput = FileHandle(forWritingAtPath: outputPath)
            process.standardError = FileHandle(forWritingAtPath: errorPath)
            process.terminationHandler = { process in
                continuation.yield(process.terminationReason == .uncaughtSignal ? -1 : process.terminationStatus)
                continuation.finish()
            }
            try process.run()
        }
    }

    /// Runs the program to its end.
    package static func run(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil, in directory: String? = nil
    ) async throws -> Result {
        try await Program(arguments, environment: environment, input: input, in: directory).result()
    }

    /// Waits for the end of the process.
    package func result() async throws -> Result {
        var status: Int32 = -1
        for await value in ended { status = value }
        return Result(status: status, output: try folder.read("stdout"), errors: try folder.read("stderr"))
    }

    /// What the program has written to standard error up to now.
    package func errorsSoFar() throws -> String { try folder.read("stderr") }

    package func outputSoFar() throws -> String { try folder.read("stdout") }

    package var processIdentifier: Int32 { process.withLock { $0.processIdentifier } }

    /// Whether the system has files about processes.
    package static var hasFacts: Bool { FileManager.default.fileExists(atPath: "/proc/self/stat") }

    /// Whether the program does something else at a signal than to end.
    package func hears(_ signal: Int32) -> Bool {
        let status = (try? String(contentsOfFile: "/proc/\(processIdentifier)/status", encoding: .utf8)) ?? ""
        return status.split(separator: "\n").contains { line in
            guard ["SigBlk:", "SigIgn:", "SigCgt:"].contains(where: line.hasPrefix) else { return false }
            let mask = line.split(separator: "\t").last.flatMap { UInt64($0, radix: 16) } ?? 0
            return mask & (1 << UInt64(signal - 1)) != 0
        }
    }

    /// How long processors have worked on the process, its user's time and the system's; nil if it has ended.
    package var processorTime: Duration? {
        // What comes before the closing bracket is the program's name, which may hold anything.
        guard let text = try? String(contentsOfFile: "/proc/\(processIdentifier)/stat", encoding: .utf8),
            let rest = text.lastIndex(of: ")")
        else { return nil }
        let fields = text[rest...].split(separator: " ")
        guard fields.count > 13, fields[1] != "Z", let user = Int(fields[12]), let system = Int(fields[13]) else {
            return nil
        }
        return .seconds(user + system) / sysconf(Int32(_SC_CLK_TCK))
    }

    package func send(signal number: Int32) {
        process.withLock { process in _ = kill(process.processIdentifier, number) }
    }

    /// The path of the binary that was built together with the tests.
    package static func path() throws -> String { try binary().path }

    private static func binary() throws -> URL {
        if let path = ProcessInfo.processInfo.environment["CARTSYNC_BINARY"] { return URL(filePath: path) }
        let tests = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        var folder = tests.deletingLastPathComponent()
        while folder.path != "/" {
            let candidate = folder.appending(path: "cartsync")
            if FileManager.default.isExecutableFile(atPath: candidate.path),
                (try? candidate.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile) == true
            {
                return candidate
            }
            folder.deleteLastPathComponent()
        }
        throw CocoaError(.fileNoSuchFile)
    }
}
