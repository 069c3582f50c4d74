//! Base64 in a text, read without knowing where it begins.
//! Invariant: what stands in a run of digits is found whichever digit was the first (`Base64Digits::places_of`; test
//! `base64_is_found_at_every_place` of secret.rs).

/// A run of base64 digits of either alphabet, over line ends: programs write lines of 64 or 76.
pub(super) struct Base64Digits {
    /// Value of each digit and where it stands in the text, in bytes.
    digits: Vec<(u8, usize)>,
}

impl Base64Digits {
    /// Every run in a text, in order.
    pub(super) fn runs(text: &str) -> Vec<Self> {
        let mut runs = Vec::new();
        let mut digits = Vec::new();
        for (at, byte) in text.bytes().enumerate() {
            match value(byte) {
                Some(value) => digits.push((value, at)),
                None if matches!(byte, b'\r' | b'\n') => {}
                None if digits.is_empty() => {}
                None => runs.push(Self {
                    digits: std::mem::take(&mut digits),
                }),
            }
        }
        runs.push(Self { digits });
        runs
    }

    /// Where the run ends in the text.
    pub(super) fn end(&self) -> usize {
        self.digits.last().map_or(0, |(_, at)| at + 1)
    }

    /// Where the digits stand that have bits of `wanted`: first byte and the one behind the last, in order. `may_go_on`: the run was cut
    /// off, and its end may be the beginning of `wanted`.
    pub(super) fn places_of(&self, wanted: &[u8], may_go_on: bool) -> Vec<(usize, usize)> {
        let mut places = Vec::new();
        // Four digits are three bytes, so a text can begin at any of four.
        for skipped in 0..4.min(self.digits.len()) {
            let digits = &self.digits[skipped..];
            let bytes = decoded(digits);
            let place = |byte: usize, count: usize| {
                let (first, last) = (byte * 8 / 6, ((byte + count) * 8 - 1) / 6);
                (digits[first].1, digits[last].1 + 1)
            };
            let found = memchr::memmem::find_iter(&bytes, wanted);
            places.extend(found.map(|byte| place(byte, wanted.len())));
            if may_go_on {
                let shortest = bytes.len().saturating_sub(wanted.len() - 1);
                let begun = (shortest..bytes.len()).find(|at| wanted.starts_with(&bytes[*at..]));
                places.extend(begun.map(|at| (place(at, 1).0, self.end())));
            }
        }
        places.sort_unstable();
        places
    }
}

fn value(digit: u8) -> Option<u8> {
    match digit {
        b'A'..=b'Z' => Some(digit - b'A'),
        b'a'..=b'z' => Some(digit - b'a' + 26),
        b'0'..=b'9' => Some(digit - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

/// The whole bytes of some digits.
fn decoded(digits: &[(u8, usize)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(digits.len() * 3 / 4);
    for four in digits.chunks(4) {
        let word = four
            .iter()
            .fold(0, |word, (value, _)| word << 6 | u32::from(*value));
        let word = word << (6 * (4 - four.len()));
        let [_, first, second, third] = word.to_be_bytes();
        bytes.extend(&[first, second, third][..four.len() * 6 / 8]);
    }
    bytes
}
