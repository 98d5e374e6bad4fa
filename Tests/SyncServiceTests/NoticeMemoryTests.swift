import Foundation
import TestSupport
import Testing

@testable import SyncService

@Suite("What people are told, and when")
struct NoticeMemoryTests {
    private static func condition(_ key: String, _ identity: String = "", patience: Double = 0) -> Condition {
        Condition(key: key, identity: identity, severity: .warning, text: "\(key) \(identity)", patience: patience)
    }

    @Test("what comes at once is one message, and what stays is told once")
    func once() {
        var memory = NoticeMemory()
        let (a, b) = (Self.condition("a"), Self.condition("b"))
        #expect(memory.due([a], now: 0) == nil)
        #expect(memory.due([a, b], now: 4) == nil)
        let due = memory.due([a, b], now: 5)
        #expect(due?.began == [a, b] && due?.ended == [])
        memory.arrived([a, b], [])
        for second in 6...1000 { #expect(memory.due([a, b], now: Double(second)) == nil) }
        #expect(memory.due([b], now: 1001) == nil)
        #expect(memory.due([b], now: 1006)?.ended == [a])
    }

    @Test("another identity is told again, other words are not")
    func identity() {
        var memory = NoticeMemory()
        memory.arrived([Self.condition("a", "1")], [])
        #expect(memory.due([Self.condition("a", "1")], now: 100, isLast: true) == nil)
        #expect(memory.due([Self.condition("a", "2")], now: 101, isLast: true)?.began == [Self.condition("a", "2")])
    }

    @Test("what is over before its patience is never told, neither its end")
    func patience() {
        var memory = NoticeMemory()
        let slow = Self.condition("a", patience: 120)
        for second in 0..<119 { #expect(memory.due([slow], now: Double(second)) == nil) }
        #expect(memory.due([], now: 119) == nil)
        for second in 120..<240 { #expect(memory.due([slow], now: Double(second)) == nil) }
        #expect(memory.due([slow], now: 240) == nil)
        #expect(memory.due([slow], now: 245)?.began == [slow])
    }

    @Test("a message that does not arrive is sent again, ever more rarely, with what has changed meanwhile")
    func retries() {
        var memory = NoticeMemory()
        var now = 0.0
        var waits: [Double] = []
        _ = memory.due([Self.condition("a")], now: now)
        now = 5
        for _ in 1...8 {
            #expect(memory.due([Self.condition("a")], now: now) != nil)
            let wait = memory.failed(now: now)
            waits.append(wait)
            #expect(memory.due([Self.condition("a")], now: now + wait - 1) == nil)
            now += wait
        }
        #expect(waits == [10, 20, 40, 80, 160, 320, 600, 600])
        #expect(
            memory.due([Self.condition("b")], now: now)?.began == [Self.condition("b")], "a was over before it was told"
        )
    }

    @Test("what was told outlives the process")
    func kept() throws {
        var memory = NoticeMemory()
        memory.arrived([Self.condition("a")], [])
        var again = try JSONDecoder().decode(NoticeMemory.self, from: try JSONEncoder().encode(memory))
        #expect(again.due([Self.condition("a")], now: 0, isLast: true) == nil)
        #expect(again.due([], now: 1, isLast: true)?.ended == [Self.condition("a")])
    }

    @Test(
        "whatever comes and goes and does not arrive, a receiver knows at last what is there, and hears nothing twice",
        arguments: 1...40)
    func property(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var memory = NoticeMemory()
        var known: [String: Condition] = [:]
        var there: [String: Condition] = [:]
        var now = 0.0
        func tell(_ isLast: Bool) {
            guard let due = memory.due(there.values.sorted { $0.key < $1.key }, now: now, isLast: isLast) else {
                return
            }
            if !isLast, Int.random(in: 0..<3, using: &generator) == 0 {
                _ = memory.failed(now: now)
                return
            }
            for condition in due.began {
                #expect(known[condition.key]?.identity != condition.identity, "told twice")
                known[condition.key] = condition
            }
            for condition in due.ended {
                #expect(known.removeValue(forKey: condition.key) != nil, "over and never told")
            }
            memory.arrived(due.began, due.ended)
        }
        for _ in 0..<300 {
            now += Double.random(in: 1...20, using: &generator)
            let key = "\(Int.random(in: 0..<5, using: &generator))"
            switch Int.random(in: 0..<4, using: &generator) {
            case 0: there[key] = nil
            case 1:
                let identity = "\(Int.random(in: 0..<3, using: &generator))"
                there[key] = Self.condition(key, identity, patience: Bool.random(using: &generator) ? 0 : 30)
            default: break
            }
            tell(false)
        }
        now += 10_000
        tell(true)
        #expect(known.mapValues(\.identity) == there.mapValues(\.identity))
    }
}
