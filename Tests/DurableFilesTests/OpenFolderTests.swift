import Foundation
import TestSupport
import Testing

@testable import DurableFiles

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

@Suite("An open folder")
struct OpenFolderTests {
    private let scratch: TemporaryFolder
    private let folder: OpenFolder

    init() throws {
        scratch = try TemporaryFolder()
        try scratch.createFolder("a")
        try scratch.createFolder("b")
        folder = try OpenFolder(scratch.path("a"))
    }

    private func code(_ body: () throws -> Void) -> Int32? {
        do { try body() } catch { return (error as? FileError)?.code }
        return nil
    }

    @Test("a move and a link overwrite nothing, in the folder and in another one")
    func keeps() throws {
        let other = try OpenFolder(scratch.path("b"))
        for (name, text) in [("a/x", "x"), ("a/y", "y"), ("b/y", "other")] { try scratch.write(text, to: name) }
        try FileManager.default.createSymbolicLink(atPath: scratch.path("b/broken"), withDestinationPath: "nowhere")
        for target in ["y", "broken"] {
            #expect(code { try folder.move("x", to: other, as: target) } == EEXIST)
            #expect(code { try folder.link("x", to: other, as: target) } == EEXIST)
        }
        #expect(code { try folder.move("x", to: folder, as: "y") } == EEXIST)
        #expect(try scratch.read("b/y") == "other" && scratch.read("a/y") == "y")
        try folder.link("x", to: other, as: "x")
        try folder.move("x", to: other, as: "z")
        #expect(scratch.names(in: "a") == ["y"] && scratch.names(in: "b") == ["broken", "x", "y", "z"])
        #expect(code { try folder.move("gone", to: other, as: "gone") } == ENOENT)
    }

    @Test("a name is that of an entry, whatever it is", arguments: ["", ".", "..", "/etc/passwd", "../b/x", "sub/x"])
    func names(name: String) throws {
        try scratch.createFolder("a/sub")
        for path in ["a/sub/x", "b/x"] { try scratch.write("x", to: path) }
        #expect(code { _ = try folder.status(of: name) } == EINVAL)
        #expect(code { _ = try folder.folder(name) } == EINVAL)
        #expect(code { _ = try OpenFile(name, in: folder, for: .reading) } == EINVAL)
        #expect(code { try folder.remove(name) } == EINVAL)
        #expect(code { try folder.move(name, to: folder, as: "new") } == EINVAL)
        #expect(code { try folder.move("sub", to: folder, as: name) } == EINVAL)
        #expect(code { try folder.link("sub", to: folder, as: name) } == EINVAL)
        #expect(!folder.exists(name))
        #expect(scratch.names(in: "a/sub") == ["x"] && scratch.names(in: "b") == ["x"])
    }

    @Test("no link is followed: not to open, not to look, not to remove what it leads to")
    func links() throws {
        try scratch.write("kept", to: "b/x")
        for (name, target) in [("file", "b/x"), ("folder", "b")] {
            try FileManager.default.createSymbolicLink(
                atPath: scratch.path("a/\(name)"), withDestinationPath: scratch.path(target))
        }
        #expect(code { _ = try OpenFile("file", in: folder, for: .reading) } == ELOOP)
        #expect(code { _ = try OpenFile("file", in: folder, for: .replacing) } == ELOOP)
        #expect([ELOOP, ENOTDIR].contains(code { _ = try folder.folder("folder") }))
        #expect(
            [ELOOP, ENOTDIR].contains(code { _ = try OpenFolder(scratch.path("a/folder"), followingLinks: false) }))
        #expect(try OpenFolder(scratch.path("a/folder")).exists("x"))
        #expect(try folder.status(of: "folder")?.kind == .link)
        try scratch.createFolder("a/deep/deeper")
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path("a/deep/deeper/link"), withDestinationPath: scratch.path("b"))
        try folder.remove("deep")
        for name in ["file", "folder", "gone"] { try folder.remove(name) }
        #expect(scratch.names(in: "a").isEmpty)
        #expect(try scratch.read("b/x") == "kept")
    }

    @Test("what is done after another folder has taken its path is done in the first one")
    func exchanged() throws {
        try scratch.write("x", to: "a/x")
        try FileManager.default.moveItem(atPath: scratch.path("a"), toPath: scratch.path("away"))
        try FileManager.default.createSymbolicLink(
            atPath: scratch.path("a"), withDestinationPath: scratch.path("b"))
        try folder.move("x", to: folder, as: "y")
        _ = try folder.makeFolder("made", permissions: 0o750)
        try OpenFile("new", in: folder, for: .making).write([1])
        try folder.sync()
        #expect(try folder.names().names.sorted() == ["made", "new", "y"])
        #expect(scratch.names(in: "away") == ["made", "new", "y"] && scratch.names(in: "b").isEmpty)
        #expect(try folder.status(of: "made")?.permissions == 0o750)
    }

    @Test("its size is that of all files below, as far as it is looked through")
    func size() throws {
        try scratch.createFolder("a/deep/deeper")
        for (name, count) in [("a/one", 10), ("a/deep/two", 20), ("a/deep/deeper/three", 30)] {
            try scratch.write([UInt8](repeating: 0, count: count), to: name)
        }
        #expect(try folder.size(mostEntries: 100) == 60)
        #expect(try folder.size(mostEntries: 0) == 0)
        #expect(try folder.size(mostEntries: 3) < 60)
    }
}

@Suite("Free space")
struct FreeSpaceTests {
    @Test("there is room as long as the reserve is left, however much is asked for")
    func room() {
        let reserve = FreeSpace.reserve
        for (free, needed, isEnough) in [
            (reserve, 0, true), (reserve - 1, 0, false), (reserve + 100, 100, true), (reserve + 99, 100, false),
            (reserve + 100, .max, false), (.max, 1 << 40, true), (reserve, -5, true), (0, 0, false),
        ] {
            #expect((FreeSpace(path: "/state", free: free).problem(needed) == nil) == isEnough, "\(free) \(needed)")
        }
        #expect(
            FreeSpace(path: "/state", free: 3_000_000).problem(40_000_000)
                == "the disk of /state has 3 MB free, and 48 MB are needed; make room, or have the folder on a larger disk"
        )
    }

    @Test("it is what the disk says")
    func disk() throws {
        let folder = try TemporaryFolder()
        #expect(try FreeSpace(at: folder.path).free == FileSystem.freeBytes(at: folder.path))
        #expect(throws: FileError.self) { try FreeSpace(at: folder.path("none")) }
        #expect(
            FileError("/x", .write, code: ENOSPC).isOfFullDisk && FileError("/x", .write, code: EDQUOT).isOfFullDisk)
        #expect(!FileError("/x", .write, code: EIO).isOfFullDisk)
    }
}
