//! Lines over an axis, as SVG: enough for a report, without a library.
//!
//! Promises: it stands alone: no script, no font and no picture from elsewhere; its colours come from the page.
//! Must never: draw what was not measured: a gap in the points is a gap in the line.

use std::fmt::Write;

use serde::Serialize;

use crate::bar::rounded;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 40.0;
/// Of equal distance, on an axis that has no marks of its own.
const MARKS: f64 = 5.0;
const NINES: [(f64, &str); 6] =
    [(0.0, "0 %"), (0.301, "50 %"), (1.0, "90 %"), (2.0, "99 %"), (3.0, "99.9 %"), (4.0, "99.99 %")];

/// How an axis runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Scale {
    /// From 0, evenly.
    Even,
    /// By factors of ten.
    Tens,
    /// Share of all, in nines.
    Nines,
}

/// Lines that share their axes.
#[derive(Clone, Debug, Serialize)]
pub struct Plot {
    /// What is shown.
    pub title: String,
    /// What runs to the right, with its unit.
    pub x: &'static str,
    /// How.
    pub x_scale: Scale,
    /// What runs up, with its unit.
    pub y: &'static str,
    /// The lines.
    pub lines: Vec<Line>,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// What it is of.
    pub name: String,
    /// Where it goes.
    pub points: Vec<(f64, f64)>,
}

impl Line {
    /// A line.
    pub fn new(name: &str, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.to_owned(), points }
    }
}

impl Plot {
    /// A line over seconds.
    pub fn over_time(title: &str, y: &'static str, lines: Vec<Line>) -> Self {
        Self { title: title.to_owned(), x: "seconds", x_scale: Scale::Even, y, lines }
    }

    /// Distributions of latency.
    pub fn of_latency(title: &str, lines: Vec<Line>) -> Self {
        Self { title: title.to_owned(), x: "share of all", x_scale: Scale::Nines, y: "ms", lines }
    }

    /// As SVG, with its legend.
    pub fn svg(&self) -> String {
        let frame = Frame::around(self);
        let mut svg =
            format!(r#"<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{}">"#, escaped(&self.title));
        frame.draw_marks(self, &mut svg);
        for (number, line) in self.lines.iter().enumerate() {
            frame.draw_line(line, number, &mut svg);
        }
        svg.push_str("</svg>");
        svg
    }
}

/// Where values are in the picture.
struct Frame {
    x_scale: Scale,
    x_min: f64,
    x_max: f64,
    y_max: f64,
}

impl Frame {
    fn around(plot: &Plot) -> Self {
        let points = || plot.lines.iter().flat_map(|line| &line.points);
        let place = |x: f64| if plot.x_scale == Scale::Tens { x.max(1e-9).log10() } else { x };
        let x_max = points().map(|(x, _)| place(*x)).fold(f64::MIN, f64::max);
        let x_min = match plot.x_scale {
            Scale::Tens => points().map(|(x, _)| place(*x)).fold(f64::MAX, f64::min),
            Scale::Even | Scale::Nines => 0.0,
        };
        let x_max = if x_max > x_min { x_max } else { x_min + 1.0 };
        let y_max = points().map(|(_, y)| *y).fold(0.0, f64::max);
        Self { x_scale: plot.x_scale, x_min, x_max, y_max: round_up(y_max) }
    }

    fn x(&self, value: f64) -> f64 {
        let place = if self.x_scale == Scale::Tens { value.max(1e-9).log10() } else { value };
        LEFT + (place - self.x_min) / (self.x_max - self.x_min) * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - value / self.y_max * (HEIGHT - TOP - BOTTOM)
    }

    fn x_marks(&self) -> Vec<(f64, String)> {
        match self.x_scale {
            Scale::Nines => {
                let shown = NINES.iter().filter(|(nines, _)| *nines <= self.x_max + 0.01);
                shown.map(|(nines, label)| (*nines, (*label).to_owned())).collect()
            }
            Scale::Tens => {
                let (first, last) = (self.x_min.ceil(), self.x_max.floor());
                let steps = std::iter::successors(Some(first), |power| Some(power + 1.0));
                let powers = steps.take_while(|power| *power <= last + 0.001);
                powers.map(|power| (10_f64.powf(power), short(10_f64.powf(power)))).collect()
            }
            Scale::Even => even_marks(self.x_max),
        }
    }

