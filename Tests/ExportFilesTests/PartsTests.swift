import CartAssociations
import DurableFiles
import Foundation
import TestSupport
import Testing

@testable import ExportFiles

@Suite("Exports in several files")
struct PartsTests {
    @Test(
        "names say which part of how many a file is",
        arguments: [
            ("customers-20261127-1of3.csv", "customers-20261127.csv", 1, 3),
            ("customers_part1of3.csv", "customers.csv", 1, 3), ("customers-001-of-003.csv", "customers.csv", 1, 3),
            ("customers-00000-of-00003.csv", "customers.csv", 0, 3), ("part-00002-of-00003", "export", 2, 3),
            ("customers.part02_of_03.csv.gz", "customers.csv", 2, 3), ("customers (2 of 3).xml", "customers.xml", 2, 3),
            ("customers-1of3-20261127.csv", "customers-20261127.csv", 1, 3),
            ("1of2-customers.csv", "customers.csv", 1, 2),
            ("customers-1OF3.CSV", "customers.CSV", 1, 3), ("customers1of3.csv", "customers.csv", 1, 3),
            ("week-1-of-4-2of3.csv", "week-1-of-4.csv", 2, 3), ("1of1.csv", "export.csv", 1, 1),
            ("kunden-ü-12of12.csv.zip.gpg", "kunden-ü.csv", 12, 12),
        ])
    func names(name: String, whole: String, number: Int, count: Int) throws {
        let part = try #require(PartName(name))
        #expect((part.whole, part.number, part.count) == (whole, number, count))
    }

    @Test(
        "other names are of no part",
        arguments: [
            "customers.csv", "customers-2026-11-27.csv", "customers-4of3.csv", "customers-1of0.csv", "proof3.csv",
            "customers-1of3rd.csv", "1-3.csv", "customers-1of.csv", "of3.csv", "customers-1of99999999999999999999.csv",
            "customers-1of1000000.csv", "",
        ])
    func noParts(name: String) {
        #expect(PartName(name) == nil)
    }

    @Test(
        "numbers are whole if each is there once, from 1 or from 0",
        arguments: [
            ([1, 2, 3], 3, nil), ([3, 1, 2], 3, nil), ([0, 1, 2], 3, nil), ([1], 1, nil), ([0], 1, nil),
            ([1, 3], 3, "only 2 of 3 parts are there: 1, 3"), ([1, 1, 2], 3, "part 1 of 3 is there twice"),
            ([1, 2, 3, 3], 3, "part 3 of 3 is there twice"), ([2, 3, 4, 5, 6, 7], 9, "only 6 of 9 parts are there"),
            ([0, 1, 3], 3, "its parts are numbered from 0 and up to 3, which would be one more than 3"),
        ] as [([Int], Int, String?)])
    func whole(numbers: [Int], count: Int, problem: String?) {
        #expect(PartName.problem(numbers, of: count) == problem)
    }

    private func write(_ names: [String], to folder: TemporaryFolder) throws -> [String] {
        try names.map { try folder.write("customer_id,cart_id\n\($0),cart-1\n", to: $0) }
    }

