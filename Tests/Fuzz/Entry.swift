import Foundation

#if FUZZING
    /// What libFuzzer, which brings the `main` of its own, calls for each input.
    @_cdecl("LLVMFuzzerTestOneInput")
    public func checkInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
        // Unsafe because libFuzzer owns the bytes until this returns; they are copied.
        Entry.check(unsafe Array(UnsafeBufferPointer(start: start, count: count)))
        return 0
    }
#endif

/// Gives inputs to a reader: those that libFuzzer makes, or without it those of files.
///
/// FUZZ_PARSER says which reader it is, FUZZ_FOLDER where files may be written, and FUZZ_KEY which file has the key of sealed
/// exports. A promise that is broken ends the program.
#if !FUZZING
    @main
#endif
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

    #if !FUZZING
        static func main() throws {
            for path in CommandLine.arguments.dropFirst() {
                check(Array(try Data(contentsOf: URL(filePath: path))))
                print("\(path) breaks no promise")
            }
        }
    #endif
}
