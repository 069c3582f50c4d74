//! Names the kind of a file that is no tar archive, by its first bytes. No byte of the file is shown.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// Bytes that are looked at: the length of a tar header.
const HEADER: usize = 512;
/// Where a tar header has the magic of the ustar format, and the magic.
const USTAR: (usize, &[u8]) = (257, b"ustar");
/// First bytes of other formats, and their names.
const KINDS: [(&[u8], &str); 9] = [
    (b"PK\x03\x04", "a zip archive"),
    (b"\xfd7zXZ\0", "an xz file"),
    (b"\x28\xb5\x2f\xfd", "a zstd file"),
    (b"BZh", "a bzip2 file"),
    (b"\x7fELF", "a program"),
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a picture"),
    (b"PGDMP", "a dump of a PostgreSQL database"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// The kind of a file; `None`: it begins as a tar archive does, compressed with gzip or not, or cannot be opened.
pub(super) fn kind(path: &Path) -> Option<&'static str> {
    let begins = beginning(File::open(path).ok()?);
    if !begins.starts_with(&super::opened::GZIP) {
        return kind_of(&begins);
    }
    let unpacked = beginning(MultiGzDecoder::new(File::open(path).ok()?));
    kind_of(&unpacked).map(|_| "a gzip file without a tar archive in it")
}

fn beginning(input: impl Read) -> Vec<u8> {
    let mut bytes = Vec::new();
    // After an error of reading, the bytes before it still tell the kind.
    let _ = input.take(HEADER as u64).read_to_end(&mut bytes);
    bytes
}

fn kind_of(begins: &[u8]) -> Option<&'static str> {
    let (at, mark) = USTAR;
    if begins.get(at..).is_some_and(|rest| rest.starts_with(mark)) {
        return None;
    }
    let known = KINDS.iter().find(|(magic, _)| begins.starts_with(magic));
    if let Some((_, kind)) = known {
        return Some(kind);
    }
    let control = |byte: &u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    Some(match begins {
        [] => "an empty file",
        _ if begins.iter().any(control) => "a file of binary data",
        _ => "a text file",
    })
}

#[cfg(test)]
mod tests {
    use super::kind_of;

    #[test]
    fn a_file_is_told_by_its_beginning() {
        let cases: [(&[u8], &str); 5] = [
            (b"", "an empty file"),
            (b"PK\x03\x04rest", "a zip archive"),
            ("Hiến pháp\n".as_bytes(), "a text file"),
            (b"{\"v\":1}\n", "a text file"),
            (&[0; 512], "a file of binary data"),
        ];
        for (begins, kind) in cases {
            assert_eq!(kind_of(begins), Some(kind));
        }
        let mut header = [b'a'; 512];
        header[257..262].copy_from_slice(b"ustar");
        assert_eq!(kind_of(&header), None, "an archive, damaged or not");
    }
}
