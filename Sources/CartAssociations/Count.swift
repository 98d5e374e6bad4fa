/// Numbers of things as people read them.
package enum Count {
    /// A number with its thousands apart, for instance `1,234,567`.
    package static func text(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var grouped = ""
        for (position, digit) in digits.enumerated() {
            if position > 0, (digits.count - position).isMultiple(of: 3) { grouped.append(",") }
            grouped.append(digit)
        }
        return number < 0 ? "-" + grouped : grouped
    }

    /// A number of things, for instance `1 delete` or `3,000 deletes`.
    ///
    /// - Parameter plural: needed if an `s` does not make it, for instance `retries`.
    package static func text(_ number: Int, _ singular: String, _ plural: String? = nil) -> String {
        "\(text(number)) \(number == 1 ? singular : plural ?? singular + "s")"
    }
}
