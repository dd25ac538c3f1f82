//! The flag that was meant, where clap names none or one that is farther: it compares short names too strictly (`--tpo`
//! for `--top`) and knows no swapped letters (`--otu` for `--out`).

use std::ffi::OsString;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use tickfleet_runtime::settings::nearest;

/// The error with a suggestion, if one of the verb's flags is spelled nearly like the unknown one; else with clap's.
pub(super) fn flag(mut error: Error, args: impl IntoIterator<Item = OsString>) -> Error {
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else {
        return error;
    };
    let Some(unknown) = unknown.strip_prefix("--") else {
        return error;
    };
    let mut verb = super::command();
    for arg in args {
        let found = arg.to_str().and_then(|name| verb.find_subcommand(name)).cloned();
        verb = found.unwrap_or(verb);
    }
    let flags = verb.get_arguments().filter(|arg| !arg.is_hide_set());
    if let Some(meant) = nearest(unknown, flags.filter_map(clap::Arg::get_long)) {
        let meant = ContextValue::String(format!("--{meant}"));
        error.insert(ContextKind::SuggestedArg, meant);
    }
    error
}
