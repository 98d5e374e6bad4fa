import Foundation
import TestSupport
import Testing

@testable import CartAssociations

@Suite("JSON that others have written")
struct ForeignJSONTests {
    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    private func isRead(_ text: String, _ encoding: String.Encoding = .utf8) throws -> Bool {
        let bytes = Array(try #require(text.data(using: encoding)))
        return (try? ForeignJSON.decode(Anything.self, from: bytes)) != nil
    }

    @Test(
        "a name that one object has twice makes a document void, however it is written",
        arguments: [
            #"{"a":1,"a":1}"#, #"{"a":1,"b":{},"a":[]}"#, #"[{"b":{"a":1,"c":"}","a":2}}]"#, "{\"a\" :1,\"a\"\n:2}",
            #"{"a":1,"\u0061":2}"#, #"{"a\"":1,"a\u0022":2}"#, #"{"":1,"":2}"#, #"{"é":1,"\u00e9":2}"#,
            #"{"a":"\\","b":0,"a":2}"#, #"{"a":{"b":1},"b":2,"a":3}"#,
        ])
    func repeated(_ text: String) throws {
        #expect(try !isRead(text))
        #expect(try !isRead(text, .utf16LittleEndian) && !isRead(text, .utf16BigEndian))
    }

    @Test(
        "names of different objects, and values that look like names, are no names that an object has twice",
        arguments: [
            "{}", "[]", #""a""#, #"{"a":"a","b":"a"}"#, #"{"a":{"a":{"a":[{"a":1},{"a":2}]}},"b":{"a":0}}"#,
            #"["a","a"]"#, #"{"a":"\"a\":1","b":"{\"a\":"}"#, #"{"a":1,"A":2,"a ":3}"#, #"{"e\u0301":1,"é":2}"#,
        ])
    func different(_ text: String) throws {
        #expect(try isRead(text))
        #expect(try isRead(text, .utf16LittleEndian) && isRead(text, .utf16BigEndian))
    }

    @Test("a document with a zero in a text is void")
    func zero() throws { #expect(try !isRead("[\"a zero: \0\"]")) }

    @Test("documents at random are read unless a name was repeated in them", arguments: UInt64(1)...20)
    func random(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            var repeats = Bool.random(using: &random) ? 1 : 0
            let asked = repeats
            let text = document(depth: 4, &repeats, &random)
            #expect(try isRead(text) == (repeats == asked), "seed \(seed): \(text)")
        }
    }

    /// A document in which a name was repeated as often as `repeats` is less afterwards.
    private func document(depth: Int, _ repeats: inout Int, _ random: inout SeededGenerator) -> String {
        let kind = depth == 0 ? 2 : Int.random(in: 0...3, using: &random)
        guard kind < 2 else { return [#""a""#, "1", "null", #""\"b\":{""#].randomElement(using: &random) ?? "" }
        var members: [String] = []
        let names = ["a", "b", "\\\\", "c\\n", "d:", "{"].shuffled(using: &random).prefix(
            Int.random(in: 0...6, using: &random))
        for name in names {
            let value = document(depth: depth - 1, &repeats, &random)
            members.append(kind == 0 ? value : "\"\(name)\":\(value)")
        }
        if kind == 1, repeats > 0, let name = names.first {
            repeats -= 1
            members.append("\"\(name)\" : 0")
        }
        let text = members.joined(separator: ", ")
        return kind == 0 ? "[\(text)]" : "{\(text)}"
    }
}
