import CartAssociations
import Foundation

/// Reads the file of a saved plan, line by line.
struct SavedPlanReader {
    let header: SavedPlan
    private let path: String
    private var lines: LineReader
    private let decoder: JSONDecoder
    private let headerBytes: Data

    /// Opens the file and reads its header.
    init(_ path: String) throws(SavedPlanError) {
        self.path = path
        decoder = JSONDecoder()
        decoder.dateDecodingStrategy = .millisecondsSince1970
        lines = try LineReader(path)
        guard let first = try lines.next(), let header = try? decoder.decode(SavedPlan.self, from: first) else {
            throw SavedPlanError(
                .malformed, path, "this is no saved plan", advice: "give a file that cartsync plan --out has written")
        }
        guard header.cartsyncPlan == SavedPlan.currentFormat else {
            throw SavedPlanError(.malformed, path, "another version of cartsync has made this plan")
        }
        headerBytes = first
        self.header = header
    }

    /// Visits every change and note; what was visited may be believed only after this returns.
    ///
    /// Throws `SavedPlanError` where the file is not as it was written, and whatever the visitor throws.
    mutating func read(ledgerKey: [UInt8], visit: (SavedPlanLine) throws -> Void) throws {
        let newline = Data([UInt8(ascii: "\n")])
        var seal = SavedPlanSeal(ledgerKey: ledgerKey)
        seal.add(headerBytes)
        seal.add(newline)
        var count = 0
        // A line is known to be the last one only when no other follows.
        var present = try lines.next()
        while let line = present {
            let following = try lines.next()
            guard following != nil else {
                guard let end = try? decoder.decode(SavedPlanEnd.self, from: line) else { throw cut }
                guard end.lines == count && end.seal == seal.text else {
                    throw SavedPlanError(.altered, path, "the plan is not as it was written")
                }
                return
            }
            seal.add(line)
            seal.add(newline)
            count += 1
            guard let change = try? decoder.decode(SavedPlanLine.self, from: line) else {
                throw SavedPlanError(.altered, path, line: count + 1, "this line is not as it was written")
            }
            try visit(change)
            present = following
        }
        throw cut
    }

    private var cut: SavedPlanError { SavedPlanError(.altered, path, "the end of the plan is missing") }
}

/// The lines of a file, without their ends.
struct LineReader {
    private let path: String
    private let file: FileHandle
    private var buffer = Data()
    private var isAtEnd = false

    private static let block = 1 << 18
    /// A header holds samples, settings and paths; a line beyond this is no line of ours.
    private static let longest = 16 << 20

    init(_ path: String) throws(SavedPlanError) {
        self.path = path
        var isFolder: ObjCBool = false
        // Unsafe because Foundation writes the answer through the pointer, and only during the call.
        let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard exists, !isFolder.boolValue, let file = FileHandle(forReadingAtPath: path) else {
            let problem =
                isFolder.boolValue
                ? "this is a folder" : exists ? "the plan cannot be read" : "there is no such file"
            throw SavedPlanError(.unreadable, path, problem, advice: "check the path and its permissions")
        }
        self.file = file
    }

    /// The next line; nil at the end of the file.
    mutating func next() throws(SavedPlanError) -> Data? {
        var searched = buffer.startIndex
        while true {
            if let end = buffer[searched...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { buffer = buffer[(end + 1)...] }
                return buffer[..<end]
            }
            if isAtEnd {
                defer { buffer = Data() }
                return buffer.isEmpty ? nil : buffer
            }
            guard buffer.count <= Self.longest else {
                throw SavedPlanError(.malformed, path, "this is no saved plan")
            }
            let unread = buffer.count
            buffer = Data(buffer)
            searched = unread
            do {
                guard let more = try file.read(upToCount: Self.block), !more.isEmpty else {
                    isAtEnd = true
                    continue
                }
                buffer.append(more)
            } catch {
                throw SavedPlanError(
                    .unreadable, path, "the plan cannot be read: \(error.localizedDescription)",
                    advice: "check the disk and the path's permissions")
            }
        }
    }
}
