import Foundation
import Synchronization
import TestSupport
import Testing

@testable import DurableFiles

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

@Suite("files that another process opens")
struct LentFilesTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("what a task reads is asked of the other process, its own folder apart, and what it writes is its own")
    func lending() throws {
        for name in ["theirs", "own"] { try folder.createFolder(name) }
        let theirs = try folder.write("theirs", to: "theirs/e.csv")
        let own = try folder.write("own", to: "own/e.csv")
        let asked = Mutex<[String]>([])
        let lent = LentFiles(ownFolder: folder.path("own")) { path, _ in
            asked.withLock { $0.append(path) }
            guard path == "e.csv" || path == "-" else { return .failure(SystemError(ENOENT)) }
            return Result { () throws(SystemError) in try SystemCalls.open(theirs, O_RDONLY) }
        }
        try LentFiles.$current.withValue(lent) {
            #expect(try FileSystem.contents("e.csv") == Array("theirs".utf8))
            #expect(try FileSystem.contents("e.csv") == Array("theirs".utf8), "each has a place of its own")
            #expect(try OpenFile.standardInput().contents() == Array("theirs".utf8))
            #expect(try FileSystem.contents(own) == Array("own".utf8))
            #expect(FileSystem.exists("e.csv") && FileSystem.exists(own))
            #expect(!FileSystem.exists("e.csv.manifest.json"))
            #expect(try FileSystem.status("e.csv")?.size == 6)
            #expect(try FileSystem.status(theirs) == nil)
            try DurableFile.write("new".utf8, to: folder.path("made"))
        }
        #expect(try folder.read("made") == "new")
        #expect(!asked.withLock { $0.contains(own) })
        #expect(FileSystem.exists(theirs))
    }

    @Test("what the other process may not read, this one reads by itself if it may, and nothing by a relative path")
    func refused() throws {
        let path = try folder.write("own", to: "e.csv")
        let lent = LentFiles(ownFolder: folder.path("own")) { _, _ in .failure(SystemError(EACCES)) }
        try LentFiles.$current.withValue(lent) { () throws in
            #expect(try FileSystem.contents(path) == Array("own".utf8))
            #expect(FileSystem.exists("anything"))
            let error = #expect(throws: FileError.self) { try FileSystem.contents("e.csv") }
            #expect(error?.code == EACCES)
        }
    }
}
