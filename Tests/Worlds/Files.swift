import Foundation

/// The files of a world, seen from outside of the program.
enum Files {
    /// Copies a folder with the times of its files.
    static func copy(_ folder: String, to target: String) throws {
        let manager = FileManager.default
        try? manager.removeItem(atPath: target)
        try manager.createDirectory(atPath: target, withIntermediateDirectories: true)
        try manager.setAttributes(
            [.posixPermissions: try manager.attributesOfItem(atPath: folder)[.posixPermissions] ?? 0o700],
            ofItemAtPath: target)
        for name in try manager.contentsOfDirectory(atPath: folder) {
            let (from, to) = ("\(folder)/\(name)", "\(target)/\(name)")
            let attributes = try manager.attributesOfItem(atPath: from)
            if attributes[.type] as? FileAttributeType == .typeDirectory {
                try copy(from, to: to)
            } else {
                try Data(contentsOf: URL(filePath: from)).write(to: URL(filePath: to))
                var kept: [FileAttributeKey: Any] = [:]
                for key in [FileAttributeKey.modificationDate, .posixPermissions] { kept[key] = attributes[key] }
                try manager.setAttributes(kept, ofItemAtPath: to)
            }
        }
    }

    /// What is not over in an inbox: exports to be taken, in work, or waiting for a person.
    static func left(in inbox: String) -> [String] {
        ["", "working", "waiting"].flatMap { folder in
            ((try? FileManager.default.contentsOfDirectory(atPath: inbox + "/" + folder)) ?? []).filter {
                $0.contains(".csv") || $0.contains(".xml")
            }.sorted().map { folder.isEmpty ? $0 : folder + "/" + $0 }
        }
    }

    static func isEmpty(inbox: String) -> Bool { left(in: inbox).isEmpty }
}