    fn draw_marks(&self, plot: &Plot, svg: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for (value, label) in even_marks(self.y_max) {
            let y = self.y(value);
            push(svg, format_args!(r#"<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1}" y2="{y:.1}"/>"#));
            let (x, y) = (LEFT - 8.0, y + 4.0);
            push(svg, format_args!(r#"<text x="{x}" y="{y:.1}" text-anchor="end">{label}</text>"#));
        }
        for (value, label) in self.x_marks() {
            let x = self.x(value);
            push(svg, format_args!(r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{TOP}" y2="{bottom}"/>"#));
            let y = bottom + 16.0;
            push(svg, format_args!(r#"<text x="{x:.1}" y="{y}" text-anchor="middle">{label}</text>"#));
        }
        let (middle, low) = (f64::midpoint(LEFT, right), HEIGHT - 6.0);
        push(svg, format_args!(r#"<text class="axis" x="{middle}" y="{low}" text-anchor="middle">{}</text>"#, plot.x));
        let middle = f64::midpoint(TOP, bottom);
        let turned = format!(r#"transform="rotate(-90 14 {middle})" x="14" y="{middle}" text-anchor="middle""#);
        push(svg, format_args!(r#"<text class="axis" {turned}>{}</text>"#, plot.y));
    }

    fn draw_line(&self, line: &Line, number: usize, svg: &mut String) {
        let place = |(x, y): &(f64, f64)| format!("{:.1},{:.1}", self.x(*x), self.y(*y));
        let points: Vec<String> = line.points.iter().map(place).collect();
        let class = number % 6;
        push(svg, format_args!(r#"<polyline class="line l{class}" points="{}"/>"#, points.join(" ")));
        if line.points.len() <= 20 {
            for point in &line.points {
                let (x, y) = (self.x(point.0), self.y(point.1));
                let said = format!("{}: {}", escaped(&line.name), rounded(point.1));
                push(
                    svg,
                    format_args!(
                        r#"<circle class="dot d{class}" cx="{x:.1}" cy="{y:.1}" r="3"><title>{said}</title></circle>"#
                    ),
                );
            }
        }
    }
}

fn push(svg: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = svg.write_fmt(words);
}

/// From 0 to a round number.
fn even_marks(max: f64) -> Vec<(f64, String)> {
    let step = round_up(max / MARKS);
    let steps = std::iter::successors(Some(0.0), |value| Some(value + step));
    steps.take_while(|value| *value <= max * 1.001).map(|value| (value, short(value))).collect()
}

/// To a round number of at most two digits, times a power of ten.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    let part = value / power;
    let round = [1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.5, 10.0].into_iter().find(|round| part <= round * 1.000_001);
    round.unwrap_or(10.0) * power
}

/// For an axis: 20k, 3M, 0.5.
fn short(value: f64) -> String {
    let digits = |value: f64| format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned();
    match value {
        _ if value >= 1e6 => format!("{}M", digits(value / 1e6)),
        _ if value >= 1e4 => format!("{}k", digits(value / 1e3)),
        _ if value > 0.0 && value < 0.01 => format!("{value:.0e}"),
        _ => digits(value),
    }
}

/// For a page.
pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::{Line, Plot, even_marks, round_up, short};

    #[test]
    fn marks_are_round() {
        assert_eq!([0.0, 0.9, 1.1, 4.2, 60.0, 99.0].map(round_up), [1.0, 1.0, 1.5, 5.0, 75.0, 100.0]);
        assert_eq!([0.0, 0.25, 12.0, 9_999.0, 25_000.0, 3e6].map(short), ["0", "0.25", "12", "9999", "25k", "3M"]);
        assert_eq!(even_marks(10.0).len(), 6);
    }

    #[test]
    fn a_plot_without_points_is_still_a_picture() {
        let plots = [vec![], vec![Line::new("none", vec![])], vec![Line::new("<one>", vec![(0.0, 0.0)])]];
        for lines in plots {
            let svg = Plot::over_time("nothing", "things", lines).svg();
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"));
        }
    }
}
