//! Lines set aside on disk, so that memory stays small however many there are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, Write};

/// The longest line that is read: one resource.
const LINE_LIMIT: u64 = 2 * 1024 * 1024;

/// A line with its number, from 1.
pub struct Line {
    /// Where it stood in the input.
    pub number: u64,
    /// What it says, or nothing when it was too long.
    pub text: Option<Vec<u8>>,
}

/// The lines of an input; blank ones are passed over.
pub struct Lines<R> {
    input: R,
    number: u64,
}

impl<R: BufRead> Lines<R> {
    /// The lines of this input.
    pub fn of(input: R) -> Self {
        Self { input, number: 0 }
    }
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        loop {
            let mut text = Vec::new();
            let read = match self.input.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut text) {
                Ok(0) => return None,
                Ok(read) => read as u64,
                Err(error) => return Some(Err(error)),
            };
            self.number += 1;
            let whole = text.ends_with(b"\n") || read < LINE_LIMIT;
            if !whole {
                let line = Line { number: self.number, text: None };
                return Some(skip_line(&mut self.input).map(|()| line));
            }
            if !text.iter().all(u8::is_ascii_whitespace) {
                return Some(Ok(Line { number: self.number, text: Some(text) }));
            }
        }
    }
}

fn skip_line(input: &mut impl BufRead) -> io::Result<()> {
    loop {
        let mut part = Vec::new();
        let read = input.by_ref().take(LINE_LIMIT).read_until(b'\n', &mut part)?;
        if read == 0 || part.ends_with(b"\n") {
            return Ok(());
        }
    }
}

/// Numbered lines on their way to disk.
pub struct Spool {
    file: BufWriter<File>,
    count: u64,
}

impl Spool {
    /// An empty spool; its file has no name, and goes with the process.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), count: 0 })
    }

    /// How many lines it holds.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Sets a line aside.
    ///
    /// # Errors
    /// When the disk is full.
    pub fn push(&mut self, number: u64, text: &[u8]) -> io::Result<()> {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.file.write_all(&number.to_le_bytes())?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(text)?;
        self.count += 1;
        Ok(())
    }

    /// The lines, in the order in which they came.
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn into_lines(self) -> io::Result<SpooledLines> {
        let mut file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.rewind()?;
        Ok(SpooledLines(BufReader::new(file)))
    }
}

/// Numbered lines on their way back from disk.
pub struct SpooledLines(BufReader<File>);

impl Iterator for SpooledLines {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        let mut number = [0; 8];
        match self.0.read_exact(&mut number) {
            Ok(()) => Some(self.rest_of(u64::from_le_bytes(number))),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => None,
            Err(error) => Some(Err(error)),
        }
    }
}

impl SpooledLines {
    fn rest_of(&mut self, number: u64) -> io::Result<Line> {
        let mut length = [0; 8];
        self.0.read_exact(&mut length)?;
        let mut text = vec![0; usize::try_from(u64::from_le_bytes(length)).unwrap_or_default()];
        self.0.read_exact(&mut text)?;
        Ok(Line { number, text: Some(text) })
    }
}
