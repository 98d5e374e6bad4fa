/// Something about an export that a person should know and that rejects no record; told once.
package struct ExportNote: Sendable, Equatable {
    enum Kind: Int, Sendable, Hashable, CaseIterable {
        case tidied, notUTF8, repeatedHeader, underline
    }

    let kind: Kind
    /// The line where it was met first.
    fileprivate(set) var line: Int
    /// How often it was met.
    var count = 1

    /// The note in words, without a full stop.
    package var sentence: String {
        let first = count == 1 ? "line \(line)" : "\(count) lines, \(line) first,"
        let has = count == 1 ? "has" : "have"
        return switch kind {
        case .tidied: "\(first) \(has) blanks, an apostrophe or quotes around an id, which were taken away"
        case .notUTF8:
            "\(first) \(has) bytes that are not UTF-8; if the export comes from Excel: --encoding windows-1252"
        case .repeatedHeader: "\(first) \(has) the header once more, and no record"
        case .underline: "\(first) \(has) dashes under the header, and no record"
        }
    }
}

extension [ExportNote] {
    /// The notes on two exports of one file, those of the second behind as many lines.
    func followed(by others: [ExportNote], behind lines: Int) -> [ExportNote] {
        others.reduce(into: self) { all, note in
            if let index = all.firstIndex(where: { $0.kind == note.kind }) {
                all[index].count += note.count
            } else {
                all.append(ExportNote(kind: note.kind, line: note.line + lines, count: note.count))
            }
        }
    }

    /// Adds one more of a kind, in the order of first lines: records are not judged in the order of theirs.
    mutating func add(_ kind: ExportNote.Kind, line: Int) {
        if let index = firstIndex(where: { $0.kind == kind }) {
            self[index].count += 1
            guard line < self[index].line else { return }
            self[index].line = line
        } else {
            append(ExportNote(kind: kind, line: line))
        }
        sort { ($0.line, $0.kind.rawValue) < ($1.line, $1.kind.rawValue) }
    }
}
