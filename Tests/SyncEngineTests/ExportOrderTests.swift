import Foundation
import Testing

@testable import SyncEngine

@Suite("The order of exports")
struct ExportOrderTests {
    private static func seconds(_ text: String) throws -> Duration {
        .seconds(Int(try Date(text, strategy: .iso8601).timeIntervalSince1970))
    }

    @Test(
        "the usual dates in names",
        arguments: [
            ("customers-20261127.csv", "2026-11-27T00:00:00Z"), ("customers_2026-11-27.csv.gz", "2026-11-27T00:00:00Z"),
            ("2026_11_27 carts.xml", "2026-11-27T00:00:00Z"), ("carts.2026.11.27.csv", "2026-11-27T00:00:00Z"),
            ("Kunden 27.11.2026.csv", "2026-11-27T00:00:00Z"), ("c-20261127T221530Z.csv", "2026-11-27T22:15:30Z"),
            ("c-20261127221530.csv", "2026-11-27T22:15:30Z"), ("c-202611272215.csv", "2026-11-27T22:15:00Z"),
            ("c-20261127-2215.csv", "2026-11-27T22:15:00Z"), ("c_2026-11-27_22-15-30.csv", "2026-11-27T22:15:30Z"),
            ("c_2026-11-27T22:15.csv", "2026-11-27T22:15:00Z"), ("c-20261101-20261127.csv", "2026-11-27T00:00:00Z"),
            ("v2-20261127-part.csv", "2026-11-27T00:00:00Z"), ("customers-20261127-1of3.csv", "2026-11-27T00:00:00Z"),
            ("c-20261127-9999.csv", "2026-11-27T00:00:00Z"), ("c-20261127-22-61.csv", "2026-11-27T00:00:00Z"),
            ("export-1795817730.csv", "2026-11-27T22:15:30Z"),
            ("export-1795817730000.csv", "2026-11-27T22:15:30Z"), ("c-20240229.csv", "2024-02-29T00:00:00Z"),
        ])
    func dates(name: String, date: String) throws {
        #expect(NameDate(name)?.time == (try Self.seconds(date)))
    }

    @Test(
        "what is no date",
        arguments: [
            "", "customers.csv", "c-20261301.csv", "c-20260230.csv", "c-18991231.csv", "c-2026-11.csv", "v1.2.3.csv",
            "c-123456789.csv", "c-202611.csv", "c-99999999999999.csv", "27.11.26.csv", "c-2026-11_27.csv",
        ])
    func noDates(name: String) {
        #expect(NameDate(name) == nil)
    }

    @Test("a time of the future counts as of when it is first seen; without any, that too")
    func counting() {
        #expect(ExportOrder.counting(.seconds(5), firstSeen: .seconds(9)) == .seconds(5))
        #expect(ExportOrder.counting(.seconds(10), firstSeen: .seconds(9)) == .seconds(9))
        #expect(ExportOrder.counting(nil, firstSeen: .seconds(9)) == .seconds(9))
        #expect(ExportOrder.name.stated("c.csv", modified: .seconds(3)) == .seconds(3))
        #expect(ExportOrder.modified.stated("c-20261127.csv", modified: .seconds(3)) == .seconds(3))
    }
}
