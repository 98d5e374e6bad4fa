import CFileCalls
import ExportFiles
import Foundation

/// The files of a world, seen from outside of the program.
enum Files {
    /// The paths of all files below a folder, by their names, but for those of reports.
    static func all(below folder: String) -> [String: [String]] {
        var found: [String: [String]] = [:]
        func look(_ folder: String) {
            for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
                let path = "\(folder)/\(name)"
                if unsafe !worlds_is_folder(path) {
                    found[name, default: []].append(path)
                } else if !name.hasSuffix(".report") {
                    look(path)
                }
            }
        }
        look(folder)
        return found
    }

    /// The places of an export, which may have got a number before the end of its name.
    static func places(of name: String, in found: [String: [String]]) -> [String] {
        let end = name.lastIndex(of: ".") ?? name.endIndex
        return [name, "\(name[..<end])-2\(name[end...])"].flatMap { found[$0] ?? [] }
    }

    static func bytes(of path: String) -> [UInt8]? { (try? Data(contentsOf: URL(filePath: path))).map(Array.init) }

    /// Whether a part came after a newer snapshot had taken the place of the other parts: a person has to see it.
    private static func isOrphan(_ name: String, in inbox: String) -> Bool {
        guard let part = PartName(name) else { return false }
        return FileManager.default.fileExists(atPath: "\(inbox)/superseded/\(part.whole).parts")
    }

    /// What is not over in an inbox: exports to be taken, in work, or waiting for a person.
    ///
    /// - Parameter lacking: exports of which a part never comes.
    static func left(in inbox: String, lacking: Set<String> = []) -> [String] {
        ["", "working", "waiting"].flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: inbox + "/" + folder)) ?? []).filter { name in
                (name.contains(".csv") || name.contains(".xml")) && !lacking.contains { name.hasPrefix($0 + "-") }
                    && !isOrphan(name, in: inbox)
            }.sorted().map { folder.isEmpty ? $0 : folder + "/" + $0 }
        }
    }
}
