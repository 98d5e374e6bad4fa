import DurableFiles
import Foundation
import TestSupport
import Testing

struct DurableFileTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("a file has its name only when it is whole, and is readable by its owner alone")
    func wholeOrNotAtAll() throws {
        var file = try DurableFile(path: folder.path("a"))
        try file.append("one ".utf8)
        #expect(folder.names() == ["a.part"])
        try file.append("two".utf8)
        try file.finish(mustSyncFolder: true)
        #expect(folder.names() == ["a"])
        #expect(try folder.read("a") == "one two")
        #expect(try FileSystem.status(folder.path("a"))?.permissions == 0o600)
    }

    @Test("a file that is let go of leaves nothing, and the old one stays")
    func letGo() throws {
        _ = try folder.write("old", to: "a")
        do {
            var file = try DurableFile(path: folder.path("a"))
            try file.append(Array(repeating: 1, count: 1 << 20))
        }
        #expect(folder.names() == ["a"])
        #expect(try folder.read("a") == "old")
    }

    @Test("what an interrupted program left under the unfinished name is replaced, and a link there is not followed")
    func leftOver() throws {
        let precious = try folder.write("kept", to: "precious")
        try FileManager.default.createSymbolicLink(atPath: folder.path("a.part"), withDestinationPath: precious)
        try DurableFile.write("new".utf8, to: folder.path("a"))
        #expect(folder.names() == ["a", "precious"])
        #expect(try folder.read("precious") == "kept")
    }

    @Test("a file that cannot be written is named with the system's reason")
    func unwritable() throws {
        let error = #expect(throws: FileError.self) {
            try DurableFile.write("x".utf8, to: folder.path("none/a"))
        }
        #expect(
            error?.description
                == "cannot write \(folder.path("none/a")): No such file or directory; "
                + "see that its folder exists, has room and may be written, then try again")
        try FileSystem.makeFolder(folder.path("b/inside"))
        #expect(throws: FileError(folder.path("b"), .write, code: EISDIR)) {
            try DurableFile.write("x".utf8, to: folder.path("b"))
        }
        var file = try DurableFile(path: folder.path("b"))
        #expect(throws: FileError(folder.path("b"), .write, code: EISDIR)) { try file.finish() }
        #expect(folder.names() == ["b"])
    }

    @Test("a full disk is reported")
    func fullDisk() throws {
        let error = #expect(throws: FileError.self) {
            let file = try OpenFile("/dev/full", for: .appending)
            try file.write([1])
        }
        #expect(error?.code == ENOSPC)
    }

    @Test("a temporary file has no name, and gives back what was written at each offset")
    func spill() throws {
        let file = try SpillFile(folder: folder.path)
        #expect(folder.names().isEmpty)
        try file.write(unsafe [UInt8](1...3).span.bytes, at: 0)
        try file.write(unsafe [UInt8](4...5).span.bytes, at: 3)
        var bytes = [UInt8](repeating: 0, count: 3)
        func read(at offset: Int) throws {
            var span = bytes.mutableSpan
            // Unsafe only because raw bytes may make an invalid value of other types.
            var bytes = unsafe span.mutableBytes
            try file.read(into: &bytes, at: offset)
        }
        try read(at: 2)
        #expect(bytes == [3, 4, 5])
        #expect(throws: FileError(folder.path, .readSpilled, code: EIO)) {
            try read(at: 4)
        }
        #expect(throws: FileError(folder.path("none"), .makeSpill, code: ENOENT)) {
            _ = try SpillFile(folder: folder.path("none"))
        }
    }

    @Test("hexadecimal has two lowercase digits a byte")
    func hex() {
        #expect(Hex.text([0, 9, 16, 255]) == "000910ff")
        #expect(Hex.text([]) == "")
    }
}

struct FileSystemTests {
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test("folders are made with those above them, and removed with all that is in them, links not followed")
    func folders() throws {
        let deep = folder.path("a/b/c")
        #expect(try FileSystem.makeFolder(deep, permissions: 0o700))
        #expect(try !FileSystem.makeFolder(deep))
        #expect(try FileSystem.status(deep)?.permissions == 0o700)
        _ = try folder.write("kept", to: "precious")
        try FileManager.default.createSymbolicLink(
            atPath: deep + "/link", withDestinationPath: folder.path("precious"))
        FileSystem.removeIfEmpty(deep)
        #expect(FileSystem.exists(deep + "/link"))
        try FileSystem.remove(folder.path("a"))
        #expect(folder.names() == ["precious"])
        try FileSystem.remove(folder.path("a"))
        #expect(throws: FileError(folder.path("precious/x"), .make, code: ENOTDIR)) {
            try FileSystem.makeFolder(folder.path("precious/x"))
        }
        #expect(throws: FileError(folder.path("precious"), .make, code: EEXIST)) {
            try FileSystem.makeFolder(folder.path("precious"))
        }
    }

    @Test(
        "the folder of a path",
        arguments: [("a", "."), ("/a", "/"), ("b/a", "b"), ("/b/a/", "/b"), (".", "."), ("/", "/")])
    func folderOfPath(path: String, folder: String) {
        #expect(FileSystem.folder(of: path) == folder)
    }

    @Test("a whole file is read, up to a limit")
    func contents() throws {
        let path = try folder.write("some text", to: "a")
        #expect(try FileSystem.contents(path) == Array("some text".utf8))
        #expect(throws: FileError(path, .read, code: EFBIG)) { _ = try FileSystem.contents(path, limit: 8) }
        #expect(throws: FileError(folder.path, .read, code: EISDIR)) { _ = try FileSystem.contents(folder.path) }
        #expect(throws: FileError(folder.path("none"), .open, code: ENOENT)) {
            _ = try FileSystem.contents(folder.path("none"))
        }
    }

    @Test("names that are not UTF-8 are told apart from those that are")
    func names() throws {
        _ = try folder.write("", to: "a")
        let folderPath = folder.path
        var path = Array(folderPath.utf8CString.dropLast()) + [47, -1, 0]
        // Unsafe because the C call takes the path as a pointer, which it uses only during the call.
        unsafe fclose(fopen(&path, "w"))
        let listed = try FileSystem.names(in: folderPath)
        #expect(listed.names == ["a"])
        #expect(listed.unreadable == ["\u{FFFD}"])
    }

    @Test("the lock of a file is held by one at a time, and given back when it is closed")
    func locks() throws {
        let path = folder.path("lock")
        do {
            let first = try OpenFile(path, for: .changing)
            #expect(try first.lock())
            #expect(try !OpenFile(path, for: .changing).lock())
        }
        #expect(try OpenFile(path, for: .changing).lock())
    }

    @Test("times are set to the nanosecond, before 1970 too", arguments: [1_700_000_000_123_456_789, -1_500_000_000])
    func times(nanoseconds: Int64) throws {
        let file = try OpenFile(folder.path("a"), for: .making)
        let time = Duration.nanoseconds(nanoseconds)
        try file.setTimes(accessed: .zero, modified: time)
        #expect(try file.status().modified == time)
        #expect(throws: FileError(folder.path("a"), .write, code: EEXIST)) {
            _ = try OpenFile(folder.path("a"), for: .making)
        }
    }
}
