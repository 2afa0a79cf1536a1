//! Regular expressions as far as label matchers need them: letters, any letter, repetition and
//! alternatives, anchored at both ends as Prometheus anchors them.
//!
//! What stands beyond that is refused when it is read. Matching looks at each letter of a text once.

/// Alternatives, each a row of pieces.
#[derive(Debug)]
pub struct Pattern(Vec<Vec<Piece>>);

/// A letter (none for any) and how often it may stand.
#[derive(Clone, Copy, Debug)]
struct Piece {
    letter: Option<char>,
    least: usize,
    many: bool,
}

impl Pattern {
    /// Exactly this text.
    pub fn exact(text: &str) -> Self {
        Self(vec![text.chars().map(|letter| one(Some(letter))).collect()])
    }

    /// Reads an expression, or says what is not understood in it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rows: Vec<Vec<Piece>> = vec![Vec::new()];
        let mut letters = text.chars();
        while let Some(letter) = letters.next() {
            let not_known = || format!("the regular expression \"{text}\" is not understood here");
            if letter == '|' {
                rows.push(Vec::new());
                continue;
            }
            let row = rows.last_mut().ok_or_else(not_known)?;
            match letter {
                '*' | '+' | '?' => {
                    let piece = row.last_mut().ok_or_else(not_known)?;
                    piece.least = usize::from(letter == '+');
                    piece.many = letter != '?';
                }
                '.' => row.push(one(None)),
                '\\' => row.push(one(Some(letters.next().ok_or_else(not_known)?))),
                '(' | ')' | '[' | ']' | '{' | '}' | '^' | '$' => return Err(not_known()),
                other => row.push(one(Some(other))),
            }
        }
        Ok(Self(rows))
    }

    /// Whether a whole text is one of the alternatives.
    pub fn matches(&self, text: &str) -> bool {
        let letters: Vec<char> = text.chars().collect();
        self.0.iter().any(|row| fits(row, &letters))
    }
}

fn one(letter: Option<char>) -> Piece {
    Piece {
        letter,
        least: 1,
        many: false,
    }
}

/// Reads the letters once, with every place in the row that they may have come to.
fn fits(row: &[Piece], letters: &[char]) -> bool {
    let mut reached = vec![false; row.len() + 1];
    reached[0] = true;
    skip(row, &mut reached);
    for letter in letters {
        let mut next = vec![false; row.len() + 1];
        for (index, piece) in row.iter().enumerate() {
            if piece.letter.is_some_and(|wished| wished != *letter) {
                continue;
            }
            // A piece that repeats is left behind by the letter and stays where it is as well.
            let stays = piece.many && (reached[index] || reached[index + 1]);
            next[index + 1] |= reached[index] || stays;
        }
        skip(row, &mut next);
        reached = next;
    }
    reached[row.len()]
}

/// Goes past the pieces that need not stand.
fn skip(row: &[Piece], reached: &mut [bool]) {
    for (index, piece) in row.iter().enumerate() {
        if reached[index] && piece.least == 0 {
            reached[index + 1] = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_texts_are_matched() {
        let is = |pattern: &str, text: &str| Pattern::parse(pattern).unwrap().matches(text);
        assert!(is("prism.+", "prisma_t1") && !is("prism.+", "prism"));
        assert!(is("prism.*", "prism") && !is("rism.*", "prism"));
        assert!(is("a|b+", "bbb") && !is("a|b+", "ab"));
        assert!(is("ab?c", "ac") && is("ab?c", "abc") && !is("ab?c", "abbc"));
        assert!(is("a.c", "abc") && is("a\\.c", "a.c") && !is("a\\.c", "abc"));
        assert!(is("", "") && !is("", "a"));
        assert!(is(".*b.*", "aabaa") && !is(".*b", "aaba"));
        for unknown in ["[a]", "(a)", "*", "a\\"] {
            assert!(Pattern::parse(unknown).is_err(), "{unknown}");
        }
        assert!(Pattern::exact("a.+").matches("a.+"));
    }
}
