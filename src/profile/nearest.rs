//! Suggests the nearest existing name for a misspelt one. Invariant: a name that is unlike the word is never suggested (test
//! `a_slip_is_named_and_a_stranger_is_not`).

/// The name nearest to what was written, if one is near enough to be meant.
pub fn nearest<'a>(written: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    let near = |name: &'a str| {
        (
            strsim::damerau_levenshtein(&lower, &name.to_lowercase()),
            name,
        )
    };
    let (distance, name) = names
        .into_iter()
        .map(near)
        .min_by_key(|(distance, _)| *distance)?;
    let longest = written.chars().count().max(name.chars().count());
    // At most 40 % of the letters may differ; beyond that a suggestion would be a guess.
    (distance * 5 <= longest * 2).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_is_named_and_a_stranger_is_not() {
        let keys = ["database_url", "data_dir", "color"];
        assert_eq!(nearest("databse_url", keys), Some("database_url"));
        assert_eq!(nearest("colour", keys), Some("color"));
        assert_eq!(nearest("Color", keys), Some("color"));
        assert_eq!(nearest("zzzz", keys), None);
        assert_eq!(nearest("x", []), None);
    }
}
