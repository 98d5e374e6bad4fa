import CartAssociations
import Foundation
import SyncEngine
import SyncService

/// Looks at what is at the sources of `serve`, if there are any in the settings.
enum SourceCheck {
    static func findings(_ loaded: LoadedSettings) async -> [DoctorFinding] {
        guard !loaded.jobs.isEmpty || !loaded.settings.sources.kinds.isEmpty else { return [] }
        let problems = ServiceSettings.problems(loaded)
        guard problems.isEmpty else {
            return problems.map { .failed("source", .badSettings, $0, advice: "correct the settings of the source") }
        }
        var findings: [DoctorFinding] = []
        for job in loaded.serviceJobs {
            let topic = loaded.jobs.isEmpty ? "source" : "source of \(job.name)"
            let settings = job.loaded.settings
            let look = await SourceLook(
                at: settings.sources.jobSource(), settings.sources.names(parts: settings.run.parts))
            guard look.isWell else {
                // What it says ends with what to do.
                findings.append(
                    .failed(
                        topic, .exportUnreadable, look.words,
                        advice: "correct \(settings.sources.kinds.joined()), or what it leads to"))
                continue
            }
            if let folder = settings.sources.folder, !FileManager.default.isWritableFile(atPath: folder) {
                findings.append(
                    .failed(
                        topic, .exportUnreadable, "\(look.words), and exports cannot be moved in it",
                        advice: "give the user that runs cartsync permission to write to it"))
                continue
            }
            findings.append(DoctorFinding(topic, .ok, look.words))
            findings += look.notes.map { DoctorFinding(topic, .note, $0) }
        }
        return findings
    }
}
