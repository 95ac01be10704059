//! A backup's file: encrypted under a passphrase, in pieces, so that neither side has to hold it whole.
//!
//! Head: the magic line, the version, what Argon2id was asked for (KiB, passes, lanes), its salt, the beginning of the
//! nonces, and a tag by which a wrong passphrase is known from a damaged file. Behind it pieces of 64 KiB, each sealed by
//! XChaCha20-Poly1305 together with the head. A piece's nonce has its number and whether it is the last, so that pieces
//! can neither be exchanged nor left out, nor the file be cut.

use std::io::{self, BufRead, Read, Write};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use zeroize::Zeroizing;

const MAGIC: &[u8] = b"keyway backup\n";
const VERSION: u8 = 1;
const PIECE: usize = 64 * 1024;
const TAG: usize = 16;
const SALT: usize = 16;
/// The part of a nonce that is the same for the whole file.
const BEGINNING: usize = 19;
/// No piece has this number.
const CHECK: u32 = u32::MAX;

/// What a passphrase costs to try. A file that asks for more than the largest that this program makes is refused.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// About a second on a Raspberry Pi (RFC 9106, second recommended option: 64 MiB, three passes).
    pub const USUAL: Self = Self { kib: 64 * 1024, passes: 3, lanes: 4 };
    const LARGEST: Self = Self { kib: 1024 * 1024, passes: 16, lanes: 16 };
    /// Next to nothing: for tests, which make many.
    pub const LEAST: Self = Self { kib: 32, passes: 1, lanes: 1 };
}

/// Why a backup can't be read.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It does not begin as a backup does.
    #[error("this is no backup of Keyway's")]
    Foreign,
    /// Made by a later release.
    #[error("this backup was made by a later Keyway (format {0}): install that one to restore it")]
    Newer(u8),
    /// The passphrase.
    #[error("the passphrase is not the one that this backup was made with")]
    WrongPassphrase,
    /// It ends too early.
    #[error("the backup is cut off: it was not written or copied to its end; use another one")]
    Truncated,
    /// Something in it is not as it was written.
    #[error("the backup is damaged: use another one")]
    Damaged,
    /// What the system says.
    #[error("{0}")]
    Io(#[from] io::Error),
}

struct Sealing {
    cipher: XChaCha20Poly1305,
    head: Vec<u8>,
    beginning: [u8; BEGINNING],
}

impl Sealing {
    fn new(passphrase: &str, cost: Cost, salt: [u8; SALT], beginning: [u8; BEGINNING]) -> Result<Self, FileError> {
        let mut head = MAGIC.to_vec();
        head.push(VERSION);
        for number in [cost.kib, cost.passes, cost.lanes] {
            head.extend(number.to_be_bytes());
        }
        head.extend(salt);
        head.extend(beginning);
        let params = Params::new(cost.kib, cost.passes, cost.lanes, None).map_err(|_| FileError::Damaged)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.as_bytes(), &salt, &mut *key)
            .map_err(|_| FileError::Damaged)?;
        Ok(Self { cipher: XChaCha20Poly1305::new(&Key::from(*key)), head, beginning })
    }

    fn nonce(&self, number: u32, last: bool) -> XNonce {
        let mut nonce = [0; 24];
        let (beginning, rest) = nonce.split_at_mut(BEGINNING);
        beginning.copy_from_slice(&self.beginning);
        let (counter, end) = rest.split_at_mut(4);
        counter.copy_from_slice(&number.to_be_bytes());
        end.fill(last.into());
        XNonce::from(nonce)
    }

    fn seal(&self, number: u32, last: bool, piece: &[u8]) -> io::Result<Vec<u8>> {
        let payload = Payload { msg: piece, aad: &self.head };
        self.cipher.encrypt(&self.nonce(number, last), payload).map_err(|_| io::Error::other("a piece can't be sealed"))
    }

    fn open(&self, number: u32, last: bool, piece: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let payload = Payload { msg: piece, aad: &self.head };
        self.cipher.decrypt(&self.nonce(number, last), payload).ok().map(Zeroizing::new)
    }
}

