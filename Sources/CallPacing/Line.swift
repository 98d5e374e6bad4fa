/// A first-in, first-out line with access by position.
struct Line<Element> {
    private var elements: [Element] = []
    private var start = 0

    var count: Int { elements.count - start }
    var isEmpty: Bool { count == 0 }

    /// The element this many places behind the first.
    subscript(position: Int) -> Element {
        get { elements[start + position] }
        set { elements[start + position] = newValue }
    }

    mutating func append(_ element: Element) {
        elements.append(element)
    }

    /// Removes the first element; there must be one.
    mutating func removeFirst() -> Element {
        let element = elements[start]
        start += 1
        // Moving the rest down only when it is the smaller half keeps this constant on average.
        if start > 64, start * 2 > elements.count {
            elements.removeFirst(start)
            start = 0
        }
        return element
    }

    /// Removes the first element that fits, wherever it stands.
    mutating func remove(where fits: (Element) -> Bool) -> Element? {
        guard let index = elements[start...].firstIndex(where: fits) else { return nil }
        return elements.remove(at: index)
    }
}

extension Line: Sendable where Element: Sendable {}
