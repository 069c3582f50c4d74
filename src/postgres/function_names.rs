//! Allow-list of built-in PostgreSQL functions that SQL of a profile may call. None of them writes, waits, signals, reads files
//! or runs text as SQL.

/// Names, between blanks.
const BUILT_IN: &str = "
    abs age any_value array_agg array_length array_position array_to_json array_to_string ascii avg bit bit_and
    bit_length bit_or bool_and bool_or btrim cardinality ceil ceiling char char_length character character_length
    chr coalesce concat concat_ws convert_from convert_to count cume_dist date date_part date_trunc decimal decode
    dense_rank encode every extract first_value float floor format generate_series generate_subscripts greatest
    hashtext hashtextextended initcap int4 int8 interval json_agg json_array_elements json_array_elements_text
    json_array_length json_build_array json_build_object json_each json_each_text json_object_agg json_object_keys
    json_typeof jsonb_agg jsonb_array_elements jsonb_array_elements_text jsonb_array_length jsonb_build_array
    jsonb_build_object jsonb_each jsonb_each_text jsonb_object_agg jsonb_object_keys jsonb_path_exists
    jsonb_path_query jsonb_typeof justify_interval lag last_value lead least left length ln log lower lpad ltrim
    make_date make_timestamp max md5 min mod mode normalize now nth_value ntile nullif numeric octet_length overlay
    percent_rank percentile_cont percentile_disc position power quote_ident quote_literal rank regexp_match
    regexp_matches regexp_replace regexp_split_to_array regexp_split_to_table repeat replace reverse right round
    row_number row_to_json rpad rtrim sha256 sign split_part starts_with string_agg string_to_array strpos substr
    substring sum timestamp to_char to_date to_hex to_json to_jsonb translate trim trunc unnest upper varchar
";

/// Keywords that an opening parenthesis may follow without making a call.
const SYNTAX: &str = "
    all and any array as between by case cast cross cube distinct else except exists filter from group grouping
    having in intersect is join lateral like limit materialized not offset on or over recursive returning rollup row
    rows select sets some then union using values when where
";

fn names(list: &'static str, name: &str) -> bool {
    list.split_ascii_whitespace().any(|known| known == name)
}

/// Whether `name` is a built-in function that is known to be harmless.
pub(super) fn is_built_in(name: &str) -> bool {
    names(BUILT_IN, name)
}

/// All of them, one per line.
pub(super) fn built_in_names() -> String {
    let names: Vec<&str> = BUILT_IN.split_ascii_whitespace().collect();
    names.join("\n")
}

/// Whether `word` is a keyword before a parenthesis rather than a function.
pub(super) fn is_syntax(word: &str) -> bool {
    names(SYNTAX, word)
}