/// Writes a backup. What is not [`Sealer::finish`]ed can't be read.
pub(super) struct Sealer<W: Write> {
    to: W,
    sealing: Sealing,
    piece: Zeroizing<Vec<u8>>,
    number: u32,
}

impl<W: Write> Sealer<W> {
    /// Begins a file. `randomness` must be fresh.
    ///
    /// # Errors
    /// [`FileError::Io`].
    pub(super) fn new(mut to: W, passphrase: &str, cost: Cost, randomness: [u8; 35]) -> Result<Self, FileError> {
        let (mut salt, mut beginning) = ([0; SALT], [0; BEGINNING]);
        salt.copy_from_slice(&randomness[..SALT]);
        beginning.copy_from_slice(&randomness[SALT..]);
        let sealing = Sealing::new(passphrase, cost, salt, beginning)?;
        to.write_all(&sealing.head)?;
        to.write_all(&sealing.seal(CHECK, false, &[])?)?;
        Ok(Self { to, sealing, piece: Zeroizing::new(Vec::with_capacity(PIECE)), number: 0 })
    }

    /// Writes the last piece.
    ///
    /// # Errors
    /// What the system says.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.seal_piece(true)?;
        self.to.flush()?;
        Ok(self.to)
    }

    fn seal_piece(&mut self, last: bool) -> io::Result<()> {
        let sealed = self.sealing.seal(self.number, last, &self.piece)?;
        self.to.write_all(&sealed)?;
        self.piece.clear();
        self.number =
            self.number.checked_add(1).filter(|number| *number != CHECK).ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(())
    }
}

impl<W: Write> Write for Sealer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.piece.len() == PIECE {
            self.seal_piece(false)?;
        }
        let taken = &bytes[..bytes.len().min(PIECE - self.piece.len())];
        self.piece.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Reads a backup. Nothing comes out that was not written so.
pub(super) struct Opener<R: BufRead> {
    from: R,
    sealing: Sealing,
    piece: Zeroizing<Vec<u8>>,
    at: usize,
    number: u32,
    ended: bool,
}

impl<R: BufRead> Opener<R> {
    /// Reads the head.
    ///
    /// # Errors
    /// [`FileError`].
    pub(super) fn new(mut from: R, passphrase: &str) -> Result<Self, FileError> {
        let mut magic = vec![0; MAGIC.len()];
        match from.read_exact(&mut magic) {
            Ok(()) if magic == MAGIC => {}
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(error.into()),
            Ok(()) | Err(_) => return Err(FileError::Foreign),
        }
        let [version] = take(&mut from)?;
        if version != VERSION {
            return Err(FileError::Newer(version));
        }
        let mut number = || Ok::<_, FileError>(u32::from_be_bytes(take(&mut from)?));
        let cost = Cost { kib: number()?, passes: number()?, lanes: number()? };
        let most = Cost::LARGEST;
        if cost.kib > most.kib || cost.passes > most.passes || cost.lanes > most.lanes {
            return Err(FileError::Damaged);
        }
        let (salt, beginning): ([u8; SALT], [u8; BEGINNING]) = (take(&mut from)?, take(&mut from)?);
        let check: [u8; TAG] = take(&mut from)?;
        let sealing = Sealing::new(passphrase, cost, salt, beginning)?;
        sealing.open(CHECK, false, &check).ok_or(FileError::WrongPassphrase)?;
        Ok(Self { from, sealing, piece: Zeroizing::default(), at: 0, number: 0, ended: false })
    }

    /// The next piece, if there is one.
    fn next_piece(&mut self) -> Result<(), FileError> {
        let mut sealed = Vec::with_capacity(PIECE + TAG);
        (&mut self.from).take((PIECE + TAG) as u64).read_to_end(&mut sealed)?;
        let last = self.from.fill_buf()?.is_empty();
        self.piece = match self.sealing.open(self.number, last, &sealed) {
            Some(piece) => piece,
            // What is whole, and not the last though nothing follows, was cut between two pieces.
            None if last
                && (sealed.len() < PIECE + TAG || self.sealing.open(self.number, false, &sealed).is_some()) =>
            {
                return Err(FileError::Truncated);
            }
            None => return Err(FileError::Damaged),
        };
        (self.at, self.ended) = (0, last);
        self.number += 1;
        Ok(())
    }
}

