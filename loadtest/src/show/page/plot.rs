//! A plot as inline SVG: axes with round numbers, lines, marks, and a word on what lies under the pointer.
//!
//! ```text
//!  top     ┌──────────────────────┐
//!          │      ╱╲    ┆ mark    │   coordinates of the viewBox: WIDTH x HEIGHT; a page scales it to its column
//!          │ ____╱  ╲___┆_____    │   colours and fonts come from the page's CSS, so that dark and light both fit
//!  bottom  └──────────────────────┘
//!         left                  right
//! ```

use std::fmt::Write as _;

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 88.0;
const RIGHT: f64 = 822.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 262.0;
/// Numbers on an axis, about.
const TICKS: f64 = 6.0;
/// More points than this do not fit on a screen: neighbours are put together.
const POINTS_MAX: usize = 1_200;
const INFALLIBLE: &str = "a String takes everything";

/// How values lie on an axis.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Scale {
    Linear,
    Log,
}

/// One axis: from where to where, and how its numbers are written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    scale: Scale,
    least: f64,
    most: f64,
    label: fn(f64) -> String,
    title: &'static str,
}

impl Axis {
    /// From 0, or another least value, to a bit above the most.
    pub(super) fn linear(least: f64, most: f64, title: &'static str, label: fn(f64) -> String) -> Axis {
        let most = if most > least { most } else { least + 1.0 };
        Axis { scale: Scale::Linear, least, most, label, title }
    }

    /// Whole powers of ten around the values.
    pub(super) fn log(least: f64, most: f64, title: &'static str, label: fn(f64) -> String) -> Axis {
        let least = 10f64.powf(least.max(1e-9).log10().floor());
        let most = 10f64.powf(most.max(least * 1.001).log10().ceil());
        Axis { scale: Scale::Log, least, most: most.max(least * 10.0), label, title }
    }

    /// Where a value lies, 0 to 1.
    fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.least) / (self.most - self.least),
            Scale::Log => (value.max(self.least) / self.least).ln() / (self.most / self.least).ln(),
        };
        share.clamp(0.0, 1.0)
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let step = round_step((self.most - self.least) / TICKS);
                let first = (self.least / step).ceil() as i64;
                let last = (self.most / step * (1.0 + 1e-9)).floor() as i64;
                (first..=last).map(|index| index as f64 * step).collect()
            }
            Scale::Log => {
                let decades = (self.most / self.least).log10().round() as i32;
                (0..=decades).map(|decade| self.least * 10f64.powi(decade)).collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten, at least as large.
fn round_step(step: f64) -> f64 {
    let power = 10f64.powf(step.log10().floor());
    let factor = [1.0, 2.0, 5.0, 10.0].into_iter().find(|factor| factor * power >= step * (1.0 - 1e-9));
    factor.unwrap_or(10.0) * power
}

/// What lies where on the x axis, where there is something.
pub(super) type Points = Vec<(f64, Option<f64>)>;

/// A line through points; one without a value is a gap.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) name: String,
    /// `s1` to `s6`: a colour of the page, or `asked`, dashed and grey.
    pub(super) class: String,
    pub(super) points: Points,
}

/// A point of time at which something happened.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) at: f64,
    pub(super) text: String,
}

/// A stretch in which no answer came.
pub(super) type Band = (f64, f64);

/// A whole plot.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
    pub(super) moments: Vec<Moment>,
    pub(super) bands: Vec<Band>,
}

impl Plot {
    fn x(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (RIGHT - LEFT)
    }

    fn y(&self, value: f64) -> f64 {
        BOTTOM - self.y.place(value) * (BOTTOM - TOP)
    }

