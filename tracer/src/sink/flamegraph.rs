//! Flame graphs: one SVG that a browser can search and zoom, by the crate `inferno`.

use std::fmt::Write as _;
use std::io::{self, Write};

use inferno::flamegraph::color::{BackgroundColor, Color, PaletteMap};
use inferno::flamegraph::{self, Options};

use self::differential::Difference;
use super::folded::FoldedCounts;
use super::label::title;
use super::view::View;
use super::{Sink, Start};
use crate::stack::{Stack, Summary};

mod differential;
mod legend;
mod palette;

/// Writes a flame graph at the end.
pub struct FlamegraphSink<W> {
    out: W,
    title: String,
    counts: FoldedCounts,
}

impl<W: Write> FlamegraphSink<W> {
    /// A sink that writes nothing before the end.
    pub fn new(out: W, start: &Start, view: View) -> Self {
        Self { out, title: title(start), counts: FoldedCounts::new(view) }
    }
}

impl<W: Write> Sink for FlamegraphSink<W> {
    fn write(&mut self, stack: &Stack) -> io::Result<()> {
        self.counts.add(stack);
        Ok(())
    }

    fn finish(&mut self, summary: &Summary) -> io::Result<()> {
        let mut colors = PaletteMap::default();
        for (name, kind) in self.counts.names() {
            colors.insert(name, palette::color(name, kind));
        }
        // The frame below all others, which has no name.
        colors.insert("", palette::ROOT);
        let mut options = options(self.title.clone(), subtitle(summary));
        options.palette_map = Some(&mut colors);
        let lines = self.counts.lines().into_iter();
        let lines: Vec<_> = lines.map(|(stack, count)| format!("{stack} {count}")).collect();
        let legend = palette::legend(self.counts.names().map(|(_, kind)| kind));
        draw(&mut options, &lines, &legend, &mut self.out)
    }
}

/// Writes the flame graph of `after`, coloured by the difference to `before`: red where stacks have a
/// larger share of all hits, blue where they have a smaller one. So sessions of different length
/// compare.
///
/// # Errors
/// The output cannot be written.
pub fn write_differential(
    out: &mut impl Write,
    title: &str,
    before: &FoldedCounts,
    after: &FoldedCounts,
) -> io::Result<()> {
    let difference = Difference::of(before, after);
    let mut subtitle = format!("{} hits, compared with {}", after.total(), before.total());
    match difference.gone {
        0 => {}
        // A String takes every write.
        1 => subtitle.push_str("; 1 stack is gone"),
        gone => drop(write!(subtitle, "; {gone} stacks are gone")),
    }
    let mut colors = PaletteMap::default();
    colors.insert("", palette::ROOT);
    for (name, color) in &difference.colors {
        colors.insert(name, *color);
    }
    let mut options = options(title.to_owned(), subtitle);
    options.palette_map = Some(&mut colors);
    draw(&mut options, &difference.lines, &palette::change_legend(), out)
}

fn options(title: String, subtitle: String) -> Options<'static> {
    let mut options = Options::default();
    options.title = title;
    options.subtitle = Some(subtitle);
    options.count_name = "hits".to_owned();
    options.bgcolors = Some(BackgroundColor::Flat(Color { r: 255, g: 255, b: 255 }));
    // Magenta, the default, is hard to read on.
    if let Ok(color) = "#ffd60a".parse() {
        options.search_color = color;
    }
    // A stack that was hit once in a million is there too: one can zoom to it.
    options.min_width = 0.0;
    options
}

fn draw(
    options: &mut Options<'_>,
    lines: &[String],
    legend: &[(String, Color)],
    out: &mut impl Write,
) -> io::Result<()> {
    if lines.iter().all(|line| line.ends_with(" 0")) {
        out.write_all(nothing(&options.title).as_bytes())?;
        return out.flush();
    }
    let mut picture = Vec::new();
    flamegraph::from_lines(options, lines.iter().map(String::as_str), &mut picture)?;
    let mut picture = String::from_utf8(picture).map_err(io::Error::other)?;
    if !legend.is_empty() {
        picture = legend::add(picture, legend);
    }
    out.write_all(picture.as_bytes())?;
    out.flush()
}

/// A picture that says that there was no hit.
fn nothing(title: &str) -> String {
    let title = title.replace('&', "&amp;").replace('<', "&lt;");
    format!(
        "<?xml version=\"1.0\" standalone=\"no\"?>\n\
         <svg version=\"1.1\" width=\"1200\" height=\"80\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <text x=\"20\" y=\"32\" font-family=\"monospace\" font-size=\"17\">{title}</text>\n\
         <text x=\"20\" y=\"60\" font-family=\"monospace\" font-size=\"12\">no hits</text>\n\
         </svg>\n"
    )
}

/// Hits, gaps and losses in one line.
fn subtitle(summary: &Summary) -> String {
    let hits = if summary.events == 1 { "hit" } else { "hits" };
    let mut text = format!("{} {hits}", summary.events);
    let mut add = |what: &str, counts: &std::collections::BTreeMap<_, u64>| {
        if counts.is_empty() {
            return;
        }
        let counts: Vec<_> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        let _ = write!(text, "; {what}: {}", counts.join(", "));
    };
    add("incomplete", &summary.incomplete);
    add("lost", &summary.lost);
    text + if summary.incomplete() + summary.lost() == 0 { ", all complete, none lost" } else { "" }
}
