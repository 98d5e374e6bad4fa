import CartAssociations
import Dispatch
import DurableFiles
import Foundation
import SyncEngine
import SyncReporting
import SyncService
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The other end of a command that the service on the same state folder does: this process is its terminal, and opens its
/// files.
final class HandOver: Sendable {
    private struct State {
        /// The run that changes the store; nil before.
        var run: String?
        /// The copy of standard input, which can be read once.
        var input: Result<OpenFile, SystemError>?
        var ended: CheckedContinuation<Ending, Never>?
    }

    private let channel: ControlChannel
    private let folder: String
    /// The paths that the command names.
    private let files: [String]
    private let isSameUser: Bool
    private let state = Mutex(State())

    private init(_ channel: ControlChannel, _ folder: String, files: [String], isSameUser: Bool) {
        self.channel = channel
        self.folder = folder
        self.files = files
        self.isSameUser = isSameUser
    }

    /// Has the service that works on the state folder do a command; returns nil if no service works on it.
    ///
    /// Throws the `Ending` that says why it cannot be asked.
    ///
    /// - Parameter files: the paths that the command names; nothing else is opened for a service of another user.
    static func toService(
        _ loaded: LoadedSettings, files: @autoclosure () throws -> [String] = []
    ) async throws -> Ending? {
        let folder = loaded.settings.stateFolder
        guard Handed.current == nil else { return nil }
        let channel: ControlChannel?
        do throws(SystemError) {
            channel = try ControlSocket.connect(folder)
        } catch {
            throw unreachable(folder, error.sentence)
        }
        guard let channel else { return nil }
        let user = channel.peer
        guard let user, ControlSocket.trusts(user, own: geteuid()) else {
            throw unreachable(folder, "it runs as user \(user.map(String.init) ?? "unknown"), and you are another one")
        }
        let over = HandOver(channel, folder, files: try files(), isSameUser: user == geteuid())
        let signals = OneSession.signals { _ = over.channel.send(ClientMessage.stop) }
        defer { withExtendedLifetime(signals) {} }
        let ending = await over.ending(of: CommandRequest(loaded))
        if Terminal.errorIsTerminal { Terminal.progress("") }
        return ending
    }

    private static func unreachable(_ folder: String, _ problem: String) -> Ending {
        Ending(
            status: .stateUnwritable, details: "cartsync: \(folder): the service there cannot be asked: \(problem)",
            summary: "nothing was done", next: "run the command as the service's own user or as root")
    }

    private func ending(of request: CommandRequest) async -> Ending {
        await withCheckedContinuation { ended in
            state.withLock { $0.ended = ended }
            channel.start(program: Version.text, ServiceMessage.self) { [self] message, _ in
                hear(message)
            } onEnd: { [self] end in
                lost(end)
            }
            _ = channel.send(ClientMessage.command(request))
        }
    }

    private func end(_ ending: Ending) {
        state.withLock { $0.ended.take() }?.resume(returning: ending)
    }

    // MARK: - What the service says

    private func hear(_ message: ServiceMessage) {
        switch message {
        case .output(let bytes): Terminal.output(Array(bytes))
        case .message(let text): Terminal.message(text)
        case .progress(let text): Terminal.progress(text)
        case .question(let question):
            // The service may have something to say before the answer.
            DispatchQueue.global().async { [self] in
                _ = channel.send(ClientMessage.answer(Terminal.ask(question)))
            }
        case .open(let path, let followingLinks): lend(path, followingLinks: followingLinks)
        case .applying(let run): state.withLock { $0.run = run }
        case .stopping(let calls): OneSession.tellStop(callsInFlight: calls)
        case .end(let end): self.end(Ending(end))
        case .refused(let sentence): end(Self.unreachable(folder, sentence))
        case .admitted: break
        }
    }

    private func lost(_ end: ControlChannel.End) {
        switch end {
        case .otherVersion(let program):
            self.end(
                Ending(
                    status: .stoppedEarly,
                    details: "cartsync: the service that works on \(folder) is cartsync \(program), and this is "
                        + "cartsync \(Version.text): they do not understand each other",
                    summary: "nothing was done",
                    next: "start the service again with this version, then \(TypedCommand.asTyped)"))
        case .closed:
            let run = state.withLock { $0.run }
            self.end(
                Ending(
                    status: .stoppedEarly,
                    details: "cartsync: the service that did the command is gone"
                        + (run.map { "; run \($0) is stopped, and nothing of it is lost" } ?? ""),
                    summary: run == nil ? "nothing was written" : "a part of the changes is made",
                    next: run.map { TypedCommand(name: "").next($0) } ?? TypedCommand.asTyped))
        }
    }

