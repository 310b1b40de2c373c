//! A program's file: what is asked of it before it is opened, and its bytes, read at once or where they are needed.

use crate::elf;
use crate::errno::Errno;
use crate::process::Error;
use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// Bytes that are read at once.
pub(crate) const CHUNK: usize = 64 << 10;

/// Bytes at either end of a file that name it: headers and symbols, which differ from build to build.
const NAMED: u64 = 16 << 10;

/// Opens a program's file.
///
/// # Errors
/// It does not exist, cannot be opened, or is no regular file.
pub(crate) fn open(path: &Path) -> Result<File, Error> {
    // Asked before opening, which a FIFO would delay.
    let kind = std::fs::metadata(path).map_err(failed)?.file_type();
    if kind.is_dir() {
        return Err(Error::Kind("it is a directory"));
    }
    if !kind.is_file() {
        return Err(Error::Kind("not a regular file"));
    }
    File::open(path).map_err(failed)
}

/// Reads a program's file: all of an ELF file, the beginning of any other, which is enough to say what it is.
///
/// # Errors
/// It does not exist, cannot be read, or is no regular file.
pub fn read_program(path: &Path) -> Result<Vec<u8>, Error> {
    let mut data = Vec::new();
    let mut file = open(path)?;
    (&mut file).take(4).read_to_end(&mut data).map_err(failed)?;
    if data == elf::MAGIC {
        file.read_to_end(&mut data).map_err(failed)?;
    }
    Ok(data)
}

pub(crate) fn failed(error: io::Error) -> Error {
    Error::File(Errno::of(&error))
}

/// The bytes of a program's file.
pub(crate) enum ProgramFile<'a> {
    /// All of them.
    Whole(&'a [u8]),
    /// The file itself.
    ///
    /// PERF: a buffer for all of it was a sixth of the page faults of a short program.
    Open(&'a File),
}

impl ProgramFile<'_> {
    /// Reads the bytes at an offset, as many as there is room for.
    ///
    /// # Errors
    /// There are not so many, or the host cannot read them.
    pub fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        match self {
            ProgramFile::Whole(data) => {
                let rest = usize::try_from(offset).ok().and_then(|offset| data.get(offset..));
                let bytes = rest.and_then(|rest| rest.get(..buf.len()));
                buf.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
                Ok(())
            }
            ProgramFile::Open(file) => file.read_exact_at(buf, offset),
        }
    }

    /// All bytes.
    ///
    /// # Errors
    /// The host cannot read them.
    pub fn all(&self) -> io::Result<Cow<'_, [u8]>> {
        match self {
            ProgramFile::Whole(data) => Ok(Cow::Borrowed(data)),
            ProgramFile::Open(file) => {
                let mut data = vec![0; usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX)];
                file.read_exact_at(&mut data, 0)?;
                Ok(Cow::Owned(data))
            }
        }
    }

    /// What the disk cache knows the program by: a checksum of its size, its beginning and its end. Programs of one name share a
    /// file of units, no more; each unit is held against the code that it was made from.
    ///
    /// PERF: a checksum of all bytes was a twentieth of the time of a short program.
    ///
    /// # Errors
    /// The host cannot read them.
    pub fn name(&self) -> io::Result<u128> {
        let size = match self {
            ProgramFile::Whole(data) => data.len() as u64,
            ProgramFile::Open(file) => file.metadata()?.len(),
        };
        let mut hash = Xxh3::new();
        hash.update(&size.to_le_bytes());
        let mut bytes = vec![0; size.min(NAMED) as usize];
        for offset in [0, size - bytes.len() as u64] {
            self.read_at(offset, &mut bytes)?;
            hash.update(&bytes);
        }
        Ok(hash.digest128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_same_bytes_whether_it_is_read_at_once_or_in_pieces() {
        let path = std::env::current_exe().unwrap();
        let (data, file) = (read_program(&path).unwrap(), open(&path).unwrap());
        let (whole, open) = (ProgramFile::Whole(&data), ProgramFile::Open(&file));
        assert_eq!(whole.name().unwrap(), open.name().unwrap());
        assert!(whole.all().unwrap() == open.all().unwrap());
        let mut pieces = [[0; 100]; 2];
        whole.read_at(1000, &mut pieces[0]).unwrap();
        open.read_at(1000, &mut pieces[1]).unwrap();
        assert_eq!(pieces[0], pieces[1]);
        for file in [whole, open] {
            let error = file.read_at(data.len() as u64 - 99, &mut pieces[0]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
        }
    }
}
