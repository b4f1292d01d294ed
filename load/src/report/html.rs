//! A report as one page that stands alone.
//!
//! Promises: it needs nothing but itself, light or dark, on paper or on a telephone.
//! Must never: show text that is not escaped.

use super::plot::{Plot, escaped};
use super::{Figure, Report};
use crate::bar::{Bar, rounded};

const STYLE: &str = include_str!("page.css");

/// The page.
pub fn page(report: &Report) -> String {
    let name = escaped(&report.scenario);
    let sheet = &report.sheet;
    let bars: String = sheet.bars.iter().map(|bar| bar_row(bar, report)).collect();
    let groups: String = sheet.groups().iter().map(|(group, figures)| table(group, figures)).collect();
    let plots: String = sheet.plots.iter().map(picture).collect();
    let remarks: String = sheet.remarks.iter().map(|remark| format!("<li>{}</li>", escaped(remark))).collect();
    format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{name} · BlockHub load report</title><style>{STYLE}</style>\
         <header><p class=\"over\">BlockHub load report</p><h1>{name}</h1><p class=\"about\">{}</p>{}</header>\
         <main>{}{}<div class=\"plots\">{plots}</div><div class=\"groups\">{groups}</div>{}</main></html>\n",
        escaped(report.about),
        facts(report),
        section("Bars", &bars, "table", "bars"),
        section("To know", &remarks, "ul", "remarks"),
        options(report),
    )
}

fn section(title: &str, inner: &str, tag: &str, class: &str) -> String {
    if inner.is_empty() {
        return String::new();
    }
    format!("<section><h2>{title}</h2><{tag} class=\"{class}\">{inner}</{tag}></section>")
}

fn facts(report: &Report) -> String {
    let origin = &report.origin;
    let verdict = if report.passed() { ("good", "all bars met") } else { ("bad", "a bar was missed") };
    let verdict = if report.sheet.bars.is_empty() { ("none", "no bars") } else { verdict };
    let machine = format!("{}, {} cores, {} MiB", origin.processor, origin.cores, origin.memory_mib);
    let facts = [
        origin.date.clone(),
        format!("commit {}", origin.commit),
        format!("{} build", origin.build),
        format!("{} form", report.form.pick("long", "short")),
        machine,
        origin.kernel.clone(),
    ];
    let facts: String = facts.iter().map(|fact| format!("<span>{}</span>", escaped(fact))).collect();
    format!("<p class=\"facts\"><span class=\"chip {}\">{}</span>{facts}</p>", verdict.0, verdict.1)
}

fn bar_row(bar: &Bar, report: &Report) -> String {
    let class = match (bar.is_met(), bar.counts(report.form)) {
        (true, _) => "good",
        (false, true) => "bad",
        (false, false) => "none",
    };
    format!(
        "<tr><th>{}</th><td class=\"number\">{}</td><td class=\"bound\">{}</td><td><span class=\"chip {class}\">{}</span></td></tr>",
        escaped(bar.what()),
        escaped(&bar.figure_in_words()),
        escaped(&bar.bound_in_words()),
        bar.outcome(report.form)
    )
}

fn table(group: &str, figures: &[&Figure]) -> String {
    let rows: String = figures.iter().map(|figure| row(figure)).collect();
    format!("<section><h2>{}</h2><table>{rows}</table></section>", escaped(group))
}

fn row(Figure { name, figure, unit, .. }: &Figure) -> String {
    let (name, figure) = (escaped(name), rounded(*figure));
    format!("<tr><th>{name}</th><td class=\"number\">{figure}</td><td class=\"unit\">{unit}</td></tr>")
}

fn picture(plot: &Plot) -> String {
    let mark = |(number, line): (usize, &super::Line)| {
        format!("<span><i class=\"k{}\"></i>{}</span>", number % 6, escaped(&line.name))
    };
    let legend: String = plot.lines.iter().enumerate().map(mark).collect();
    format!(
        "<figure><figcaption>{}<span class=\"legend\">{legend}</span></figcaption>{}</figure>",
        escaped(&plot.title),
        plot.svg()
    )
}

fn options(report: &Report) -> String {
    let rows = report.options.iter().map(|(name, value)| {
        format!("<tr><th>{}</th><td class=\"number\">{}</td></tr>", escaped(name), escaped(value))
    });
    section("Options", &rows.collect::<String>(), "table", "options")
}
