//! The built `coordinator` in a user's hands: good and bad lines, good and bad files, pipes, signals, full disks.
//!
//! Held for every run: the status of the contract, a message that says what, where and how to mend it, nothing of a
//! refused run on standard output, no temporary file left. Files are small; nothing here sleeps or asserts a time.
//!
//! Read [`place`] for the folder of a case, then any file by its name.

mod events;
mod explained;
mod inputs;
mod joined;
mod market;
mod models;
mod outputs;
mod place;
mod progressive;
mod refusals;
mod report;
mod stop;
mod streams;
mod verbs;
