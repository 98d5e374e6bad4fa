import CommerceSandbox

/// The customers of the store that exports name by their e-mails.
final class Customers {
    /// By the customers' ids.
    private var emails: [String: String] = [:]
    /// Those of whom the store does not know yet.
    private var unknown: Set<String> = []
    /// Other customers who have the e-mail of one for a while, by their ids.
    private var twins: [String: String] = [:]
    private let random: SeededRandom
    private var count = 0

    init(_ random: SeededRandom) { self.random = random }

    /// The e-mail of a customer, who has one from now on.
    func email(of customer: String) -> String {
        if let email = emails[customer] { return email }
        count += 1
        emails[customer] = Self.email(customer, count)
        if random.isOneIn(8) { unknown.insert(customer) }
        return Self.email(customer, count)
    }

    /// Lets some become known, some change their e-mails, and some have the same. Returns what is said of it.
    func change() -> [String] {
        var told: [String] = []
        for customer in emails.keys.sorted() {
            if random.isOneIn(3) { unknown.remove(customer) }
            guard random.isOneIn(20) else { continue }
            count += 1
            emails[customer] = Self.email(customer, count)
            told.append("customer \(customer) has another e-mail")
        }
        twins = [:]
        let known = emails.filter { !unknown.contains($0.key) }.sorted { $0.key < $1.key }
        if random.isOneIn(3), let (customer, email) = known.randomElement(by: random) {
            twins["twin-\(customer)"] = email
            told.append("customer twin-\(customer) has the e-mail of \(customer)")
        }
        return told
    }

    /// Everybody is known, and everybody has an e-mail that nobody else has.
    func settle() {
        unknown = []
        twins = [:]
    }

    /// What the store's list has.
    var entries: [SandboxOwnerEntry] {
        let known = emails.filter { !unknown.contains($0.key) }.sorted { $0.key < $1.key }
        return known.map { SandboxOwnerEntry(id: $0.key, email: $0.value) }
            + twins.sorted { $0.key < $1.key }.map { SandboxOwnerEntry(id: $0.key, email: $0.value) }
    }

    private static func email(_ customer: String, _ number: Int) -> String {
        "m\(number)-\(customer)@example.com"
    }
}
