import Foundation

#if FUZZING
    /// libFuzzer's own `main`, with what it calls for each input.
    @_silgen_name("LLVMFuzzerRunDriver")
    private func runDriver(
        _ count: UnsafeMutablePointer<CInt>,
        _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
        _ check: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
    ) -> CInt
#endif

/// Gives inputs to a reader: those that libFuzzer makes, or without it those of files.
///
/// FUZZ_PARSER says which reader it is, FUZZ_FOLDER where files may be written, and FUZZ_KEY which file has the key of sealed
/// exports. A promise that is broken ends the program.
@main
private enum Entry {
    private static let environment = ProcessInfo.processInfo.environment

    private static let parser: Parser = {
        guard let parser = environment["FUZZ_PARSER"].flatMap(Parser.init) else {
            fatalError("FUZZ_PARSER is one of \(Parser.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return parser
    }()

    // One input at a time is checked.
    nonisolated(unsafe) private static let promises: Promises = {
        let folder = environment["FUZZ_FOLDER"] ?? FileManager.default.temporaryDirectory.path
        let key = environment["FUZZ_KEY"].flatMap { try? String(contentsOfFile: $0, encoding: .utf8) }
        return Promises(inputPath: "\(folder)/input-\(ProcessInfo.processInfo.processIdentifier)", key: key)
    }()

    static func check(_ bytes: [UInt8]) {
        do {
            try unsafe parser.check(bytes, promises)
        } catch {
            fatalError("\(error)")
        }
    }

    static func main() throws {
        #if FUZZING
            var count = CommandLine.argc
            // Unsafe because libFuzzer is C; the arguments live as long as the process.
            var arguments = unsafe CommandLine.unsafeArgv
            exit(
                unsafe runDriver(&count, &arguments) { start, count in
                    // Unsafe because libFuzzer owns the bytes until this returns; they are copied.
                    Entry.check(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
                    return 0
                })
        #else
            for path in CommandLine.arguments.dropFirst() {
                check(Array(try Data(contentsOf: URL(filePath: path))))
                print("\(path) breaks no promise")
            }
        #endif
    }
}
