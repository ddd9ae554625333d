//! Lines from a pipe or a file. Called by the prompt's thread where there is no terminal to edit in.
//!
//! Invariant: at most [`MAX_LINE`] bytes are kept, however long a line is; the rest is read past and
//! only counted. No byte makes it fail.

use std::io::{BufRead, ErrorKind};

use super::prompt::{Input, MAX_LINE};

/// Reads the next line. A read error is the end, like the end of the file.
pub(super) fn read_line(from: &mut impl BufRead) -> Input {
    let mut line = Vec::new();
    let mut seen = 0usize;
    loop {
        let chunk = match from.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(_) => return Input::End,
        };
        if chunk.is_empty() {
            return if seen == 0 { Input::End } else { finish(line, seen) };
        }
        let end = chunk.iter().position(|&byte| byte == b'\n');
        let part = &chunk[..end.unwrap_or(chunk.len())];
        // One byte more than allowed is kept, for the carriage return before the line end.
        line.extend_from_slice(&part[..part.len().min((MAX_LINE + 1).saturating_sub(line.len()))]);
        seen = seen.saturating_add(part.len());
        let used = part.len() + usize::from(end.is_some());
        from.consume(used);
        if end.is_some() {
            return finish(line, seen);
        }
    }
}

fn finish(mut line: Vec<u8>, mut seen: usize) -> Input {
    if seen == line.len() && line.last() == Some(&b'\r') {
        line.pop();
        seen -= 1;
    }
    if seen > MAX_LINE {
        return Input::TooLong(seen);
    }
    String::from_utf8(line).map_or(Input::NotText, Input::Line)
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader, Cursor, Read};

    use super::*;

    /// All the inputs of `bytes`, read through a buffer of `buffer` bytes.
    fn all(bytes: &[u8], buffer: usize) -> Vec<Input> {
        let mut from = BufReader::with_capacity(buffer, Cursor::new(bytes));
        let mut inputs = Vec::new();
        while inputs.last() != Some(&Input::End) {
            inputs.push(read_line(&mut from));
        }
        inputs
    }

    fn line(text: &str) -> Input {
        Input::Line(text.to_owned())
    }

    #[test]
    fn lines_of_any_kind_and_a_last_one_without_an_end() {
        for buffer in [1, 2, 7, 8192] {
            assert_eq!(
                all(b"health\r\n\n \xff\xfe \na\0b\nhealth caf\xc3\xa9", buffer),
                [
                    line("health"),
                    line(""),
                    Input::NotText,
                    line("a\0b"),
                    line("health café"),
                    Input::End
                ]
            );
        }
        assert_eq!(all(b"", 8), [Input::End]);
    }

    #[test]
    fn a_line_too_long_is_skipped_and_the_next_one_is_read() {
        let longest = "x".repeat(MAX_LINE);
        let bytes = format!("{longest}\n{longest}\r\n{longest}y\nhealth\n");
        assert_eq!(
            all(bytes.as_bytes(), 4096),
            [
                line(&longest),
                line(&longest),
                Input::TooLong(MAX_LINE + 1),
                line("health"),
                Input::End
            ]
        );
    }

    #[test]
    fn a_line_without_end_takes_no_memory() {
        let mut from = BufReader::new(io::repeat(b'x').take(64 << 20));
        assert_eq!(read_line(&mut from), Input::TooLong(64 << 20));
        assert_eq!(read_line(&mut from), Input::End);
    }

    #[test]
    fn a_read_error_ends_and_an_interruption_does_not() {
        struct Broken(Vec<ErrorKind>);
        impl Read for Broken {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                match self.0.pop() {
                    Some(kind) => Err(kind.into()),
                    None => {
                        buffer[..2].copy_from_slice(b"a\n");
                        Ok(2)
                    }
                }
            }
        }
        let mut from = BufReader::new(Broken(vec![ErrorKind::Interrupted]));
        assert_eq!(read_line(&mut from), line("a"));
        let mut from = BufReader::new(Broken(vec![ErrorKind::ConnectionReset]));
        assert_eq!(read_line(&mut from), Input::End);
    }
}
