/// What the number of a cell is as text.
enum SheetNumber {
    /// So many digits a spreadsheet keeps of a number.
    private static let digitsKept = 15

    /// Adds a number as it is stored, digit by digit; one that a spreadsheet has rounded as `1.23456789012345E+15`, so that
    /// nobody takes it for an id.
    static func append(_ stored: ArraySlice<UInt8>, _ format: CellFormats.Kind, from1904: Bool, to text: inout [UInt8])
    {
        var digits = stored.drop { XMLSpace.contains($0) }
        while let last = digits.last, XMLSpace.contains(last) { digits.removeLast() }
        if format == .date, let date = date(digits, from1904: from1904) {
            text += date.utf8
            return
        }
        if let exponent = digits.firstIndex(where: { $0 | 0x20 == UInt8(ascii: "e") }) {
            let power = digits[(exponent + 1)...]
            let isSigned = power.first == UInt8(ascii: "-") || power.first == UInt8(ascii: "+")
            text += digits[..<exponent] + [UInt8(ascii: "E")] + (isSigned ? [] : [UInt8(ascii: "+")]) + power
            return
        }
        if let point = digits.firstIndex(of: UInt8(ascii: ".")), digits[(point + 1)...].allSatisfy({ $0 == zero }) {
            digits = digits[..<point]
        }
        let isWhole = !digits.isEmpty && digits.allSatisfy { (zero...zero + 9).contains($0) }
        if isWhole, digits.count > digitsKept, digits.dropFirst(digitsKept).allSatisfy({ $0 == zero }) {
            text += digits.prefix(1) + [UInt8(ascii: ".")] + digits.dropFirst().prefix(digitsKept - 1)
            text += Array("E+\(digits.count - 1)".utf8)
            return
        }
        if isWhole, case .padded(let width) = format, digits.count < width {
            text += [UInt8](repeating: zero, count: width - digits.count)
        }
        text += digits
    }

    private static let zero = UInt8(ascii: "0")

    /// A date and the time of the day, as `2026-11-29 00:00:00`; nil for what is no number of days.
    private static func date(_ stored: ArraySlice<UInt8>, from1904: Bool) -> String? {
        guard let serial = Double(String(decoding: stored, as: UTF8.self)), serial >= 0, serial < 2_958_466 else {
            return nil
        }
        let seconds = (serial * 86400).rounded()
        var days = Int(seconds / 86400)
        let rest = Int(seconds) - days * 86400
        // The first calendar has a 29 February 1900, which never was.
        if from1904 { days -= 24107 } else { days += (days < 60 ? 1 : 0) - 25569 }
        // Days since 1970 as a date of the Gregorian calendar (after Howard Hinnant's civil_from_days).
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let month = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * month + 2) / 5 + 1
        let year = yearOfEra + era * 400 + (month < 10 ? 0 : 1)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : String(number) }
        return "\(year)-\(two(month < 10 ? month + 3 : month - 9))-\(two(day)) "
            + "\(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
    }
}
