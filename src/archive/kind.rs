//! What a file is that holds no archive. Invariant: told by how it begins, and none of its bytes is repeated.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

/// As much as the header of an archive's first file.
const HEADER: usize = 512;
/// Where that header has the mark of the format, and the mark.
const USTAR: (usize, &[u8]) = (257, b"ustar");
/// How files of other kinds begin.
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

/// The kind of a file that does not begin as a tar archive does, packed with gzip or not.
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
    // What cannot be read is not part of how it begins.
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
