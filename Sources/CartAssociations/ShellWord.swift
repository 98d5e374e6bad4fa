/// A word as a shell takes it back, for commands that a person types.
package enum ShellWord {
    /// The word, in quotes if it has a character that a shell would not leave alone.
    ///
    /// A word with characters that a terminal would obey or not show stands in `$'...'`, with those as `\\xHH`: bash, zsh,
    /// ksh and busybox take it back byte by byte (POSIX.1-2024, section 2.2.4).
    package static func quoted(_ word: String) -> String {
        if word.unicodeScalars.contains(where: isHidden) { return escaped(word) }
        let isPlain = word.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:=,%@+".utf8.contains(byte)
            }
        }
        return isPlain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
    }

    private static func escaped(_ word: String) -> String {
        var text = "$'"
        for scalar in word.unicodeScalars {
            switch scalar {
            case "'", "\\": text += "\\\(scalar)"
            case _ where isHidden(scalar):
                for byte in String(scalar).utf8 {
                    text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
                }
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + "'"
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: true
        default: false
        }
    }
}
