import DurableFiles

/// What a process was moving in an inbox when it ended: the next one ends it or takes it back before it looks for exports.
extension Inbox {
    /// Ends or takes back every move that was begun, and removes reports and copies that are half made, which are made anew.
    func endMoves() throws(InboxError) {
        let folders = try InboxFolders(folder)
        for place in InboxName.Folder.allCases {
            let unfinished = try FolderCalls.names(in: folders[place]).names.filter(FolderCalls.isUnfinished)
            guard !unfinished.isEmpty else { continue }
            if place != .working {
                try nameReports(unfinished, in: folders[place])
                try takeBackCompanions(unfinished, from: folders[place], to: folders[.working])
            }
            for name in unfinished { try FolderCalls.remove(name, in: folders[place]) }
            try folders.synchronize(place)
        }
        try putBackCompanions(folders)
    }

    /// Gives the reports of exports that have moved their names.
    private func nameReports(_ unfinished: [String], in folder: OpenFolder) throws(InboxError) {
        for export in try exports(in: folder) {
            let report = Self.report(of: export.name)
            guard unfinished.contains(FolderCalls.unfinished(report)), !folder.exists(report) else { continue }
            try nameReport(of: export.name, in: folder)
        }
    }

    /// Takes the companions back of an export that has not moved yet: one that its manifest refused would be believed without it.
    private func takeBackCompanions(
        _ unfinished: [String], from folder: OpenFolder, to working: OpenFolder
    ) throws(InboxError) {
        for export in try exports(in: working) {
            let name = freeName(export.name, in: folder, from: working)
            guard unfinished.contains(FolderCalls.unfinished(Self.report(of: name))) else { continue }
            for (moved, own) in zip(rules.companions(of: name), rules.companions(of: export.name))
            where folder.exists(moved) && !working.exists(own) {
                try FolderCalls.move(moved, from: folder, to: working, as: own)
            }
        }
    }

    /// Puts companions back that came into `working/` without their export, where they would keep the next one of its name out.
    /// One that was replaced in the meantime, or whose export is gone, goes to `superseded/`.
    private func putBackCompanions(_ folders: InboxFolders) throws(InboxError) {
        let working = folders[.working]
        let held = Set(try exports(in: working).flatMap { rules.companions(of: $0.name) })
        let lone = try FolderCalls.names(in: working).names.filter { rules.isCompanion($0) && !held.contains($0) }
        guard !lone.isEmpty else { return }
        for home in [folders.inbox, folders[.waiting]] {
            for export in try exports(in: home) {
                for name in rules.companions(of: export.name) where lone.contains(name) && working.exists(name) {
                    if isWrittenFromList(name, of: [export.name], in: folders.inbox) {
                        try FolderCalls.remove(name, in: working)
                    } else if !home.exists(name) {
                        try FolderCalls.move(name, from: working, to: home, as: name)
                    }
                }
            }
        }
        let superseded = folders[.superseded]
        for name in lone where working.exists(name) {
            let free = InboxName.free(name) { superseded.exists($0) }
            try FolderCalls.move(name, from: working, to: superseded, as: free)
        }
        for place in [InboxName.Folder.working, .waiting, .superseded] { try folders.synchronize(place) }
    }
}
