//! What is printed on a Zigbee device so that it can join with a key of its own.

use std::fmt;

use zeroize::Zeroizing;

/// A device's address and its install code, from its label or the QR code beside it. Who knows it can listen while the
/// device joins: never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct InstallCode {
    device: u64,
    code: Zeroizing<Vec<u8>>,
}

impl InstallCode {
    /// Lengths a code can have, in bytes, with its checksum of two (Zigbee 3.0 Base Device Behavior, section 10.1).
    const LENGTHS: [usize; 4] = [8, 10, 14, 18];

    /// Reads an address and a code, both in hexadecimal digits: one behind the other with a space between them, or as QR
    /// codes have them (`Z:000D6F000A0B0C01$I:83FE…`). Colons and dashes among the digits are passed over.
    pub fn read(text: &str) -> Option<Self> {
        let (device, code) = match text.split_once("$I:") {
            Some((before, code)) => (before.rsplit_once("Z:")?.1, code.split(['$', '%']).next()?),
            None => text.trim().split_once(' ')?,
        };
        let (device, code) = (bytes(device)?, bytes(code)?);
        let device = u64::from_be_bytes(device.as_slice().try_into().ok()?);
        Self::LENGTHS.contains(&code.len()).then_some(Self { device, code })
    }

    /// The only device that has it.
    pub fn device(&self) -> u64 {
        self.device
    }

    /// All of it with its checksum, for the driver only.
    pub fn expose(&self) -> &[u8] {
        &self.code
    }
}

fn bytes(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let digits: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !matches!(c, ':' | '-' | ' ')).collect());
    if !digits.len().is_multiple_of(2) || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let byte = |at: usize| u8::from_str_radix(digits.get(at..at + 2)?, 16).ok();
    (0..digits.len()).step_by(2).map(byte).collect::<Option<Vec<u8>>>().map(Zeroizing::new)
}

impl fmt::Debug for InstallCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InstallCode({:016x}, redacted)", self.device)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_from_the_label_and_from_the_qr_code() {
        let code = InstallCode::read("00:0d:6f:00:0a:0b:0c:01 83FE-D340-7A93-9723-A5C6-39B2-6916-D505-C3B5").unwrap();
        assert_eq!((code.device(), &code.expose()[..2]), (0x000D_6F00_0A0B_0C01, &[0x83, 0xFE][..]));
        let qr = "G$M:69775$S:680S00003915$D:0000000017B2335C%Z$A:X$Z:000D6F000A0B0C01$I:83FED3407A939723A5C639B26916D505C3B5%M";
        assert_eq!(InstallCode::read(qr), Some(code.clone()));
        assert!(!format!("{code:?}").contains("83"));
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in
            ["", "000d6f000a0b0c01", "000d6f000a0b0c01 83FE", "0d6f000a0b0c01 83FED3407A939723", "x$I:83FE", "€ €"]
        {
            assert_eq!(InstallCode::read(text), None, "{text}");
        }
    }
}