    /// The plot and, under it, what its lines are called.
    pub(super) fn draw(&self, name: &str) -> String {
        let mut out = String::new();
        let what = escape(name);
        writeln!(out, "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{what}\">")
            .expect(INFALLIBLE);
        self.push_bands(&mut out);
        self.push_axes(&mut out);
        for line in &self.lines {
            self.push_line(&mut out, line);
        }
        self.push_moments(&mut out);
        self.push_pointers(&mut out);
        out.push_str("</svg>\n<p class=\"legend\">");
        for line in &self.lines {
            let name = escape(&line.name);
            write!(out, "<span><i class=\"{}\"></i>{name}</span> ", line.class).expect(INFALLIBLE);
        }
        if !self.bands.is_empty() {
            out.push_str("<span><i class=\"band\"></i>no answer</span>");
        }
        out.push_str("</p>\n");
        out
    }

    fn push_axes(&self, out: &mut String) {
        for tick in self.y.ticks() {
            let (y, label) = (self.y(tick), escape(&(self.y.label)(tick)));
            writeln!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{RIGHT}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>",
                LEFT - 8.0,
                y + 4.0
            )
            .expect(INFALLIBLE);
        }
        for tick in self.x.ticks() {
            let (x, label) = (self.x(tick), escape(&(self.x.label)(tick)));
            writeln!(
                out,
                "<line class=\"grid\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/>\
                 <text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>",
                BOTTOM + 17.0
            )
            .expect(INFALLIBLE);
        }
        let middle = (LEFT + RIGHT) / 2.0;
        writeln!(
            out,
            "<text class=\"title\" x=\"{middle:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>\
             <text class=\"title\" x=\"14\" y=\"{:.1}\" transform=\"rotate(-90 14 {:.1})\" text-anchor=\"middle\">{}</text>",
            HEIGHT - 4.0,
            escape(self.x.title),
            (TOP + BOTTOM) / 2.0,
            (TOP + BOTTOM) / 2.0,
            escape(self.y.title)
        )
        .expect(INFALLIBLE);
    }

    fn push_line(&self, out: &mut String, line: &Line) {
        let mut path = String::new();
        let mut pen_down = false;
        let points = thinned(&line.points);
        for (index, &(x, value)) in points.iter().enumerate() {
            let Some(value) = value else {
                pen_down = false;
                continue;
            };
            let (x, y) = (self.x(x), self.y(value));
            let alone = !pen_down && points.get(index + 1).is_none_or(|(_, next)| next.is_none());
            write!(path, "{}{x:.1} {y:.1}", if pen_down { "L" } else { "M" }).expect(INFALLIBLE);
            if alone {
                // A stroke of no length is a dot.
                write!(path, "L{x:.1} {y:.1}").expect(INFALLIBLE);
            }
            pen_down = true;
        }
        writeln!(out, "<path class=\"{}\" d=\"{path}\"/>", line.class).expect(INFALLIBLE);
    }

    fn push_bands(&self, out: &mut String) {
        for &(from, to) in &self.bands {
            let (x, end) = (self.x(from), self.x(to));
            let width = (end - x).max(1.0);
            let height = BOTTOM - TOP;
            writeln!(
                out,
                "<rect class=\"band\" x=\"{x:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height:.1}\">\
                 <title>no answer for {:.3} s</title></rect>",
                to - from
            )
            .expect(INFALLIBLE);
        }
    }

    fn push_moments(&self, out: &mut String) {
        for (index, moment) in self.moments.iter().enumerate() {
            let x = self.x(moment.at);
            let text = escape(&moment.text);
            // Texts of neighbours stand below each other, and those at the right edge on the other side of their line.
            let y = TOP + 12.0 + 14.0 * (index % 4) as f64;
            let (at, anchor) = if x > RIGHT - 160.0 { (x - 4.0, "end") } else { (x + 4.0, "start") };
            writeln!(
                out,
                "<line class=\"fault\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{TOP}\" y2=\"{BOTTOM}\"/>\
                 <text class=\"fault\" x=\"{at:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{text}</text>"
            )
            .expect(INFALLIBLE);
        }
    }

    /// A strip for each point of the first line with a title that browsers show under the pointer.
    fn push_pointers(&self, out: &mut String) {
        let Some(first) = self.lines.first() else { return };
        let points = thinned(&first.points);
        let others: Vec<(&Line, Points)> =
            self.lines.iter().map(|line| (line, thinned(&line.points))).collect();
        for (index, &(at, _)) in points.iter().enumerate() {
            let left =
                index.checked_sub(1).map_or(LEFT, |before| (self.x(points[before].0) + self.x(at)) / 2.0);
            let right = points.get(index + 1).map_or(RIGHT, |(next, _)| (self.x(*next) + self.x(at)) / 2.0);
            let mut text = escape(&(self.x.label)(at));
            for (line, points) in &others {
                if let Some((_, Some(value))) = points.get(index).filter(|(x, _)| *x == at) {
                    write!(text, "\n{}: {}", escape(&line.name), escape(&(self.y.label)(*value)))
                        .expect(INFALLIBLE);
                }
            }
            let (width, height) = ((right - left).max(0.5), BOTTOM - TOP);
            writeln!(
                out,
                "<rect class=\"hit\" x=\"{left:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{height:.1}\"><title>{text}</title></rect>"
            )
            .expect(INFALLIBLE);
        }
    }
}

