import DurableFiles
import ExportFiles

/// Exports in several files: their parts lie in a folder of their own, so that they go everywhere together, by one
/// renaming.
///
/// The parts are gathered in a folder that is never taken for an export. A crash in between leaves some of them there, and
/// the others in the inbox: the next start puts them back.
extension Inbox {
    private static let gathering = ".gathering"

    /// The export whose parts lie in a folder, by the name of which they do; nil if it is another folder, or no folder.
    func set(_ entry: InboxEntry, in folder: OpenFolder) throws(InboxError) -> InboxEntry? {
        guard entry.kind == .folder, entry.name.hasSuffix(InboxEntry.setEnding) else { return nil }
        let folder = try FolderCalls.below(entry.name, in: folder)
        let names = Set(try FolderCalls.names(in: folder).names)
        let manifest = names.filter { NameRules.announces($0, names) && $0.hasSuffix(NameRules.manifest) }.min()
        var parts: [InboxEntry] = []
        for name in names where !NameRules.isAlwaysLeftAlone(name) && !rules.isCompanion(name) {
            guard let part = try FolderCalls.entry(name, in: folder), part.kind == .regular else { continue }
            parts.append(part)
        }
        let listed = manifest.map { ExportManifest.listed(in: $0, of: folder) } ?? []
        func rank(_ part: InboxEntry) -> Int {
            listed.firstIndex(of: part.name) ?? PartName(part.name)?.number ?? listed.count
        }
        parts.sort { (rank($0), $0.name) < (rank($1), $1.name) }
        return parts.isEmpty ? nil : InboxEntry(folder: entry.name, parts: parts, manifest: manifest)
    }

    /// Moves the parts of an export with their companions into `working/`; nil if they are no longer those that were seen.
    func claimSet(_ entry: InboxEntry, _ folders: InboxFolders) throws(InboxError) -> ClaimedExport? {
        guard try takeSet(entry, folders, to: .working, as: entry.name) else { return nil }
        try folders.synchronize(.working)
        return ClaimedExport(entry, path: folders[.working].path(of: entry.name), isResumed: false)
    }

    /// Moves the parts of an export from the inbox; false if they are no longer those that were seen, and stay there.
    func takeSet(
        _ entry: InboxEntry, _ folders: InboxFolders, to place: InboxName.Folder, as name: String
    ) throws(InboxError) -> Bool {
        let (inbox, target) = (folders.inbox, folders[place])
        if isPrivate {
            // It came together, and only this service writes here.
            try FolderCalls.move(entry.name, from: inbox, to: target, as: name)
            return true
        }
        try putBack(from: place, folders)
        let gathering = try FolderCalls.make(Self.gathering, in: target)
        do throws(InboxError) {
            for part in entry.parts {
                if place == .working { _ = try writeChecksum(of: part.name, in: inbox, to: gathering) }
                try moveCompanions(of: part.name, from: inbox, to: gathering, as: part.name)
                try FolderCalls.move(part.name, from: inbox, to: gathering, as: part.name)
            }
            if let manifest = entry.manifest {
                try FolderCalls.move(manifest, from: inbox, to: gathering, as: manifest)
            }
        } catch {
            try putBack(from: place, folders)
            guard error.isGone else { throw error }
            return false
        }
        guard try isAsSeen(entry, in: gathering, from: inbox) else {
            try putBack(from: place, folders)
            return false
        }
        // First what is in it, then its name.
        try FolderCalls.synchronize(gathering)
        try FolderCalls.move(Self.gathering, from: target, to: target, as: name)
        return true
    }

    private func isAsSeen(
        _ entry: InboxEntry, in gathering: OpenFolder, from inbox: OpenFolder
    ) throws(InboxError) -> Bool {
        let isElsewhere = try FolderCalls.status(of: inbox).device != FolderCalls.status(of: gathering).device
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
        let folders = try InboxFolders(folder)
        for place in [InboxName.Folder.working, .superseded] { try putBack(from: place, folders) }
    }

    private func putBack(from place: InboxName.Folder, _ folders: InboxFolders) throws(InboxError) {
        let (inbox, superseded) = (folders.inbox, folders[.superseded])
        guard folders[place].exists(Self.gathering) else { return }
        let gathering = try FolderCalls.below(Self.gathering, in: folders[place])
        let names = try FolderCalls.names(in: gathering).names
        let parts = try names + FolderCalls.names(in: inbox).names
        for name in names {
            if isWrittenFromList(name, of: parts, in: inbox) {
                try FolderCalls.remove(name, in: gathering)
            } else if !inbox.exists(name) {
                try FolderCalls.move(name, from: gathering, to: inbox, as: name)
            } else {
                let free = InboxName.free(name) { superseded.exists($0) }
                try FolderCalls.move(name, from: gathering, to: superseded, as: free)
            }
        }
        try FolderCalls.remove(Self.gathering, in: folders[place])
        try folders.synchronize(place)
    }

    /// Whether a checksum is what a list in the inbox says of one of these files.
    func isWrittenFromList(_ name: String, of parts: [String], in inbox: OpenFolder) -> Bool {
        zip(NameRules.checksumLists, NameRules.checksums).contains { list, ending in
            guard name.hasSuffix(ending), let part = parts.first(where: { FileName.beside($0, ending) == name }),
                let list = try? OpenFile(list, in: inbox, for: .readingNoLink)
            else { return false }
            return ExportChecksum.listed(part, in: list) != nil
        }
    }
}
