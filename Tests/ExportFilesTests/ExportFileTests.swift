import DurableFiles
import Foundation
import TestSupport
import Testing

@testable import ExportFiles

struct ExportFileTests {
    @Test("what is no readable regular file is unreadable, and the message says why")
    func unreadable() throws {
        let folder = try TemporaryFolder()
        let root = folder.path
        let missing = #expect(throws: ExportError.self) {
            _ = try ExportFile.open(root + "none.csv", spoolFolder: root)
        }
        #expect(missing?.fault == .missing)
        #expect(missing?.isUnreadable == true)
        let directory = #expect(throws: ExportError.self) { _ = try ExportFile.open(root, spoolFolder: root) }
        #expect(directory?.fault == .notAFile)
        #expect(directory?.isUnreadable == true)
        let device = #expect(throws: ExportError.self) { _ = try ExportFile.open("/dev/null", spoolFolder: root) }
        #expect(device?.fault == .notAFile)
    }

    @Test("a link is followed at a path, and never in a folder, nor from an export to what lies beside it")
    func links() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(BytesTests.text, to: "a.csv")
        let path = folder.path("b.csv")
        try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: file)
        #expect(try ExportFile.open(path, spoolFolder: "").size == BytesTests.text.count)
        let open = try OpenFolder(folder.path)
        let error = #expect(throws: ExportError.self) { _ = try ExportFile.open("b.csv", in: open) }
        #expect(error?.fault == .notAFile)
        for name in ["../a.csv", "/etc/passwd", ".", "..", ""] {
            #expect(throws: ExportError.self) { _ = try ExportFile.open(name, in: open) }
        }
        try folder.write("{\"records\": 1}", to: "elsewhere")
        for companion in ["a.csv.manifest.json", "a.csv.sha256", "SHA256SUMS"] {
            try FileManager.default.createSymbolicLink(
                atPath: folder.path(companion), withDestinationPath: folder.path("elsewhere"))
            for export in [try ExportFile.open(file, spoolFolder: ""), try ExportFile.open("a.csv", in: open)] {
                let error = #expect(throws: ExportError.self) {
                    _ = try ExportManifest.beside(export)
                    _ = try ExportChecksum.beside(export)
                }
                #expect(error?.fault == .notAFile, "\(companion)")
            }
            try FileManager.default.removeItem(atPath: folder.path(companion))
        }
    }

    @Test("an export that was opened in a folder has what lies beside it there, whatever the folder's name leads to")
    func exchangedFolder() throws {
        let folder = try TemporaryFolder()
        try folder.createFolder("mine")
        try folder.createFolder("theirs")
        try folder.write("customer_id,cart_id\nc-1,cart-1\n", to: "mine/a.csv")
        try folder.write("{\"records\": 1}", to: "mine/a.csv.manifest.json")
        try folder.write("{\"records\": 2}", to: "theirs/a.csv.manifest.json")
        let export = try ExportFile.open("a.csv", in: try OpenFolder(folder.path("mine")))
        try FileManager.default.moveItem(atPath: folder.path("mine"), toPath: folder.path("taken"))
        try FileManager.default.createSymbolicLink(
            atPath: folder.path("mine"), withDestinationPath: folder.path("theirs"))
        #expect(try ExportManifest.beside(export)?.records == 1)
        #expect(try ExportReader().facts(of: export).records == 1)
    }

    @Test("a file that grows while it is read, or between two readings, is refused")
    func growing() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(BytesTests.text, to: "a.csv")
        let file = try ExportFile.open(path, spoolFolder: "")
        let reader = ExportReader()
        let during = #expect(throws: ExportError.self) {
            var reading = try reader.read(file)
            _ = try reading.next()
            try append("c-3,k-3\n", to: path)
            while try reading.next() != nil {}
        }
        #expect(during?.fault == .changed)
        #expect(during?.isUnreadable == false)
        let again = try ExportFile.open(path, spoolFolder: "")
        _ = try reader.facts(of: again)
        try append("c-4,k-4\n", to: path)
        let between = #expect(throws: ExportError.self) {
            _ = try reader.facts(of: again)
        }
        #expect(between?.fault == .changed)
    }

    @Test("content that changes without a trace in size and time is told by its digest")
    func sameSize() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(BytesTests.text, to: "a.csv")
        let file = try ExportFile.open(path, spoolFolder: "")
        try file.checkUnchanged(bytesRead: file.size, sha256: "one")
        try file.checkUnchanged(bytesRead: file.size, sha256: "one")
        #expect(throws: ExportError.self) { try file.checkUnchanged(bytesRead: file.size, sha256: "two") }
        #expect(throws: ExportError.self) { try file.checkUnchanged(bytesRead: file.size - 1, sha256: "one") }
    }

    @Test("a file that is renamed or replaced while it is open stays the one that was opened")
    func renamed() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write(BytesTests.text, to: "a.csv")
        let file = try ExportFile.open(path, spoolFolder: "")
        try FileManager.default.moveItem(atPath: path, toPath: path + ".working")
        try folder.write(Array("other".utf8), to: "a.csv")
        let facts = try ExportReader().facts(of: file)
        #expect(facts.records == 2)
    }

    @Test("standard input is copied to a file without a name, which can be read twice")
    func spooled() throws {
        let folder = try TemporaryFolder()
        let pipe = Pipe()
        try pipe.fileHandleForWriting.write(contentsOf: Data(BytesTests.text))
        try pipe.fileHandleForWriting.close()
        let root = folder.path
        let input = try OpenFile("/dev/fd/\(pipe.fileHandleForReading.fileDescriptor)", for: .reading)
        let file = try ExportFile.spool(input, name: "standard input", folder: root)
        #expect(try FileManager.default.contentsOfDirectory(atPath: root).isEmpty)
        for _ in 0..<2 {
            let facts = try ExportReader().facts(of: file)
            #expect(facts.records == 2)
        }
        let error = #expect(throws: ExportError.self) {
            _ = try ExportFile.spool(input, name: "standard input", folder: root + "none")
        }
        #expect(error?.isUnwritable == true)
    }

    private func append(_ text: String, to path: String) throws {
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(text.utf8))
        try handle.close()
    }
}

