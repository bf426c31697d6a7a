//! What the colours mean, in a line below the picture.

use std::fmt::Write;

use inferno::flamegraph::color::Color;

/// The height of the line, in pixels.
const HEIGHT: usize = 24;
/// Of the text: 12 pixels high, monospace.
const CHARACTER: usize = 8;

/// The picture, made higher for a legend. A picture of an unknown shape stays as it is.
pub(super) fn add(picture: String, entries: &[(String, Color)]) -> String {
    let Some((head, rest)) = picture.split_once(" height=\"") else { return picture };
    let Some((height, rest)) = rest.split_once('"') else { return picture };
    let (Ok(old), Some(body)) = (height.parse::<usize>(), rest.strip_suffix("</svg>")) else {
        return picture;
    };
    let new = old + HEIGHT;
    // The view box and the background have the height, too.
    let body = body.replacen(&format!(" {old}\""), &format!(" {new}\""), 1);
    let body = body.replacen(&format!("height=\"{old}\""), &format!("height=\"{new}\""), 1);
    let mut legend = String::new();
    let (mut x, y) = (10, old + 2);
    for (name, color) in entries {
        // A String takes every write.
        let _ = write!(
            legend,
            "<rect x=\"{x}\" y=\"{y}\" width=\"12\" height=\"12\" fill=\"rgb({},{},{})\"/>\
             <text x=\"{}\" y=\"{}\">{name}</text>",
            color.r,
            color.g,
            color.b,
            x + 17,
            y + 10,
        );
        x += 17 + CHARACTER * name.chars().count() + 16;
    }
    format!("{head} height=\"{new}\"{body}<g id=\"legend\">{legend}</g></svg>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_grows_by_a_line() {
        let picture =
            "<svg width=\"9\" height=\"70\" viewBox=\"0 0 9 70\"><rect height=\"70\"/></svg>";
        let color = Color { r: 1, g: 2, b: 3 };
        let picture = add(picture.to_owned(), &[("C".to_owned(), color)]);
        let start =
            "<svg width=\"9\" height=\"94\" viewBox=\"0 0 9 94\"><rect height=\"94\"/><g id=";
        assert!(picture.starts_with(start), "{picture}");
        assert!(picture.contains("rgb(1,2,3)") && picture.ends_with("C</text></g></svg>"));
        for other in ["", "<svg/>", "<svg height=\"x\"></svg>", "<svg height=\"5\">"] {
            assert_eq!(add(other.to_owned(), &[]), other);
        }
    }
}
