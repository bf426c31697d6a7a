//! Colours by language.

use std::hash::{Hash, Hasher};

use inferno::flamegraph::color::Color;
use rustc_hash::FxHasher;

use super::super::folded::NameKind;
use crate::symbol::Language;

const WHITE: Color = Color { r: 255, g: 255, b: 255 };

/// The colour of the frame below all others.
pub(super) const ROOT: Color = Color { r: 238, g: 238, b: 238 };
const GAP: Color = Color { r: 229, g: 57, b: 53 };
const HIDDEN: Color = Color { r: 224, g: 224, b: 224 };

const LANGUAGES: [(Language, &str); 6] = [
    (Language::Go, "Go"),
    (Language::C, "C"),
    (Language::Cpp, "C++"),
    (Language::Rust, "Rust"),
    (Language::Asm, "assembly"),
    (Language::Unknown, "language not known"),
];

/// What the colours of these kinds of names mean.
pub(super) fn legend(kinds: impl Iterator<Item = NameKind>) -> Vec<(String, Color)> {
    let kinds: Vec<_> = kinds.collect();
    let mut legend: Vec<_> = LANGUAGES
        .into_iter()
        .filter(|(language, _)| kinds.contains(&NameKind::Code(*language)))
        .map(|(language, name)| (name.to_owned(), base(language)))
        .collect();
    let plumbing = kinds.iter().find(|kind| matches!(kind, NameKind::Plumbing(_)));
    if let Some(NameKind::Plumbing(language)) = plumbing {
        legend.push(("paler: runtime plumbing".to_owned(), pale(*language)));
    }
    if kinds.contains(&NameKind::Gap) {
        legend.push(("frames are missing".to_owned(), GAP));
    }
    legend
}

const MORE: Color = Color { r: 239, g: 83, b: 80 };
const LESS: Color = Color { r: 66, g: 133, b: 244 };

/// The colour of a change, of which `largest` is the largest there is.
pub(super) fn change_color(change: f64, largest: f64) -> Color {
    // From a fifth on, so that a small change is seen.
    let percent = if largest > 0.0 { 20.0 + 80.0 * (change.abs() / largest) } else { 0.0 };
    let percent = (0..=100).rev().find(|&whole| f64::from(whole) <= percent).unwrap_or(0);
    match change {
        ..=-0.05 => mix(ROOT, LESS, percent),
        0.05.. => mix(ROOT, MORE, percent),
        _ => ROOT,
    }
}

/// What the colours of changes mean.
pub(super) fn change_legend() -> Vec<(String, Color)> {
    [("a larger share than before", MORE), ("a smaller share", LESS), ("the same", ROOT)]
        .map(|(name, color)| (name.to_owned(), color))
        .to_vec()
}

/// The colour of a frame: its language's; paler for plumbing; red for what is missing, grey for what
/// is hidden. Names of one colour differ a little, so that neighbours can be told apart.
pub(super) fn color(name: &str, kind: NameKind) -> Color {
    match kind {
        NameKind::Code(language) => shade(base(language), name),
        NameKind::Plumbing(language) => shade(pale(language), name),
        NameKind::Gap => GAP,
        NameKind::Hidden => HIDDEN,
    }
}

fn pale(language: Language) -> Color {
    mix(base(language), WHITE, 65)
}

fn base(language: Language) -> Color {
    match language {
        Language::Go => Color { r: 79, g: 195, b: 230 },
        Language::C => Color { r: 129, g: 199, b: 100 },
        Language::Cpp => Color { r: 77, g: 182, b: 152 },
        Language::Rust => Color { r: 240, g: 146, b: 87 },
        Language::Asm => Color { r: 186, g: 146, b: 214 },
        Language::Unknown => Color { r: 189, g: 183, b: 170 },
    }
}

/// So many hundredths of the second colour, the rest of the first.
fn mix(first: Color, second: Color, percent: u16) -> Color {
    let part = |a: u8, b: u8| {
        let sum = u16::from(a) * (100 - percent) + u16::from(b) * percent;
        u8::try_from(sum / 100).unwrap_or(u8::MAX)
    };
    Color { r: part(first.r, second.r), g: part(first.g, second.g), b: part(first.b, second.b) }
}

/// Up to a ninth darker, as the name says.
fn shade(color: Color, name: &str) -> Color {
    let mut hasher = FxHasher::default();
    name.hash(&mut hasher);
    let percent = u16::try_from((hasher.finish() >> 32) % 12).unwrap_or(0);
    mix(color, Color { r: 0, g: 0, b: 0 }, percent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn languages_differ_and_plumbing_is_paler() {
        let brightness =
            |color: Color| u16::from(color.r) + u16::from(color.g) + u16::from(color.b);
        for (at, (language, name)) in LANGUAGES.iter().enumerate() {
            let code = color("f", NameKind::Code(*language));
            let plumbing = color("f", NameKind::Plumbing(*language));
            assert!(brightness(code) + 50 < brightness(plumbing), "{name}");
            for (other, _) in &LANGUAGES[..at] {
                assert_ne!(base(*language), base(*other), "{name}");
            }
        }
    }
}
