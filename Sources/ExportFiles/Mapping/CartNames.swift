package import CartAssociations

/// How the carts of an export are called in the store: with a prefix, and with other characters than the store takes
/// written as the ones that it takes.
///
/// The same cart has the same id every night, and no two carts have the same: what is encoded can be decoded.
package struct CartNames: Sendable, Hashable {
    /// What stands before each cart's id: of the characters that ids have.
    package var prefix = ""
    /// What becomes of a cart that has other characters.
    package var unsafe = UnsafeCarts.reject

    package init() {}

    /// Whether ids are not as they stand in the export.
    package var areOther: Bool { !prefix.isEmpty || unsafe == .encode }

    /// The id in the store of a cart of the export.
    ///
    /// - Parameter id: gets it behind what it has.
    package func append(_ name: Span<UInt8>, to id: inout [UInt8]) {
        id += prefix.utf8
        guard unsafe == .encode else {
            id.append(name)
            return
        }
        for index in name.indices {
            let byte = name[index]
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
                id.append(byte)
            default:
                id += [Self.escape, Self.digits[Int(byte >> 4)], Self.digits[Int(byte & 15)]]
            }
        }
    }

    /// The name in the export of a cart that has been given its id here; nil if it cannot have been.
    package func name(of id: CartID) -> String? {
        guard id.text.hasPrefix(prefix) else { return nil }
        let rest = id.text.utf8.dropFirst(prefix.utf8.count)
        guard unsafe == .encode else { return String(rest) }
        var bytes: [UInt8] = []
        var iterator = rest.makeIterator()
        while let byte = iterator.next() {
            guard byte == Self.escape else {
                bytes.append(byte)
                continue
            }
            guard let high = iterator.next().flatMap({ Self.digits.firstIndex(of: $0) }),
                let low = iterator.next().flatMap({ Self.digits.firstIndex(of: $0) })
            else { return nil }
            bytes.append(UInt8(high << 4 | low))
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static let escape = UInt8(ascii: "_")
    private static let digits = Array("0123456789ABCDEF".utf8)
}

/// What becomes of a cart whose id has other characters than the store takes.
package enum UnsafeCarts: String, Sendable, Hashable, CaseIterable {
    /// Its records are rejected.
    case reject
    /// The other characters, and `_`, are written as `_` and two digits of hexadecimal for each byte.
    case encode
}
