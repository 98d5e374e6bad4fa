import CartAssociations
import Foundation
import Testing

@testable import SyncReporting

@Suite("An explanation")
struct ExplanationTests {
    private static let noon = Date(timeIntervalSince1970: 1_795_262_400)
    private let text = TextReport(width: 80, color: false)

    private func association(_ owner: String, _ cart: String) throws -> Association {
        Association(.customer, try #require(OwnerID(owner)), try #require(CartID(cart)))
    }

    private func origin(_ export: String? = "nightly.csv", line: Int? = 12) -> Explanation.Origin {
        .init(
            run: "20261121-120000-ab12", command: "sync", export: export, record: line.map { $0 - 1 }, line: line)
    }

    private func change(_ outcome: Outcome?, status: Int? = 200, message: String? = nil) throws
        -> Explanation.PlannedChange
    {
        var change = Explanation.PlannedChange(
            .create, try association("2f1c7a52-0d6b-4b1f-9a55-0f6a2f2f7f10", "basket-4711"), origin: origin(),
            at: Self.noon)
        change.outcome = outcome
        change.pending = outcome == nil ? "stopped" : nil
        change.status = status
        change.attempts = 2
        (change.service, change.response) = (12.3, 4567.8)
        change.message = message
        return change
    }

    @Test("says what exists, who asserts it, since when and from which record")
    func known() throws {
        let known = Explanation.Known(
            association: try association("c-1", "basket-4711"), confirmed: "already there", sources: ["a", "b"],
            since: Self.noon, origin: origin())
        let shown = text.explanation(
            Explanation(subject: "cart basket-4711", store: "https://store", associations: [known], changes: []))
        #expect(
            shown == """
                Cart basket-4711 at https://store: 1 association, 0 planned changes.

                customer c-1 cart basket-4711
                  exists       yes, it was there already when cartsync asked
                  asserted by  a, b
                  since        2026-11-21 12:00:00 UTC
                  from         run 20261121-120000-ab12 (sync), record 11 on line 12 of
                               nightly.csv

                """)
    }

    @Test("has every change with its outcome, numbers under each other")
    func changes() throws {
        let changes = [
            try change(.created), try change(.failed, status: 503, message: "the store is busy"),
            try change(nil, status: nil),
        ]
        let shown = text.explanation(
            Explanation(subject: "cart basket-4711", store: "https://store", associations: [], changes: changes))
        let lines = shown.split(separator: "\n").map(String.init)
        #expect(lines.allSatisfy { $0.count <= 80 }, "\(shown)")
        let rows = lines.filter { $0.contains("2026-11-21 12:00:00") }
        #expect(rows.count == 3)
        #expect(Set(rows.map(\.count)).count == 1, "the last column is aligned to the right")
        #expect(rows[0].contains("created") && rows[0].contains("200") && rows[0].contains("4.57 s"))
        #expect(rows[1].contains("failed") && rows[1].contains("503"))
        #expect(rows[2].contains("none, stopped"))
        #expect(lines.contains("    the store is busy"))
        #expect(lines.contains("    run 20261121-120000-ab12 (sync), record 11 on line 12 of nightly.csv"))
    }

    @Test("of something unknown says so")
    func unknown() {
        let explanation = Explanation(subject: "cart x", store: "s", associations: [], changes: [])
        #expect(explanation.isUnknown)
        #expect(text.explanation(explanation).contains("Nothing is known of cart x"))
    }

    @Test("moves no cursor, whatever a file name or an answer of the store holds")
    func escapes() throws {
        var bad = try change(.failed, message: "\u{1B}[2Jgone\u{9B}31m\u{202E}")
        bad.origin.export = "\u{1B}]0;title\u{7}.csv"
        let known = Explanation.Known(
            association: bad.association, confirmed: nil, sources: [], since: Self.noon, origin: bad.origin)
        let shown = text.explanation(
            Explanation(subject: "cart x", store: "s", associations: [known], changes: [bad]))
        let isClean = shown.unicodeScalars.allSatisfy {
            $0 == "\n" || ($0.properties.generalCategory != .control && $0.properties.generalCategory != .format)
        }
        #expect(isClean, "\(shown.debugDescription)")
        #expect(shown.contains("gone"))
    }

    @Test("comes back from its JSON as it was")
    func json() throws {
        let explanation = Explanation(
            subject: "cart x", store: "s", associations: [], changes: [try change(.created), try change(nil)])
        let data = try JSONEncoder().encode(explanation)
        #expect(try JSONDecoder().decode(Explanation.self, from: data) == explanation)
    }
}
