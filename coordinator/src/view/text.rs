//! Text as a terminal lays it out: columns are counted by Unicode width, and control characters never pass.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What stands where text was cut off.
const ELLIPSIS: char = '…';

/// The columns a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// The text with every control character replaced, so that data can neither break a line nor steer the terminal.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        Cow::Owned(text.replace(char::is_control, "�"))
    } else {
        Cow::Borrowed(text)
    }
}

/// The text cut to at most `columns`, the last of them an ellipsis if anything is lost; empty for no columns.
pub(super) fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let mut kept = String::new();
    let mut taken = 1;
    for character in text.chars() {
        taken += character.width().unwrap_or(0);
        if taken > columns {
            break;
        }
        kept.push(character);
    }
    // A sequence may be wider than the sum of its characters.
    while width(&kept) >= columns && kept.pop().is_some() {}
    kept.push(ELLIPSIS);
    Cow::Owned(kept)
}

/// Spaces.
pub(super) fn spaces(count: usize) -> String {
    " ".repeat(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_to_columns_not_bytes() {
        let check = |text: &str, columns: usize, expect: &str| {
            let found = cut(text, columns);
            assert_eq!(found, expect);
            assert!(width(&found) <= columns);
        };
        check("abc", 3, "abc");
        check("abcd", 3, "ab…");
        check("abcd", 1, "…");
        check("abcd", 0, "");
        check("日本語", 6, "日本語");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        check("e\u{301}e\u{301}e", 2, "e\u{301}…");
    }

    #[test]
    fn control_characters_do_not_pass() {
        assert_eq!(printable("a\u{1b}[2Jb\nc"), "a�[2Jb�c");
        assert_eq!(printable("plain"), "plain");
    }
}
