import Foundation
import SyncReporting
import SyncService
import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The two streams of the program: results go to standard output, all else to standard error. They are those of another
/// process while a service does its command.
enum Terminal {
    private static var remote: HandedCommand? { Handed.current?.command }

    /// Whether a person sees standard error.
    static var errorIsTerminal: Bool {
        if let remote { return remote.request.terminal.errorIsTerminal }
        return isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }
    static var outputIsTerminal: Bool {
        remote?.request.terminal.outputIsTerminal ?? (isatty(STDOUT_FILENO) == 1)
    }
    /// Whether a person can be asked: both input and error are a terminal.
    static var canAsk: Bool {
        remote?.request.terminal.canAsk ?? (isatty(STDIN_FILENO) == 1 && isatty(STDERR_FILENO) == 1)
    }

    /// Whether colour may be used on standard output; `NO_COLOR` and `TERM=dumb` say no.
    static var outputHasColor: Bool {
        if let remote { return remote.request.terminal.outputHasColor }
        let environment = ProcessInfo.processInfo.environment
        return outputIsTerminal && (environment["NO_COLOR"] ?? "").isEmpty && environment["TERM"] != "dumb"
    }

    /// The width in columns; 80 if there is no terminal to ask.
    static var width: Int {
        if let remote { return remote.request.terminal.width }
        var size = winsize()
        // `ioctl` fills the struct whose address it is given and keeps no reference to it.
        for descriptor in [STDERR_FILENO, STDOUT_FILENO]
        where unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0 {
            return Int(size.ws_col)
        }
        return ProcessInfo.processInfo.environment["COLUMNS"].flatMap(Int.init) ?? 80
    }

    /// The progress line that stands at the bottom of the terminal, so that a message can be put above it.
    private static let standing = Mutex("")

    /// Whether a result could not be written, other than to a reader who went away.
    static var hasLostOutput: Bool { lostOutput.withLock { $0 } }

    private static let lostOutput = Mutex(false)

    /// Writes a result.
    static func output(_ text: String) {
        output(Array((text.hasSuffix("\n") ? text : text + "\n").utf8))
    }

    /// Writes a piece of a result: as it is into a file or a pipe, and to a terminal without what it would obey.
    static func output(_ bytes: [UInt8]) {
        if let remote { return remote.output(bytes) }
        let bytes = outputIsTerminal ? Array(TerminalText.safe(String(decoding: bytes, as: UTF8.self)).utf8) : bytes
        let code = write(bytes, to: STDOUT_FILENO)
        if code != 0 && code != EPIPE { lostOutput.withLock { $0 = true } }
    }

    /// Writes a message, above the progress line if there is one; names of files and answers of the store are
    /// in it, and move no cursor.
    static func message(_ text: String) {
        if let remote { return remote.message(text) }
        let text = text.split(separator: "\n", omittingEmptySubsequences: false).map {
            TerminalText.printable(String($0))
        }.joined(separator: "\n")
        standing.withLock { line in
            let clear = line.isEmpty ? "" : "\r\u{1B}[K"
            write(clear + text + "\n" + line, to: STDERR_FILENO)
        }
    }

    /// Replaces the progress line; an empty one removes it.
    static func progress(_ text: String) {
        if let remote { return remote.progress(text) }
        let text = TerminalText.safe(text)
        standing.withLock { line in
            guard line != text else { return }
            write("\r\u{1B}[K" + text, to: STDERR_FILENO)
            line = text
        }
    }

    /// Asks a yes-or-no question; anything but yes is no, and so is the end of the input.
    static func confirm(_ question: String) async -> Bool {
        if let remote { return await remote.ask(question) }
        return ask(question)
    }

    /// Asks the person at this process's own terminal, and waits for the answer.
    static func ask(_ question: String) -> Bool {
        write(TerminalText.safe(question) + " [y/N] ", to: STDERR_FILENO)
        asking.withLock { $0 = true }
        defer { asking.withLock { $0 = false } }
        let answer = readLine()?.trimmingCharacters(in: .whitespaces).lowercased()
        return answer == "y" || answer == "yes"
    }

    private static let asking = Mutex(false)

    /// Whether a question waits for its answer: nothing can be interrupted gently then.
    static var isAsking: Bool { asking.withLock { $0 } }

    /// Writes all of it, or what can be written: a closed pipe or a full disk under standard output is no reason
    /// to leave a run half done.
    ///
    /// Returns the system's error code, or 0.
    @discardableResult
    private static func write(_ text: String, to descriptor: Int32) -> Int32 { write(Array(text.utf8), to: descriptor) }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) -> Int32 {
        var bytes = bytes[...]
        while !bytes.isEmpty {
            // The buffer outlives the call, and `write` keeps no reference to it.
            let written = unsafe bytes.withUnsafeBytes { unsafe systemWrite(descriptor, $0.baseAddress, $0.count) }
            if written < 0 && errno == EINTR { continue }
            guard written > 0 else { return errno }
            bytes = bytes.dropFirst(written)
        }
        return 0
    }

    private static func systemWrite(_ descriptor: Int32, _ base: UnsafeRawPointer?, _ count: Int) -> Int {
        #if canImport(Glibc)
            unsafe Glibc.write(descriptor, base, count)
        #else
            unsafe Darwin.write(descriptor, base, count)
        #endif
    }
}
