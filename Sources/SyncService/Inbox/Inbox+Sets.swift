import ExportFiles

/// Exports in several files: their parts lie in a folder of their own, so that they go everywhere together, by one
/// renaming.
///
/// The parts are gathered in a folder that is never taken for an export. A crash in between leaves some of them there, and
/// the others in the inbox: the next start puts them back.
extension Inbox {
    private static let gathering = ".gathering"

    private func gathering(_ place: InboxName.Folder) -> String { "\(path(place))/\(Self.gathering)" }

    /// The export whose parts lie in a folder, by the name of which they do; nil if it is another folder, or no folder.
    func set(_ entry: InboxEntry, in folder: String) throws(InboxError) -> InboxEntry? {
        guard entry.kind == .folder, entry.name.hasSuffix(InboxEntry.setEnding) else { return nil }
        let path = "\(folder)/\(entry.name)"
        let names = Set(try FolderCalls.names(in: path).names)
        let manifest = names.filter { NameRules.announces($0, names) && $0.hasSuffix(NameRules.manifest) }.min()
        var parts: [InboxEntry] = []
        for name in names where !NameRules.isAlwaysLeftAlone(name) && !rules.isCompanion(name) {
            guard let part = try FolderCalls.entry(name, in: path), part.kind == .regular else { continue }
            parts.append(part)
        }
        let listed = manifest.map { ExportManifest.listed(in: "\(path)/\($0)") } ?? []
        func rank(_ part: InboxEntry) -> Int {
            listed.firstIndex(of: part.name) ?? PartName(part.name)?.number ?? listed.count
        }
        parts.sort { (rank($0), $0.name) < (rank($1), $1.name) }
        return parts.isEmpty ? nil : InboxEntry(folder: entry.name, parts: parts, manifest: manifest)
    }

    /// The paths of the files of an export that lies in the inbox, or in a folder of it.
    func files(of entry: InboxEntry, in folder: String) -> [String] {
        guard entry.isSet else { return ["\(folder)/\(entry.name)"] }
        // Parts that others put into the inbox are gathered when they are taken.
        let place = folder == self.folder && !isPrivate ? folder : "\(folder)/\(entry.name)"
        return entry.parts.map { "\(place)/\($0.name)" }
    }

    /// An export that lies in `working/`.
    func claimed(_ entry: InboxEntry, isResumed: Bool) -> ClaimedExport {
        let path = "\(path(.working))/\(entry.name)"
        return ClaimedExport(
            name: entry.name, path: path, isResumed: isResumed, parts: entry.parts.map { "\(path)/\($0.name)" },
            manifest: entry.manifest.map { "\(path)/\($0)" })
    }

    /// Moves the parts of an export with their companions into `working/`; nil if they are no longer those that were seen.
    func claimSet(_ entry: InboxEntry) throws(InboxError) -> ClaimedExport? {
        guard try takeSet(entry, to: .working, as: entry.name) else { return nil }
        try synchronize(.working)
        return claimed(entry, isResumed: false)
    }

    /// Moves the parts of an export from the inbox; false if they are no longer those that were seen, and stay there.
    func takeSet(_ entry: InboxEntry, to place: InboxName.Folder, as name: String) throws(InboxError) -> Bool {
        let target = "\(path(place))/\(name)"
        if isPrivate {
            // It came together, and only this service writes here.
            try FolderCalls.move("\(self.folder)/\(entry.name)", to: target)
            return true
        }
        let gathering = gathering(place)
        try putBack(from: place)
        try FolderCalls.create(gathering)
        do throws(InboxError) {
            for part in entry.parts {
                if place == .working { _ = try writeChecksum(of: part.name, to: gathering) }
                try moveCompanions(of: part.name, from: folder, to: gathering, as: part.name)
                try FolderCalls.move("\(folder)/\(part.name)", to: "\(gathering)/\(part.name)")
            }
            if let manifest = entry.manifest {
                try FolderCalls.move("\(folder)/\(manifest)", to: "\(gathering)/\(manifest)")
            }
        } catch {
            try putBack(from: place)
            guard error.isGone else { throw error }
            return false
        }
        guard try isAsSeen(entry, in: gathering) else {
            try putBack(from: place)
            return false
        }
        // First what is in it, then its name.
        try FolderCalls.synchronize(gathering)
        try FolderCalls.move(gathering, to: target)
        return true
    }

    private func isAsSeen(_ entry: InboxEntry, in gathering: String) throws(InboxError) -> Bool {
        let isElsewhere = try FolderCalls.device(of: folder) != FolderCalls.device(of: gathering)
        for part in entry.parts {
            guard let taken = try FolderCalls.entry(part.name, in: gathering),
                taken.isSameFile(orCopyOf: part, onAnotherDevice: isElsewhere)
            else { return false }
        }
        return true
    }

    /// Puts parts back into the inbox whose export was being gathered when the process ended.
    ///
    /// A part that came again in the meantime is the newer one: the other goes to `superseded/`.
    func putBack() throws(InboxError) {
        for place in [InboxName.Folder.working, .superseded] { try putBack(from: place) }
    }

    private func putBack(from place: InboxName.Folder) throws(InboxError) {
        let gathering = gathering(place)
        guard FolderCalls.exists(gathering) else { return }
        for name in try FolderCalls.names(in: gathering).names {
            if isWrittenFromList(name) {
                try FolderCalls.remove("\(gathering)/\(name)")
            } else if !FolderCalls.exists("\(folder)/\(name)") {
                try FolderCalls.move("\(gathering)/\(name)", to: "\(folder)/\(name)")
            } else {
                let target = path(.superseded)
                let free = InboxName.free(name) { FolderCalls.exists("\(target)/\($0)") }
                try FolderCalls.move("\(gathering)/\(name)", to: "\(target)/\(free)")
            }
        }
        try FolderCalls.remove(gathering)
        try FolderCalls.synchronize(folder)
        try FolderCalls.synchronize(path(place))
    }

    /// Whether a checksum is what a list in the inbox says.
    private func isWrittenFromList(_ name: String) -> Bool {
        zip(NameRules.checksumLists, NameRules.checksums).contains { list, ending in
            name.hasSuffix(ending)
                && ExportChecksum.listed(String(name.dropLast(ending.count)), in: "\(folder)/\(list)") != nil
        }
    }
}
