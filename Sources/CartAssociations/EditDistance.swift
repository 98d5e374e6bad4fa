/// How far apart two names are, for saying which known one an unknown one may stand for.
package enum EditDistance {
    /// How many letters have to be added, removed or replaced to make one text from the other; of the first only 100
    /// letters count.
    package static func between(_ left: String, _ right: String) -> Int {
        let right = Array(right.unicodeScalars)
        var row = Array(0...right.count)
        for (index, letter) in left.unicodeScalars.prefix(100).enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for column in 0..<right.count {
                let substituted = diagonal + (letter == right[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(substituted, row[column] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
