import Testing

@testable import cartsync

@Suite("what a command gives to the service that does it")
struct HandingTests {
    @Test(
        "a service of another user sees through root's eyes what the command names and what stands beside it",
        arguments: [
            ("e.csv", true), ("e.csv.manifest.json", true), ("e.csv.sha256", true), ("./SHA256SUMS", true),
            ("./MD5SUMS", true), ("night/plan", true), ("-", true), ("other.csv", false), ("/etc/shadow", false),
            ("e.csvx", false), ("../e.csv.sha256", false), ("night/e.csv.sha256", false), ("e.csv.d/x", false),
            ("./sha256SUMS", false), ("SUMS", true), ("", false), ("..", false), ("e.csv./../x", false),
        ])
    func belongs(path: String, isLent: Bool) {
        #expect(HandOver.belongs(path, to: ["e.csv", "night/plan", "-"]) == isLent)
    }

    @Test("no secret, and nothing that says where the service is or finds its exports, is handed over")
    func settings() {
        let handed = Setting.all.filter(\.isHanded)
        #expect(handed.allSatisfy { !$0.isSecret && $0.key != "api.secrets-directory" })
        for group in ["source.", "http.", "log.", "state.", "notify."] {
            #expect(!handed.contains { $0.key.hasPrefix(group) }, "\(group)")
        }
        let ofRun = Set(Setting.all.filter(\.isOfRun).map(\.key))
        #expect(
            ofRun.isSuperset(of: ["sync.deletes", "guard.max-deletes", "run.deadline", "rate.limit", "mapping.cart"]))
        #expect(ofRun.isDisjoint(with: ["api.base-url", "api.client-id", "rate.schedule", "api.headers"]))
        // What is new has to be judged: each setting of the store or the pace is told or taken over.
        // A secret is the service's own.
        let own = ["source.", "notify."]
        let perJob = Setting.all.filter { setting in
            setting.isPerJob && !setting.isSecret && !own.contains { setting.key.hasPrefix($0) }
        }
        #expect(perJob.filter { !$0.isOfRun }.isEmpty)
    }
}
