//! Expands name patterns: `a_{x,y}_{1,2}` is a_x_1, a_x_2, a_y_1, a_y_2. Braces nest.
//!
//! `$B` stands for the five bands, `$N` for the near ones, `$L` for the ten levels, as alternatives inside braces.

const SETS: [(&str, &str); 3] = [
    ("$B", "p0_1,p1_2,p2_3,p3_5,p5_10"),
    ("$N", "p0_1,p1_2,p2_3"),
    ("$L", "00,01,02,03,04,05,06,07,08,09"),
];

/// All names of a pattern list, whose patterns stand apart by spaces.
pub(super) fn names(patterns: &str) -> Vec<String> {
    let patterns = SETS
        .iter()
        .fold(patterns.to_owned(), |text, (set, members)| text.replace(set, members));
    patterns.split_whitespace().flat_map(alternatives).collect()
}

fn alternatives(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else {
        return vec![pattern.to_owned()];
    };
    let inside = &pattern[open + 1..];
    let (mut depth, mut start, mut branches) = (0, 0, Vec::new());
    let mut end = inside.len();
    for (at, mark) in inside.char_indices() {
        match mark {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            '}' => {
                end = at;
                break;
            }
            ',' if depth == 0 => {
                branches.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    branches.push(&inside[start..end]);
    let tails = alternatives(&inside[end + 1..]);
    let heads = branches.into_iter().flat_map(alternatives);
    heads
        .flat_map(|head| {
            tails
                .iter()
                .map(move |tail| format!("{}{head}{tail}", &pattern[..open]))
                .collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_brace_runs_fastest_and_braces_nest() {
        assert_eq!(names("a_{x,y}_{1,2}"), ["a_x_1", "a_x_2", "a_y_1", "a_y_2"]);
        assert_eq!(names("s_{o,c_{a,b}}_e t"), ["s_o_e", "s_c_a_e", "s_c_b_e", "t"]);
        assert_eq!(names("d_{$N}"), ["d_p0_1", "d_p1_2", "d_p2_3"]);
    }
}
