import CartAssociations

/// What is really in the store, and who has put it there: written down beside the store, from the calls that had an effect.
struct Truth {
    enum Actor: String {
        case cartsync, shopper
    }

    struct Event {
        let at: Duration
        let isPresent: Bool
        let actor: Actor
    }

    private(set) var events: [Association: [Event]] = [:]

    var present: Set<Association> { Set(events.filter { $0.value.last?.isPresent == true }.keys) }

    func contains(_ association: Association) -> Bool { events[association]?.last?.isPresent ?? false }

    /// Who has made what is there now; nil if it is not there.
    func maker(of association: Association) -> Actor? {
        guard let last = events[association]?.last, last.isPresent else { return nil }
        return last.actor
    }

    mutating func note(_ association: Association, isPresent: Bool, by actor: Actor, at time: Duration) {
        guard contains(association) != isPresent else { return }
        events[association, default: []].append(Event(at: time, isPresent: isPresent, actor: actor))
    }

    /// Whether it was there, or was not, at some moment since a time.
    func was(_ association: Association, present: Bool, since time: Duration) -> Bool {
        let all = events[association] ?? []
        let before = all.last { $0.at <= time }?.isPresent ?? false
        return before == present || all.contains { $0.at > time && $0.isPresent == present }
    }

    /// Whether anyone else has ever taken it away.
    func wasTakenByOthers(_ association: Association) -> Bool {
        events[association]?.contains { !$0.isPresent && $0.actor == .shopper } ?? false
    }
}
