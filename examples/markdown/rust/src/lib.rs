//! A C API over a large crate, the Markdown parser pulldown-cmark, that calls back for each event
//! and for each broken link, the latter from deep inside of the parser.

use std::ffi::{c_char, c_void};
use std::hint::black_box;
use std::slice;

use pulldown_cmark::{BrokenLink, CowStr, Options, Parser, html};

/// Called with the length of a heading's or a text's event, or of a broken link's name.
type Callback = extern "C" fn(context: *mut c_void, length: u64) -> u64;

/// What the callbacks call last.
#[unsafe(no_mangle)]
#[inline(never)]
pub extern "C" fn markdown_mark(value: u64) -> u64 {
    black_box(value + 1)
}

/// Parses `length` bytes of text and returns the length of the HTML made of it and the sum of what
/// the callback returned; 0 where the text is not UTF-8.
///
/// # Safety
/// `text` points to `length` bytes that nobody changes meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn markdown_render(
    text: *const c_char,
    length: usize,
    callback: Callback,
    context: *mut c_void,
) -> u64 {
    // SAFETY: the caller promises it.
    let bytes = unsafe { slice::from_raw_parts(text.cast::<u8>(), length) };
    let Ok(text) = std::str::from_utf8(bytes) else { return 0 };
    let mut broken = 0;
    let resolve = |link: BrokenLink<'_>| {
        broken += callback(context, link.reference.len() as u64);
        Some((CowStr::from("https://example.org/"), CowStr::from("found")))
    };
    let mut sum = 0;
    let parser = Parser::new_with_broken_link_callback(text, Options::all(), Some(resolve));
    let events = parser.inspect(|event| {
        if let pulldown_cmark::Event::Text(text) = event {
            sum += callback(context, text.len() as u64);
        }
    });
    let mut html = String::new();
    html::push_html(&mut html, events);
    html.len() as u64 + sum + broken
}
