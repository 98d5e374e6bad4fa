import CartAssociations
import DurableFiles
import Foundation
import TestSupport
import Testing

@testable import SyncReporting

@Suite struct ResultsFileTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path(ResultsFile.name) }

    init() throws { folder = try TemporaryFolder() }

    private func add(
        to file: inout ResultsFile, cart: String, owner: String = "o-1", message: String? = nil
    ) throws {
        let change = Change(
            .create, Association(.customer, try #require(OwnerID(owner)), try #require(CartID(cart))),
            place: RecordPlace(export: 0, record: 4, line: 6))
        let outcome = ChangeOutcome(
            .alreadyThere, answer: .success, status: 204, attempts: 2, service: .microseconds(12_345),
            response: .seconds(2.5), message: message)
        try file.add(change, outcome, export: "a, b.csv")
    }

    @Test("one line a change, RFC 4180, with the export's line")
    func line() throws {
        var file = try ResultsFile(path: path)
        try add(to: &file, cart: "c-1", message: "said \"no\"\nand left")
        #expect(!FileManager.default.fileExists(atPath: path))
        try file.finish()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(
            text == ResultsFile.columns.joined(separator: ",") + "\r\n"
                + "create,customer,o-1,c-1,already there,204,2,12.345,2500.000,\"a, b.csv\",4,6,"
                + "\"said \"\"no\"\"\u{FFFD}and left\"\r\n")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [ResultsFile.name])
    }

    @Test("owners are shown as told")
    func redaction() throws {
        var file = try ResultsFile(path: path) { _ in "hidden" }
        try add(to: &file, cart: "c-1", owner: "secret-owner")
        try file.finish()
        let text = try String(contentsOfFile: path, encoding: .utf8)
        #expect(text.contains(",hidden,c-1,"))
        #expect(!text.contains("secret-owner"))
    }

    @Test("a folder that is not there is named in the error")
    func missingFolder() {
        let path = folder.path("none/results.csv")
        #expect(throws: FileError(path, .write, code: ENOENT)) {
            var file = try ResultsFile(path: path)
            try file.finish()
        }
    }

    @Test("a link left under the unfinished name is replaced, not followed")
    func unfinishedLink() throws {
        let elsewhere = folder.path("precious")
        #expect(FileManager.default.createFile(atPath: elsewhere, contents: Data("kept".utf8)))
        try FileManager.default.createSymbolicLink(atPath: path + ".part", withDestinationPath: elsewhere)
        var file = try ResultsFile(path: path)
        try file.finish()
        #expect(try String(contentsOfFile: path, encoding: .utf8).hasPrefix("kind,"))
        #expect(try String(contentsOfFile: elsewhere, encoding: .utf8) == "kept")
    }

    @Test("a file that cannot get its name leaves nothing behind")
    func nothingLeft() throws {
        try FileManager.default.createDirectory(atPath: path + "/inside", withIntermediateDirectories: true)
        var file = try ResultsFile(path: path)
        #expect(throws: FileError(path, .write, code: EISDIR)) { try file.finish() }
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == [ResultsFile.name])
    }
}