/// No more points than a screen shows; of those put together the highest is kept, as it is what one looks for.
fn thinned(points: &[(f64, Option<f64>)]) -> Points {
    let together = points.len().div_ceil(POINTS_MAX).max(1);
    points
        .chunks(together)
        .map(|chunk| (chunk[0].0, chunk.iter().filter_map(|(_, value)| *value).reduce(f64::max)))
        .collect()
}

/// Text that means nothing to a browser.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter => out.push(letter),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(value: f64) -> String {
        format!("{value}")
    }

    #[test]
    fn axes_have_round_numbers() {
        assert_eq!(Axis::linear(0.0, 97.0, "", plain).ticks(), [0.0, 20.0, 40.0, 60.0, 80.0]);
        assert_eq!(Axis::linear(0.0, 0.5, "", plain).ticks().len(), 6);
        assert_eq!(Axis::log(30.0, 4_000.0, "", plain).ticks(), [10.0, 100.0, 1_000.0, 10_000.0]);
        assert_eq!(Axis::log(5.0, 5.0, "", plain).ticks(), [1.0, 10.0]);
        let axis = Axis::log(10.0, 1_000.0, "", plain);
        assert!((axis.place(100.0) - 0.5).abs() < 1e-9);
        assert_eq!((axis.place(0.0), axis.place(1e9)), (0.0, 1.0));
        assert_eq!(Axis::linear(0.0, 0.0, "", plain).place(0.0), 0.0);
    }

    #[test]
    fn lines_break_where_nothing_was_measured_and_texts_are_harmless() {
        let line = Line {
            name: "<b>".to_owned(),
            class: "s1".to_owned(),
            points: vec![(0.0, Some(1.0)), (1.0, None), (2.0, Some(3.0)), (3.0, Some(4.0))],
        };
        let plot = Plot {
            x: Axis::linear(0.0, 3.0, "s", plain),
            y: Axis::linear(0.0, 4.0, "v", plain),
            lines: vec![line],
            moments: vec![Moment { at: 1.0, text: "kill \"x\" & y".to_owned() }],
            bands: vec![(0.5, 1.5)],
        };
        let svg = plot.draw("a < b");
        let path = svg.lines().find(|line| line.contains("<path")).unwrap();
        assert_eq!(path.matches('M').count(), 2, "two pieces: {path}");
        assert!(svg.contains("&lt;b&gt;") && svg.contains("kill &quot;x&quot; &amp; y"));
        assert!(!svg.contains("<b>") && !svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn long_runs_keep_their_peaks() {
        let points: Vec<(f64, Option<f64>)> = (0..10_000)
            .map(|index| (f64::from(index), Some(if index == 5_555 { 9.0 } else { 1.0 })))
            .collect();
        let thin = thinned(&points);
        assert!(thin.len() <= POINTS_MAX && thin.iter().any(|(_, value)| *value == Some(9.0)));
    }
}
