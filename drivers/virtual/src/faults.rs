//! Faults of a byte stream: flipped bits. What the two ends of a link make of them is theirs to show.

/// Flips a bit of every n-th byte, each time another one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Garble {
    every: u64,
    passed: u64,
}

impl Garble {
    /// Every `every`-th byte; 0: none.
    pub fn every(every: u64) -> Self {
        Self { every, passed: 0 }
    }

    /// Spoils what passes.
    pub fn apply(&mut self, bytes: &mut [u8]) {
        if self.every == 0 {
            return;
        }
        for byte in bytes {
            self.passed += 1;
            if self.passed.is_multiple_of(self.every) {
                *byte ^= 1 << (self.passed / self.every % 8);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fourth_byte_is_spoilt_across_pieces_of_the_stream() {
        let mut garble = Garble::every(4);
        let (mut first, mut second) = ([0; 3], [0; 6]);
        garble.apply(&mut first);
        garble.apply(&mut second);
        assert_eq!((first, second), ([0; 3], [2, 0, 0, 0, 4, 0]));
    }

    #[test]
    fn nothing_is_spoilt_unless_asked_for() {
        let mut bytes = [7; 100];
        Garble::default().apply(&mut bytes);
        assert_eq!(bytes, [7; 100]);
    }
}
