//! Lines set aside on disk, so that memory stays small however many there are.

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

/// The longest line that is read: one resource. A brief can outgrow the body that a single request may have, by trends that
/// are added to it one by one, and its line must still come back.
const LINE_LIMIT: u64 = 32 * 1024 * 1024;

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
    length: u64,
}

/// Where a line was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place(u64);

impl Spool {
    /// An empty spool; its file has no name, and goes with the process.
    ///
    /// # Errors
    /// When no temporary file can be made.
    pub fn new() -> io::Result<Self> {
        Ok(Self { file: BufWriter::new(tempfile::tempfile()?), count: 0, length: 0 })
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
    pub fn push(&mut self, number: u64, text: &[u8]) -> io::Result<Place> {
        let place = Place(self.length);
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        self.file.write_all(&number.to_le_bytes())?;
        self.file.write_all(&length.to_le_bytes())?;
        self.file.write_all(text)?;
        self.count += 1;
        self.length += 16 + length;
        Ok(place)
    }

    /// The lines, in the order in which they came.
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn into_lines(self) -> io::Result<impl Iterator<Item = io::Result<Line>>> {
        let mut drawer = self.into_drawer()?;
        let mut left = drawer.count;
        drawer.file.rewind()?;
        Ok(std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            Some(drawer.next())
        }))
    }

    /// The lines, to be taken out one by one.
    ///
    /// # Errors
    /// When the file cannot be read again.
    pub fn into_drawer(self) -> io::Result<Drawer> {
        let count = self.count;
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Drawer { file: BufReader::new(file), count })
    }
}

/// Numbered lines on disk.
pub struct Drawer {
    file: BufReader<File>,
    count: u64,
}

impl Drawer {
    /// The line that was set aside there.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn line(&mut self, Place(offset): Place) -> io::Result<Line> {
        self.file.seek(SeekFrom::Start(offset))?;
        self.next()
    }

    fn next(&mut self) -> io::Result<Line> {
        let (mut number, mut length) = ([0; 8], [0; 8]);
        self.file.read_exact(&mut number)?;
        self.file.read_exact(&mut length)?;
        let mut text = vec![0; usize::try_from(u64::from_le_bytes(length)).unwrap_or_default()];
        self.file.read_exact(&mut text)?;
        Ok(Line { number: u64::from_le_bytes(number), text: Some(text) })
    }
}
