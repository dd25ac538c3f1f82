//! Where a verb's answer goes: text for people, or one JSON object a line for programs.
//!
//! The answer is on standard output. What is said beside it is on standard error, and only to people, so that neither a
//! pipe nor a program meets it. A reader that leaves early (`| head`) is no error. Read next: [`super::record`].

use std::fmt;
use std::io::Write;
use std::time::Duration;

use serde::Serialize;
use tickfleet_protocol::ids::Millis;
use tickfleet_runtime::failure::{ExitStatus, Failure};

use crate::events::{Event, Events};
use crate::view::colour::{Stream, Tone, colours};
use crate::view::frame::Frame;
use crate::view::stdout::Out;
use crate::view::streams::{OfProcess, Streams};

/// A verb's way to its reader.
pub struct Output {
    json: bool,
    frame: Frame,
    streams: Box<dyn Streams>,
    answer: Out<Box<dyn Write + Send>>,
    beside: Box<dyn Write + Send>,
    note_colours: bool,
    waits: bool,
}

impl Output {
    /// The streams of this process, at this moment.
    #[must_use]
    pub fn of_process(json: bool, now: Millis) -> Self {
        Self {
            note_colours: colours(Stream::Stderr),
            waits: true,
            ..Self::on(json, Frame::stdout(now), Box::new(OfProcess))
        }
    }

    /// Any streams. Nobody is there to wait for anything.
    #[must_use]
    pub fn on(json: bool, frame: Frame, streams: Box<dyn Streams>) -> Self {
        Self {
            json,
            frame,
            answer: Out::new(streams.stdout()),
            beside: streams.stderr(),
            note_colours: frame.colours,
            waits: false,
            streams,
        }
    }

    /// What a verb that follows a run tells while it goes, on the same streams.
    #[must_use]
    pub fn events(&self, quiet: bool) -> Events {
        Events::on(self.streams.as_ref(), self.json, quiet)
    }

    /// The moment and the terminal.
    #[must_use]
    pub const fn frame(&self) -> &Frame {
        &self.frame
    }

    /// Whether objects are printed instead of text.
    #[must_use]
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// How long to wait where someone is there who waits.
    #[must_use]
    pub const fn wait(&self, asked: Duration) -> Duration {
        if self.waits { asked } else { Duration::ZERO }
    }

    /// Whether the reader has left: whoever prints in a loop may stop.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.answer.is_closed()
    }

    /// Gives the answer: the records for programs, or the text for people, which is made only where it is wanted.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn answer<R: Serialize>(
        &mut self,
        records: impl IntoIterator<Item = R>,
        text: impl FnOnce(&Frame) -> String,
    ) -> Result<(), Failure> {
        let text = if self.json {
            records.into_iter().map(|record| line(&record)).collect()
        } else {
            text(&self.frame)
        };
        let written = self.answer.write_all(text.as_bytes());
        written
            .and_then(|()| self.answer.flush())
            .map_err(|error| Failure::new(ExitStatus::Failed, "standard output can't be written").because(&error))
    }

    /// Says something beside the answer, to people only.
    pub fn note(&mut self, text: &str) {
        if !self.json {
            let text = Tone::Notice.paint(text, self.note_colours);
            // With standard error closed there is nobody left to tell.
            let _ = writeln!(self.beside, "{text}");
        }
    }

    /// Tells programs what kept the verb from its answer; people are told by whoever ends the process.
    pub fn failed(&mut self, failure: &Failure) {
        if self.json {
            // The failure itself is printed on standard error, whatever becomes of this.
            let _ = self.answer([Event::Error(failure)], |_| String::new());
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Output")
            .field("json", &self.json)
            .field("frame", &self.frame)
            .finish_non_exhaustive()
    }
}

fn line(record: &impl Serialize) -> String {
    serde_json::to_string(record).expect("records are plain data with text keys") + "\n"
}