struct ManifestTests {
    private func check(_ name: String) throws {
        let path = samplePath(name)
        let file = try ExportFile.open(path, spoolFolder: "")
        let manifest = try #require(try ExportManifest.beside(file))
        let facts = try ExportReader().facts(of: file)
        try manifest.check(facts, of: file)
    }

    @Test("a manifest that agrees passes, and an export without one needs none")
    func agrees() throws {
        try check("manifest.csv")
        #expect(try ExportManifest.beside(try ExportFile.open(samplePath("crlf.csv"), spoolFolder: "")) == nil)
    }

    @Test(
        "a manifest that disagrees or says nothing refuses the export",
        arguments: ["manifest-count.csv", "manifest-digest.csv", "manifest-unclear.csv"])
    func disagrees(_ name: String) throws {
        let error = #expect(throws: ExportError.self) { try check("broken/" + name) }
        #expect(error?.fault == .manifest)
    }

    @Test(
        "a manifest with another number of records refuses the export, be it more or fewer",
        arguments: [(0, false), (1, false), (2, true), (3, false)])
    func records(stated: Int, isRight: Bool) throws {
        let folder = try TemporaryFolder()
        try folder.write("{\"records\": \(stated)}", to: "a.csv.manifest.json")
        let path = try folder.write("customer_id,cart_id\nc-1,cart-1\nc-2,cart-2\n", to: "a.csv")
        let export = try ExportFile.open(path, spoolFolder: "")
        let manifest = try #require(try ExportManifest.beside(export))
        let facts = try ExportReader().facts(of: export)
        if isRight {
            try manifest.check(facts, of: export)
        } else {
            let error = #expect(throws: ExportError.self) { try manifest.check(facts, of: export) }
            #expect(error?.fault == .manifest)
        }
    }

    @Test(
        "a manifest that is none refuses the export",
        arguments: [
            "", "[]", "{", "{\"records\":\"2\"}", "{\"records\":-1}", "{\"sha256\":\"abc\"}", "{}",
            "{\"records\":2,\"records\":1}",
        ])
    func malformed(_ text: String) throws {
        let folder = try TemporaryFolder()
        try folder.write(text, to: "a.csv.manifest.json")
        let export = try ExportFile.open(try folder.write("x", to: "a.csv"), spoolFolder: "")
        let error = #expect(throws: ExportError.self) { _ = try ExportManifest.beside(export) }
        #expect(error?.fault == .manifest)
    }
}
