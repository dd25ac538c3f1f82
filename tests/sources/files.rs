//! Bars on a web server: one file by name, with entity tags or without, through faults.

use tickfleet_tests::program::assert_error;

use crate::market::{Local, Tables, bars, csv, parquet, scan, universe};
use crate::shop::{Fault, Shop};

#[test]
fn a_file_on_a_web_server_is_read_in_parts() {
    let local = Local::new();
    let expect = local.tables();
    for tells_tags in [true, false] {
        let shop = Shop::web(tells_tags);
        shop.put("data/the bars.parquet", &parquet(&bars(), 100));
        shop.put("data/bars.csv", &csv(&bars()));
        shop.put("data/universe.csv", &universe());
        let universe = format!("{}/data/universe.csv", shop.url());
        for name in ["the%20bars.parquet", "bars.csv"] {
            shop.fail([Fault::Busy]);
            let bars = format!("{}/data/{name}", shop.url());
            let remote = Tables::of(&["--bars", &bars, "--universe", &universe], &[]);
            assert!(remote.batches == expect.batches, "{name}");
        }
        if tells_tags {
            shop.fail([Fault::Cut]);
            let bars = format!("{}/data/bars.csv", shop.url());
            let remote = Tables::of(&["--bars", &bars, "--universe", &universe], &[]);
            assert!(remote.batches == expect.batches);
        }
    }
}

#[test]
fn what_a_web_server_cannot_do_is_said() {
    let shop = Shop::web(true);
    shop.put("x.csv", b"");
    let at = |path: &str| format!("{}/{path}", shop.url());
    for (bars, needles) in [
        (at(""), &["cannot be listed", "name one file"][..]),
        (at("*.csv"), &["cannot be listed"]),
        (at("none.csv"), &["does not exist"]),
        (at("x.csv?token=hush"), &["?***", "query string"]),
        (at("x.csv"), &["the file is empty"]),
    ] {
        let outcome = scan(&["--bars", &bars]).run();
        assert_error(&outcome, 2, needles);
        assert!(!outcome.stderr.contains("hush"), "{outcome:#?}");
    }
}
