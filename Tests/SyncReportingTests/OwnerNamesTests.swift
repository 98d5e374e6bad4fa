import CartAssociations
import Testing

@testable import SyncReporting

@Suite struct OwnerNamesTests {
    private func owner(_ id: String, _ kind: OwnerKind = .customer) throws -> Owner {
        Owner(kind: kind, id: try #require(OwnerID(id)))
    }

    @Test("a hidden owner has the same name in every report of a state folder, and another in another folder")
    func stable() throws {
        let first = OwnerNames.hidden(secret: [UInt8](repeating: 1, count: 32))
        let again = OwnerNames.hidden(secret: [UInt8](repeating: 1, count: 32))
        let other = OwnerNames.hidden(secret: [UInt8](repeating: 2, count: 32))
        let customer = try owner("c-1")
        #expect(first.text(customer) == again.text(customer))
        #expect(first.text(customer) != other.text(customer))
        #expect(first.text(customer) != first.text(try owner("c-2")))
        #expect(first.text(customer) != first.text(try owner("c-1", .account)), "the kind is part of an owner")
        #expect(first.text(customer).wholeMatch(of: /hidden-[0-9a-f]{16}/) != nil)
    }

    @Test("what the store says of an owner is hidden in its message, too")
    func messages() throws {
        let names = OwnerNames.hidden(secret: [UInt8](repeating: 1, count: 32))
        let customer = try owner("jane.doe")
        #expect(names.hiding(customer, in: "no customer jane.doe (jane.doe)").contains("jane") == false)
        #expect(OwnerNames.shown.hiding(customer, in: "no customer jane.doe") == "no customer jane.doe")
        #expect(OwnerNames.shown.text(customer) == "jane.doe")
    }
}