    // MARK: - Files

    private func lend(_ path: String, followingLinks: Bool) {
        let answer = Result { () throws(SystemError) in try open(path, followingLinks: followingLinks) }
        switch answer {
        case .success(let file):
            _ = file.withDescriptor { channel.send(ClientMessage.file(code: 0), descriptor: $0) }
        case .failure(let error): _ = channel.send(ClientMessage.file(code: error.code))
        }
    }

    private func open(_ path: String, followingLinks: Bool) throws(SystemError) -> OpenFile {
        if path == "-" {
            guard files.contains(path) else { throw SystemError(EACCES) }
            return try standardInput().get()
        }
        guard isSameUser || Self.belongs(path, to: files) else { throw SystemError(EACCES) }
        do {
            return try OpenFile(path, for: followingLinks ? .reading : .readingNoLink)
        } catch {
            throw SystemError(error.code)
        }
    }

    /// Whether a path is one that a person named, or of a file that stands beside it: its name goes on with an ending, or it
    /// lists checksums. A service of another user must not see more through root's eyes.
    static func belongs(_ path: String, to files: [String]) -> Bool {
        let name = URL(filePath: path).lastPathComponent
        let isChecksums = name.hasSuffix("SUMS") && name.allSatisfy { $0.isUppercase || $0.isNumber }
        return files.contains { file in
            if path == file { return true }
            let own = URL(filePath: file).lastPathComponent
            return FileSystem.folder(of: path) == FileSystem.folder(of: file) && !own.isEmpty
                && (isChecksums || name.hasPrefix(own + "."))
        }
    }

    /// Standard input, copied into a file without a name: a service does not wait for who writes it.
    private func standardInput() -> Result<OpenFile, SystemError> {
        state.withLock { state in
            if let input = state.input { return input }
            let copied = Result { () throws(SystemError) in
                do throws(FileError) {
                    return try Self.copyOfInput()
                } catch {
                    throw SystemError(error.code)
                }
            }
            state.input = copied
            return copied
        }
    }

    private static func copyOfInput() throws(FileError) -> OpenFile {
        let input = try OpenFile.standardInput()
        let copy = try OpenFile(unnamedIn: FileManager.default.temporaryDirectory.path)
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var written = 0
        while true {
            var room = buffer.mutableSpan
            let count = try input.read(into: &room)
            if count == 0 { return copy }
            // Written by its place, so that who reads it begins at its beginning.
            try copy.write(buffer.span.extracting(0..<count), at: written)
            written += count
        }
    }
}

extension CommandRequest {
    fileprivate init(_ loaded: LoadedSettings) {
        let handed = Set(Setting.all.filter(\.isHanded).map(\.key))
        var settings = loaded.used.filter { handed.contains($0.name) }.map { used in
            Given(
                name: used.name, value: used.name == "report.metrics-file" ? Self.absolute(used.value) : used.value,
                origin: used.origin)
        }
        // A time of the day is that of the person's zone.
        if loaded.settings.deadline != nil, loaded.settings.timeZone == nil {
            settings.append(
                Given(name: "rate.time-zone", value: TimeZone.current.identifier, origin: "the machine's"))
        }
        self.init(
            words: Array(CommandLine.arguments.dropFirst()), settings: settings,
            terminal: .init(
                errorIsTerminal: Terminal.errorIsTerminal, outputIsTerminal: Terminal.outputIsTerminal,
                outputHasColor: Terminal.outputHasColor, canAsk: Terminal.canAsk, width: Terminal.width),
            process: ProcessInfo.processInfo.processIdentifier)
    }

    private static func absolute(_ path: String) -> String {
        path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    }
}

extension Ending {
    fileprivate init(_ end: CommandEnd) {
        self.init(
            status: ExitStatus(rawValue: end.status) ?? .bug, details: end.details, summary: end.summary,
            next: end.next)
    }
}
