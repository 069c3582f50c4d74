//! Finds the damaged byte once the chain has shown that a journal is damaged. It is used only on the way to an error and
//! never makes a journal pass.

use sha2::{Digest as _, Sha256};

use super::chain::{ChainBreak, ChainPosition, Hex, from_hex, sha256};
use super::format::VERSION;
use super::head::Head;
use super::header::LineHeader;
use super::journal_walk::LineReader;
use super::{Corrupt, JournalError, layout};

/// Bytes of a line up to which one flipped bit is searched for: every bit is tried, each with a hash of the line, which is
/// the square of its length.
const SEARCH_BYTES_MAX: usize = 4096;

/// The error for a line that does not follow the line before it, with the damaged byte where it can be found.
pub(super) fn broken(
    lines: &mut LineReader,
    position: &ChainPosition,
    broken: &ChainBreak,
    head: Option<&Head>,
) -> JournalError {
    // A line of a newer format may rightly look different: that is no damage.
    if let Some(error) = newer(broken) {
        return error;
    }
    // Copied, because `vouched` reads one line further and replaces both.
    let (this, previous) = (lines.line.clone(), lines.previous.clone());
    let vouched = vouched(lines, position, head);
    // The line has the digest that HEAD or the next line has of it: then the damage is in the line before.
    let intact = vouched == Some(sha256(&this));
    if !intact && let Some(at) = vouched.and_then(|digest| damaged_byte(&this, &digest)) {
        return here(position, at, "a bit is not the one that was written").into();
    }
    let header = match (broken, LineHeader::parse(&this)) {
        (ChainBreak::Line(fault), _) => return here(position, fault.at, &fault.what).into(),
        (_, Err(fault)) => return here(position, fault.at, &fault.what).into(),
        (_, Ok(header)) => header,
    };
    // One flipped bit in the line before explains why its digest is not the `prev` of this one.
    if position.seq > 0
        && let Some(at) = damaged_byte(&previous, &header.prev)
    {
        return before(&previous, position, at).into();
    }
    match broken {
        ChainBreak::Order { found } => {
            let expected = position.seq;
            let what = format!(
                "has seq {found} where {expected} was expected: lines were removed, repeated, moved or changed"
            );
            here(position, header.seq_at, &what).into()
        }
        ChainBreak::Line(_) | ChainBreak::Prev if position.seq > 0 && intact => {
            let start = position.offset - previous.len() as u64 - 1;
            let what = "is not the line that was written: the next line has another digest of it";
            Corrupt::at(layout::JOURNAL, position.seq, start, what).into()
        }
        ChainBreak::Line(_) | ChainBreak::Prev => {
            let at = header.prev_at + first_difference(&header.prev, &position.prev);
            here(position, at, "prev is not the digest of the line before").into()
        }
    }
}

/// The error for a line that only a newer version can read; `None`: the line claims no newer version.
pub(super) fn newer(broken: &ChainBreak) -> Option<JournalError> {
    let ChainBreak::Line(fault) = broken else {
        return None;
    };
    fault.newer.map(|found| JournalError::NewerVersion {
        found,
        supported: VERSION,
    })
}

/// The damage where the journal ends before the line that HEAD names.
pub(super) fn ended(lines: &LineReader, position: &ChainPosition, head: &Head) -> Corrupt {
    if position.seq > 0 {
        // HEAD has the right digest, so its number is wrong.
        if head.sha256 == position.prev {
            let what = format!(
                "names seq {}, and has the digest of seq {}",
                head.seq,
                position.seq - 1
            );
            return Corrupt::at(layout::HEAD, 1, "{\"seq\":".len() as u64, what);
        }
        if let Some(at) = damaged_byte(&lines.previous, &head.sha256) {
            return before(&lines.previous, position, at);
        }
    }
    let what = format!("ends before seq {}, which HEAD names", head.seq);
    here(position, 0, &what)
}

/// The damage where a line that HEAD covers has no newline.
pub(super) fn unterminated(lines: &LineReader, position: &ChainPosition) -> Corrupt {
    // If the line ends with `}` the newline is missing, else its last byte stands where the newline was.
    let whole = lines.line.last() == Some(&b'}');
    let at = lines.line.len() - usize::from(!whole && !lines.line.is_empty());
    match LineHeader::parse(&lines.line[..at]) {
        Ok(_) => here(position, at, "a newline was expected"),
        Err(fault) => here(position, fault.at, &fault.what),
    }
}

