//! Sections of what the guest writes.

use super::*;

fn said(results: &str) -> Said {
    Said { console: "one\ntwo\n".to_owned(), results: results.to_owned() }
}

#[test]
fn a_section_is_what_stands_between_its_marks() {
    let said =
        said("@@begin release\n6.1.0\n@@end release\n@@begin a json\n{}\n{}\n@@end a json\n");
    assert_eq!(said.release().expect("a release"), "6.1.0");
    assert_eq!(said.text_of("a json").expect("a section"), "{}\n{}\n");
    assert_eq!(said.lines_of("a json"), ["{}", "{}"]);
    assert!(said.text_of("json").is_none());
}

#[test]
fn a_section_cut_short_is_none_and_no_release_shows_the_console() {
    let said = said("@@begin a json\n{}\n");
    assert!(said.text_of("a json").is_none());
    assert!(said.release().expect_err("no release").to_string().contains("one\ntwo"));
}
