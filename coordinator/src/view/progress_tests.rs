//! What is shown, and when.

use std::sync::{Arc, Mutex};

use indicatif::TermLike;

use super::*;

fn at(stage: &str, done: u64, total: u64, millis: u64) -> Snapshot {
    Snapshot {
        stage: stage.into(),
        done,
        total,
        retries: 0,
        lanes: 2,
        elapsed: Duration::from_millis(millis),
    }
}

#[test]
fn a_snapshot_is_one_line() {
    let check = |snapshot: &Snapshot, expect: &str| assert_eq!(describe(snapshot), expect);
    check(&at("reading rows", 512, 0, 0), "reading rows 512, 2 lanes");
    check(&at("map", 0, 528, 40), "map 0/528 0%, 2 lanes");
    check(
        &at("map", 120, 528, 2_000),
        "map 120/528 22%, 60.0/s, 2 lanes, 6.8s left",
    );
    check(
        &Snapshot {
            retries: 1,
            lanes: 1,
            ..at("map", 4_000, 8_000, 2_000)
        },
        "map 4,000/8,000 50%, 2,000/s, 1 lane, 1 retry, 2.0s left",
    );
    check(
        &Snapshot {
            retries: 3,
            ..at("reduce", 7, 7, 900)
        },
        "reduce 7/7 100%, 7.8/s, 2 lanes, 3 retries, took 900ms",
    );
    check(&at("map", 9, 7, 0), "map 9/7 128%, 2 lanes, took 0ms");
    check(
        &at("map", 1, u64::MAX, 1_000),
        "map 1/18,446,744,073,709,551,615 0%, 1.0/s, 2 lanes, 213503982334601d 07h left",
    );
}

#[test]
fn lines_come_at_intervals_and_at_the_end() {
    let mut shown = Vec::new();
    let mut lines = Lines::new(&mut shown, Duration::from_secs(5));
    for (done, millis) in [
        (0, 0),
        (1, 4_999),
        (2, 5_000),
        (3, 9_000),
        (4, 10_000),
        (10, 11_000),
        (10, 12_000),
    ] {
        lines.update(&at("map", done, 10, millis));
    }
    lines.update(&at("check", 0, 1, 0));
    lines.update(&at("check", 1, 1, 10));
    lines.note("a\u{1b}[2Jnote");
    lines.update(&at("reduce", 1, 2, 6_000));
    lines.finish(&at("reduce", 2, 2, 6_001));
    lines.finish(&at("reduce", 2, 2, 6_001));
    let text = String::from_utf8(shown).unwrap();
    let starts: Vec<_> = text.lines().map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(
        starts,
        [
            "map 2/10 20%",
            "map 4/10 40%",
            "map 10/10 100%",
            "a�[2Jnote",
            "reduce 1/2 50%",
            "reduce 2/2 100%"
        ]
    );
}

/// A terminal that remembers what was written to it.
#[derive(Debug, Clone, Default)]
struct Screen(Arc<Mutex<String>>);

impl TermLike for Screen {
    fn width(&self) -> u16 {
        60
    }
    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }
    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.write_str("\n")
    }
    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.lock().unwrap().push_str(text);
        Ok(())
    }
    fn clear_line(&self) -> io::Result<()> {
        self.write_str("<cleared>")
    }
    fn flush(&self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn quick_runs_print_no_lines() {
    let mut shown = Vec::new();
    let mut lines = Lines::new(&mut shown, Duration::from_secs(5));
    for (stage, millis) in [("map", 100), ("reduce", 20)] {
        lines.update(&at(stage, 0, 1, 0));
        lines.update(&at(stage, 1, 1, millis));
    }
    lines.finish(&at("reduce", 1, 1, 20));
    assert_eq!(String::from_utf8(shown).unwrap(), "");
}

#[test]
fn the_bar_leaves_a_clean_line() {
    let screen = Screen::default();
    let mut bar = Bar::on(ProgressDrawTarget::term_like(Box::new(screen.clone())));
    bar.update(&at("map", 1, 4, 500));
    bar.note("worker lost");
    bar.finish(&at("map", 4, 4, 1_000));
    let text = screen.0.lock().unwrap().clone();
    assert!(text.contains("worker lost"), "{text:?}");
    assert!(
        text.contains(" map 1/4 25%, 2.0/s, 2 lanes") || text.contains("map 4/4 100%"),
        "{text:?}"
    );
    let after = text.rfind("map").map_or("", |at| &text[at..]);
    assert!(after.trim_end().ends_with("<cleared>"), "{text:?}");
}
