/// Names of files that are made from others.
package enum FileName {
    /// A name that is made from another is no longer, so that `.part` and the like still fit behind it: file systems allow
    /// 255 bytes.
    static let longest = 230
    /// The most bytes of a name that file systems allow.
    private static let mostBytes = 255

    /// The name of what belongs to a file and stands beside it: its own with an ending, as other programs write it. What
    /// would be longer than file systems allow is cut as by `fitting`.
    package static func beside(_ name: String, _ ending: String) -> String {
        let whole = name + ending
        return whole.utf8.count <= mostBytes ? whole : fitting(name, ending: ending)
    }

    /// A name with something in front of it and behind it. If that is too long, the name is cut, and digits say which it
    /// was.
    package static func fitting(_ name: String, before: String = "", ending: String = "") -> String {
        let whole = before + name + ending
        guard whole.utf8.count > longest else { return whole }
        let mark = "~" + Hex.text(hash(name))
        var room = longest - before.utf8.count - ending.utf8.count - mark.utf8.count
        var cut = ""
        for character in name {
            room -= character.utf8.count
            if room < 0 { break }
            cut.append(character)
        }
        return before + cut + mark + ending
    }

    /// FNV-1a, eight bytes: it is to tell names apart that nobody chose to be alike.
    private static func hash(_ name: String) -> [UInt8] {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return (0..<8).map { UInt8(truncatingIfNeeded: hash >> (8 * (7 - $0))) }
    }
}
