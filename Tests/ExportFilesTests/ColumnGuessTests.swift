import CartAssociations
import TestSupport
import Testing

@testable import ExportFiles

/// What is said about a CSV whose columns have other names.
@Suite("columns that are not found by their names")
struct ColumnGuessTests {
    private func advice(_ text: String, _ options: ReadingOptions = ReadingOptions()) throws -> String {
        try #require(refusal(text: text, options)).description
    }

    private let rows = (1...20).map { "2026-01-0\($0 % 9 + 1),basket-\($0 * 7),\($0)@example.org,19.99,yes" }

    @Test("are suggested from names and values, with the flags that say so")
    func suggested() throws {
        let text = "DATE,BASKET NO,LOGIN,PRICE,OK\n" + rows.joined(separator: "\n") + "\n"
        let advice = try advice(text)
        #expect(advice.contains("columns seen: DATE, BASKET NO, LOGIN, PRICE, OK"))
        #expect(advice.contains("if BASKET NO is the cart and LOGIN is the customer"), "\(advice)")
        #expect(advice.contains("--map 'cart=BASKET NO' --map customer=LOGIN"))
        #expect(advice.contains("mapping.cart") && advice.contains("mapping.owner"))
        let mapped = ReadingOptions(fieldNames: [.cart: "BASKET NO", .customer: "LOGIN"])
        #expect(try WholeReading(text: text, mapped).usable.count == 20)
    }

    @Test("are suggested from their values alone, where these say which is which")
    func valuesOnly() throws {
        let lines = (1...30).map { "x,cart-\($0),cust-\($0 % 7)\n" }.joined()
        let advice = try advice("A,B,C\n" + lines)
        #expect(advice.contains("--map cart=B --map customer=C"), "\(advice)")
    }

    @Test("are suggested one by one")
    func one() throws {
        let cart = try advice("customer_id,REF\n" + (1...9).map { "c-\($0),k-\($0)\n" }.joined())
        #expect(cart.contains("column for the cart") && cart.contains("--map cart=REF,"), "\(cart)")
        let owner = try advice("cart_id,COMPANY\n" + (1...9).map { "k-\($0),a-\($0)\n" }.joined())
        #expect(owner.contains("--map account=COMPANY,"), "\(owner)")
        let asked = try advice(
            "cart_id,WHO\n" + (1...9).map { "k-\($0),a-\($0)\n" }.joined(), ReadingOptions(ownerKind: .account))
        #expect(asked.contains("--map account=WHO,"), "\(asked)")
    }

    @Test("are not guessed where nothing tells them apart, or nothing looks like an id")
    func unknown() throws {
        let alike = try advice("A,B\n" + (1...9).map { "x-\($0),y-\($0)\n" }.joined())
        #expect(alike.contains("--map cart=COLUMN --map customer=COLUMN"), "\(alike)")
        let words = try advice("A,B\nred,green\nblue,white\n")
        #expect(words.contains("mapping.cart and mapping.customer"), "\(words)")
    }

    @Test("are not there at all where the first line is a record")
    func noHeader() throws {
        let numbered = try advice((1...9).map { "c-\($0),cart-\($0)\n" }.joined())
        #expect(numbered.contains("the first line looks like a record"), "\(numbered)")
        let ids = (1...5).map { "5f0c2b6e-93d1-4c55-9a61-0e6f0f5c2d0\($0),7a0c2b6e-93d1-4c55-9a61-0e6f0f5c2d0\($0)\n" }
        #expect(try advice(ids.joined()).contains("the first line looks like a record"))
    }
}