/// The damage where the line that HEAD names has another digest.
pub(super) fn head_differs(
    lines: &mut LineReader,
    position: &ChainPosition,
    head: &Head,
) -> Corrupt {
    let differing = position.prev.iter().zip(&head.sha256);
    if differing.filter(|(a, b)| a != b).count() == 1 {
        // A changed bit in a line changes about 60 of the 64 characters of its digest. One character points to HEAD itself.
        let at = first_difference(&position.prev, &head.sha256) as u64;
        let what = "one character differs from the digest of the line";
        return Corrupt::at(layout::HEAD, 1, head.digest_at() + at, what);
    }
    let mut line = ChainPosition {
        seq: position.seq - 1,
        ..position.clone()
    };
    line.offset -= lines.line.len() as u64 + 1;
    if let Some(at) = damaged_byte(&lines.line, &head.sha256) {
        return here(&line, at, "a bit is not the one that was written");
    }
    // The next line confirms the journal, so HEAD is wrong.
    if next_prev(lines) == Some(position.prev) {
        let what = format!(
            "has another digest than seq {}, which the next line vouches for",
            head.seq
        );
        return Corrupt::at(layout::HEAD, 1, "{\"seq\":".len() as u64, what);
    }
    here(
        &line,
        0,
        "is not the line that was written: HEAD has another digest of it",
    )
}

/// Damage at a byte of the line that begins at a position.
fn here(position: &ChainPosition, at: usize, what: &str) -> Corrupt {
    let byte = position.offset + at as u64;
    Corrupt::at(layout::JOURNAL, position.seq + 1, byte, what)
}

/// Damage at a byte of the line before a position.
fn before(previous: &[u8], position: &ChainPosition, at: usize) -> Corrupt {
    let byte = position.offset - previous.len() as u64 - 1 + at as u64;
    let what = "a bit is not the one that was written";
    Corrupt::at(layout::JOURNAL, position.seq, byte, what)
}

/// The digest that HEAD, or else the next line, has of this line; `None`: neither has one.
fn vouched(lines: &mut LineReader, position: &ChainPosition, head: Option<&Head>) -> Option<Hex> {
    match head {
        Some(head) if head.seq == position.seq => Some(head.sha256),
        _ => next_prev(lines),
    }
}

/// The digest that the next line has of this one; `None`: there is no next line, or it cannot be read.
fn next_prev(lines: &mut LineReader) -> Option<Hex> {
    lines.advance().ok().flatten()?;
    Some(LineHeader::parse(&lines.line).ok()?.prev)
}

fn first_difference(a: &Hex, b: &Hex) -> usize {
    a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(0)
}

/// The byte that was changed, if one flipped bit explains why a line does not have this digest.
fn damaged_byte(line: &[u8], digest: &Hex) -> Option<usize> {
    swallowed_newline(line, digest).or_else(|| flipped_byte(line, digest))
}

/// Looks for a newline that became another character, so that two lines look like one. `digest` is that of the second line.
fn swallowed_newline(line: &[u8], digest: &Hex) -> Option<usize> {
    // Every line begins with `{"v":`, so only these places can be the beginning of the second line.
    let starts = line.windows(5).enumerate().skip(1);
    let mut starts = starts.filter(|(_, window)| *window == b"{\"v\":");
    let (at, _) = starts.find(|(at, _)| sha256(&line[*at..]) == *digest)?;
    Some(at - 1)
}

/// The byte with the one bit that, flipped back, gives content with this digest.
pub(super) fn flipped_byte(content: &[u8], digest: &Hex) -> Option<usize> {
    const BLOCK: usize = 64;
    if content.len() > SEARCH_BYTES_MAX {
        return None;
    }
    let wanted = from_hex(digest);
    let mut content = content.to_owned();
    let mut front = Sha256::new();
    // Block by block of SHA-256: the state before a block is kept, so that each try hashes only from that block on.
    for start in (0..content.len()).step_by(BLOCK) {
        let end = content.len().min(start + BLOCK);
        for at in start..end {
            for bit in 0..8 {
                content[at] ^= 1 << bit;
                let hash = front.clone().chain_update(&content[start..]).finalize();
                content[at] ^= 1 << bit;
                if hash[..] == wanted {
                    return Some(at);
                }
            }
        }
        front.update(&content[start..end]);
    }
    None
}