impl<R: BufRead> Read for Opener<R> {
    /// A [`FileError`] is inside the error.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            if self.ended || buffer.is_empty() {
                return Ok(0);
            }
            self.next_piece().map_err(|error| match error {
                FileError::Io(error) => error,
                other => io::Error::other(other),
            })?;
        }
        let left = &self.piece[self.at..];
        let count = left.len().min(buffer.len());
        buffer[..count].copy_from_slice(&left[..count]);
        self.at += count;
        Ok(count)
    }
}

/// The error that [`Opener::read`] gave.
pub(super) fn reason(error: io::Error) -> FileError {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        return FileError::Damaged;
    }
    match error.downcast::<FileError>() {
        Ok(error) => error,
        Err(error) => FileError::Io(error),
    }
}

fn take<const N: usize>(from: &mut impl Read) -> Result<[u8; N], FileError> {
    let mut bytes = [0; N];
    match from.read_exact(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(FileError::Truncated),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(content: &[u8]) -> Vec<u8> {
        let mut sealer = Sealer::new(Vec::new(), "open sesame", Cost::LEAST, [7; 35]).unwrap();
        sealer.write_all(content).unwrap();
        sealer.finish().unwrap()
    }

    fn opened(file: &[u8], passphrase: &str) -> Result<Vec<u8>, FileError> {
        let mut content = Vec::new();
        Opener::new(file, passphrase)?.read_to_end(&mut content).map_err(reason)?;
        Ok(content)
    }

    #[test]
    fn what_was_written_is_read_whatever_its_length() {
        for length in [0, 1, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE, 3 * PIECE + 17] {
            let content: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
            let file = sealed(&content);
            assert_eq!(opened(&file, "open sesame").unwrap(), content, "{length}");
            assert!(length < 64 || !file.windows(64).any(|window| window == &content[..64]));
        }
    }

    #[test]
    fn a_wrong_passphrase_is_told_from_a_damaged_file() {
        let file = sealed(&vec![1; PIECE * 2]);
        assert!(matches!(opened(&file, "open says me"), Err(FileError::WrongPassphrase)));
        for at in [file.len() / 2, file.len() - 1, 100] {
            let mut damaged = file.clone();
            damaged[at] ^= 1;
            assert!(matches!(opened(&damaged, "open sesame"), Err(FileError::Damaged | FileError::Truncated)), "{at}");
        }
    }

    #[test]
    fn a_file_that_is_cut_is_told_wherever_it_is_cut() {
        let file = sealed(&vec![1; PIECE * 2 + 5]);
        let head = MAGIC.len() + 1 + 12 + SALT + BEGINNING + TAG;
        for length in [MAGIC.len() + 3, head, head + 9, head + PIECE + TAG, head + 2 * (PIECE + TAG), file.len() - 1] {
            let result = opened(&file[..length], "open sesame");
            assert!(matches!(result, Err(FileError::Truncated)), "{length}: {result:?}");
        }
    }

    #[test]
    fn pieces_can_not_be_exchanged() {
        let mut file = sealed(&[vec![1; PIECE], vec![2; PIECE], vec![3; PIECE]].concat());
        let head = MAGIC.len() + 1 + 12 + SALT + BEGINNING + TAG;
        let (first, second) = file[head..].split_at_mut(PIECE + TAG);
        first.swap_with_slice(&mut second[..PIECE + TAG]);
        assert!(matches!(opened(&file, "open sesame"), Err(FileError::Damaged)));
    }

    #[test]
    fn what_is_no_backup_or_a_later_one_is_told() {
        assert!(matches!(opened(b"PK\x03\x04", "x"), Err(FileError::Foreign)));
        assert!(matches!(opened(&[0; 500], "x"), Err(FileError::Foreign)));
        let mut file = sealed(b"x");
        file[MAGIC.len()] = 2;
        assert!(matches!(opened(&file, "open sesame"), Err(FileError::Newer(2))));
        let mut greedy = sealed(b"x");
        greedy[MAGIC.len() + 1] = 0xFF;
        assert!(matches!(opened(&greedy, "open sesame"), Err(FileError::Damaged)));
    }
}
