/// A plot of lines as an SVG that takes its colours from the page, in light, dark and print.
struct LinePlot {
    struct Series {
        let name: String
        let points: [(x: Double, y: Double)]
        /// The position in the palette.
        let color: Int
        var isDashed = false
        /// Steps instead of slopes: a limit does not glide from one value to the next.
        var isStepped = false
    }

    /// A moment or a stretch of time that stands out.
    struct Mark {
        let from: Double
        let to: Double
        let isBand: Bool
    }

    let id: String
    let title: String
    /// What a person who cannot see the plot should know.
    let description: String
    let x: PlotScale
    let y: PlotScale
    let yTitle: String
    let series: [Series]
    var marks: [Mark] = []

    struct Size {
        let width: Double
        let height: Double
        /// Added to the plot's id: an id may stand only once on a page.
        let suffix: String

        /// For a screen or paper.
        static let wide = Size(width: 860, height: 320, suffix: "wide")
        /// For a phone, with letters of the same size.
        static let narrow = Size(width: 350, height: 280, suffix: "narrow")
    }

    func svg(_ size: Size) -> String {
        let frame = Frame(size: size)
        let name = "\(id)-\(size.suffix)"
        var parts = [
            "<svg class=\"plot \(size.suffix)\" viewBox=\"0 0 \(n(size.width)) \(n(size.height))\" role=\"img\" "
                + "aria-labelledby=\"\(name)-title \(name)-desc\">",
            "<title id=\"\(name)-title\">\(Markup.escaped(title))</title>",
            "<desc id=\"\(name)-desc\">\(Markup.escaped(description))</desc>",
        ]
        parts += marks.map { mark($0, frame) }
        parts += grid(frame)
        parts += series.map { line($0, frame) }
        parts.append("</svg>")
        return parts.joined(separator: "\n")
    }

    private struct Frame {
        let size: Size
        let left = 58.0
        let top = 22.0
        let right = 22.0
        let bottom = 26.0
        var width: Double { size.width - left - right }
        var height: Double { size.height - top - bottom }

        func x(_ share: Double) -> Double { left + share * width }
        func y(_ share: Double) -> Double { top + (1 - share) * height }
    }

    private func grid(_ frame: Frame) -> [String] {
        var parts = [
            "<text class=\"axis\" x=\"0\" y=\"12\">\(Markup.escaped(yTitle))</text>"
        ]
        for tick in y.ticks {
            let at = n(frame.y(y.position(tick.value)))
            parts.append(
                "<line class=\"grid\" x1=\"\(n(frame.left))\" x2=\"\(n(frame.left + frame.width))\" "
                    + "y1=\"\(at)\" y2=\"\(at)\"/>")
            parts.append(
                "<text class=\"axis end\" x=\"\(n(frame.left - 8))\" y=\"\(at)\" dy=\"4\">"
                    + "\(Markup.escaped(tick.label))</text>")
        }
        // Labels that would run into the one before them are left out; the last one of the axis is the end of room.
        var free = -Double.infinity
        for tick in x.ticks {
            let at = frame.x(x.position(tick.value))
            parts.append(
                "<line class=\"grid\" x1=\"\(n(at))\" x2=\"\(n(at))\" y1=\"\(n(frame.top))\" "
                    + "y2=\"\(n(frame.top + frame.height))\"/>")
            let half = Double(tick.label.count) * 3.6
            guard at - half > free else { continue }
            free = at + half + 6
            let isAtEdge = at + half > frame.size.width
            parts.append(
                "<text class=\"axis \(isAtEdge ? "end" : "middle")\" x=\"\(n(isAtEdge ? frame.size.width : at))\" "
                    + "y=\"\(n(frame.size.height - 8))\">\(Markup.escaped(tick.label))</text>")
        }
        return parts
    }

    private func mark(_ mark: Mark, _ frame: Frame) -> String {
        let from = frame.x(x.position(mark.from))
        let to = frame.x(x.position(mark.to))
        // A short pause in a long run is still a line that can be seen.
        let width = max(1.5, to - from)
        return "<rect class=\"\(mark.isBand ? "pause" : "limited")\" x=\"\(n(from))\" width=\"\(n(width))\" "
            + (mark.isBand
                ? "y=\"\(n(frame.top))\" height=\"\(n(frame.height))\"/>"
                : "y=\"\(n(frame.top + frame.height - 12))\" height=\"12\"/>")
    }

    private func line(_ series: Series, _ frame: Frame) -> String {
        let points = series.points.map { (frame.x(x.position($0.x)), frame.y(y.position($0.y))) }
        let name = "c\(series.color)\(series.isDashed ? " dashed" : "")"
        guard points.count > 1, let first = points.first else {
            let dots = points.map {
                "<circle class=\"dot c\(series.color)\" cx=\"\(n($0.0))\" cy=\"\(n($0.1))\" r=\"3\"/>"
            }
            return dots.joined()
        }
        var path = "M\(n(first.0)) \(n(first.1))"
        for point in points.dropFirst() {
            path += series.isStepped ? "H\(n(point.0))V\(n(point.1))" : "L\(n(point.0)) \(n(point.1))"
        }
        return "<path class=\"line \(name)\" d=\"\(path)\"/>"
    }

    /// Coordinates to a tenth of a pixel.
    private func n(_ value: Double) -> String { Figures.plain((value * 10).rounded() / 10) }
}