    @Test("a command takes parts together or not at all, and single files as ever")
    func together() throws {
        let folder = try TemporaryFolder()
        let paths = try write(["a-1of2.csv", "a-2of2.csv", "b.csv"], to: folder)
        #expect(try OpenedExports(paths, spoolFolder: folder.path, rule: .name).files.map(\.name) == paths)
        #expect(try OpenedExports([paths[0]], spoolFolder: folder.path, rule: .off).files.count == 1)
        let error = #expect(throws: ExportError.self) {
            _ = try OpenedExports([paths[2], paths[1]], spoolFolder: folder.path, rule: .name)
        }
        #expect(error?.fault == .incomplete && error?.exitStatus == .exportRefused)
        #expect(
            error?.description
                == "\(paths[1]): by its name it is a part of an export, and only 1 of 2 parts are there: 2; "
                + "give each part once, all in one command; if each file is an export of its own, set source.parts to off"
        )
        #expect(throws: ExportError.self) {
            _ = try OpenedExports(paths + [paths[0]], spoolFolder: folder.path, rule: .name)
        }
    }

    @Test("parts may be packed, each by itself, and an error names the part and its line")
    func packed() throws {
        let folder = try TemporaryFolder()
        let names = ["c-1of2.csv.gz", "c-2of2.csv.gz"]
        for (name, text) in zip(names, ["customer_id,cart_id\nc-1,cart-1\n", "cart_id;customer_id\ncart-2;\"c-2\n"]) {
            try folder.write(gzip(Array(text.utf8)), to: name)
        }
        let opened = try OpenedExports(names.map(folder.path), spoolFolder: folder.path, rule: .name)
        let reader = ExportReader(options: ReadingOptions())
        #expect(try reader.facts(of: opened.files[0]).usableRecords == 1)
        let error = #expect(throws: ExportError.self) { _ = try reader.facts(of: opened.files[1]) }
        #expect(error?.description.hasPrefix(folder.path("c-2of2.csv.gz") + ":2") == true)
    }

    private func facts(_ opened: OpenedExports) throws -> [ExportFacts] {
        try opened.files.map { try ExportReader(options: ReadingOptions()).facts(of: $0) }
    }

    @Test("a manifest stands for the files that it lists, in its order, and is checked against each and all")
    func manifest() throws {
        let folder = try TemporaryFolder()
        let paths = try write(["b.csv", "a.csv"], to: folder)
        let digest = try ExportFile.open(paths[1], spoolFolder: "").sha256()
        func opened(_ text: String) throws -> OpenedExports {
            let path = try folder.write(text, to: "x.manifest.json")
            return try OpenedExports([path], spoolFolder: folder.path, rule: .manifest)
        }
        let right = try opened(
            #"{"parts": ["b.csv", {"name": "a.csv", "records": 1, "sha256": "\#(digest)"}], "records": 2}"#)
        #expect(right.files.map(\.name) == paths)
        try right.checkStatements(try facts(right))
        for (text, words) in [
            (#"{"parts": ["b.csv", "a.csv"], "records": 3}"#, "its files have 2 records together, and it says 3"),
            (#"{"parts": ["b.csv", {"name": "a.csv", "records": 2}]}"#, "a.csv: the file has 1 records"),
            (#"{"parts": [{"name": "b.csv", "sha256": "\#(digest)"}]}"#, "b.csv: the file's SHA-256 is"),
        ] {
            let wrong = try opened(text)
            let found = try facts(wrong)
            let error = #expect(throws: ExportError.self) { try wrong.checkStatements(found) }
            #expect(error?.fault == .manifest && error?.description.contains(words) == true, "\(text): \(error as Any)")
        }
        let missing = #expect(throws: ExportError.self) { _ = try opened(#"{"parts": ["b.csv", "c.csv"]}"#) }
        #expect(missing?.fault == .missing)
    }

    @Test(
        "a manifest that lists what is no file beside it is refused",
        arguments: [
            #"{"parts": ["../a.csv"]}"#, #"{"parts": ["/etc/passwd"]}"#, #"{"parts": [""]}"#,
            #"{"parts": [".hidden"]}"#,
            #"{"parts": ["a.csv", "a.csv"]}"#, #"{"parts": [{"records": 1}]}"#, #"{"parts": []}"#,
            #"{"parts": ["a.csv"], "sha256": "\#(String(repeating: "0", count: 64))"}"#,
            #"{"parts": [{"name": "a.csv", "records": -1}]}"#, #"{"records": 1}"#, #"{"parts": ["a.csv""#,
        ])
    func badManifest(text: String) throws {
        let folder = try TemporaryFolder()
        try write(["a.csv"], to: folder).forEach { _ in }
        let path = try folder.write(text, to: "x.manifest.json")
        let error = #expect(throws: ExportError.self) {
            _ = try OpenedExports([path], spoolFolder: folder.path, rule: .manifest)
        }
        #expect(error?.fault == .manifest)
        #expect(ExportManifest.listed(in: "x.manifest.json", of: try OpenFolder(folder.path)).isEmpty)
    }

    @Test("what a manifest says of a part vouches for its end, a bare name does not", arguments: [true, false])
    func vouches(isVouchedFor: Bool) throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("customer_id,cart_id\nc-1,cart-1", to: "a.csv")
        let digest = try ExportFile.open(path, spoolFolder: "").sha256()
        let part = isVouchedFor ? #"{"name": "a.csv", "sha256": "\#(digest)"}"# : #""a.csv""#
        let manifest = try folder.write(#"{"parts": [\#(part)]}"#, to: "x.manifest.json")
        let opened = try OpenedExports([manifest], spoolFolder: folder.path, rule: .manifest)
        let facts = try facts(opened)[0]
        #expect(facts.mayBeCut == !isVouchedFor)
        #expect(facts.usableRecords == (isVouchedFor ? 1 : 0))
    }
}
