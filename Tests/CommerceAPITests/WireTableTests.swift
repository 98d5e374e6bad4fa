import CartAssociations
import CommerceSandbox
import Testing

@testable import CommerceAPI

/// The table of answers once more, from a real server through a real call.
@Suite("what becomes of a change, answer by answer")
struct WireTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let kind: ChangeKind
        let action: SandboxFaultAction
        let outcome: Outcome
        let attempts: Int

        init(_ kind: ChangeKind, _ action: SandboxFaultAction, _ outcome: Outcome, attempts: Int) {
            self.kind = kind
            self.action = action
            self.outcome = outcome
            self.attempts = attempts
        }

        var testDescription: String { "\(kind.rawValue): \(action)" }
    }

    /// The fault strikes once; a repetition finds a healthy store.
    static let rows: [Row] = ChangeKind.allCases.flatMap { kind in
        let made: Outcome = kind == .create ? .created : .deleted
        let repeated = [408, 409, 500, 502, 503, 504].map { Row(kind, .answer(status: $0), made, attempts: 2) }
        let final = [301, 400, 405, 410, 413, 422].map { Row(kind, .answer(status: $0), .rejected, attempts: 1) }
        let failed = [501, 505].map { Row(kind, .answer(status: $0), .failed, attempts: 1) }
        return repeated + final + failed + [
            Row(kind, .answer(status: 200, body: "<html>"), made, attempts: 1),
            Row(kind, .answer(status: 202), made, attempts: 1),
            Row(kind, .answer(status: 429, headers: ["Retry-After": "0"]), made, attempts: 2),
            Row(kind, .answer(status: 401), made, attempts: 2),
            Row(kind, .answer(status: 403), .rejected, attempts: 1),
            Row(kind, .answer(status: 404), kind == .create ? .rejected : .alreadyGone, attempts: 1),
            Row(kind, .answer(status: 204), kind == .create ? .alreadyThere : .deleted, attempts: 1),
            Row(kind, .resetBeforeEffect, made, attempts: 2),
            Row(kind, .resetAfterEffect, kind == .create ? .alreadyThere : .deleted, attempts: 2),
            Row(kind, .garbage, made, attempts: 1), Row(kind, .cut, made, attempts: 1),
            Row(kind, .delay(.milliseconds(50)), made, attempts: 1),
        ]
    }

    @Test("each row of the table", arguments: rows)
    func table(row: Row) async throws {
        try await Stage.with { stage in
            let one = try association("c-1", "cart-1")
            if row.kind == .delete { _ = try await stage.client.create(one) }
            stage.sandbox.inject(SandboxFault(row.action, operation: row.kind == .create ? .create : .delete))
            let result =
                row.kind == .create ? try await stage.client.create(one) : try await stage.client.delete(one)
            #expect(result.outcome == row.outcome, "\(result)")
            #expect(result.attempts == row.attempts, "\(result)")
            #expect(result.outcome.isSuccess || result.message?.isEmpty == false)
        }
    }

    @Test(
        "a delete that may have been made is left unknown where that is wished, one that was not is repeated",
        arguments: [
            (SandboxFaultAction.resetAfterEffect, true), (.resetBeforeEffect, true), (.answer(status: 502), true),
            (.answer(status: 503), false), (.answer(status: 409), false),
        ])
    func unknown(action: SandboxFaultAction, isUncertain: Bool) async throws {
        try await Stage.with { stage in
            let one = try association("c-1", "cart-1")
            _ = try await stage.client.create(one)
            stage.sandbox.inject(SandboxFault(action, operation: .delete))
            let result = try await stage.client.delete(one, repeatingUnknown: false)
            #expect(result.isUncertain == isUncertain)
            #expect(result.attempts == (isUncertain ? 1 : 2))
            #expect(stage.sandbox.statistics().count(.delete) == result.attempts)
        }
    }
}
