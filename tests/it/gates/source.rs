//! Reading Rust just well enough to find functions and where they end: comments, strings and
//! characters are blanked out, so that braces in them do not count. Line numbers stay as they are.

/// The text with everything in comments, strings and characters replaced by spaces.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = String::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let end = match bytes[at] {
            b'/' if bytes[at..].starts_with(b"//") => line_end(bytes, at),
            b'/' if bytes[at..].starts_with(b"/*") => comment_end(bytes, at),
            b'"' => string_end(bytes, at + 1),
            b'r' if !after_word(bytes, at) && raw_hashes(bytes, at).is_some() => raw_end(bytes, at),
            b'\'' => char_end(bytes, at).unwrap_or(at),
            _ => at,
        };
        if end == at {
            out.push(if bytes[at].is_ascii() {
                char::from(bytes[at])
            } else {
                ' '
            });
            at += 1;
            continue;
        }
        out.extend(
            bytes[at..end]
                .iter()
                .map(|byte| if *byte == b'\n' { '\n' } else { ' ' }),
        );
        at = end;
    }
    out
}

fn line_end(bytes: &[u8], from: usize) -> usize {
    bytes[from..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(bytes.len(), |length| from + length)
}

fn comment_end(bytes: &[u8], from: usize) -> usize {
    let (mut depth, mut at) = (0, from);
    while at < bytes.len() {
        if bytes[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if bytes[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn after_word(bytes: &[u8], at: usize) -> bool {
    // `br"…"` begins with a letter too, and only that one.
    at > 0
        && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
        && bytes[at - 1] != b'b'
}

fn raw_hashes(bytes: &[u8], at: usize) -> Option<usize> {
    let hashes = bytes[at + 1..]
        .iter()
        .take_while(|byte| **byte == b'#')
        .count();
    (bytes.get(at + 1 + hashes) == Some(&b'"')).then_some(hashes)
}

fn raw_end(bytes: &[u8], at: usize) -> usize {
    let hashes = raw_hashes(bytes, at).unwrap_or(0);
    let close: Vec<u8> = std::iter::once(b'"')
        .chain(std::iter::repeat_n(b'#', hashes))
        .collect();
    let from = at + hashes + 2;
    let found = bytes[from..]
        .windows(close.len())
        .position(|window| window == close);
    found.map_or(bytes.len(), |length| from + length + close.len())
}

/// The end of a character; none for a lifetime.
fn char_end(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at + 1) == Some(&b'\\') {
        let close = bytes[at + 3..].iter().position(|byte| *byte == b'\'')?;
        return Some(at + 3 + close + 1);
    }
    // One character of up to four bytes.
    (2..=5)
        .find(|length| bytes.get(at + length) == Some(&b'\''))
        .map(|length| at + length + 1)
        .filter(|end| {
            std::str::from_utf8(&bytes[at + 1..end - 1]).is_ok_and(|text| text.chars().count() == 1)
        })
}

/// A function: its name and the numbers of its first and last line, counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub struct Function {
    pub name: String,
    pub first: usize,
    pub last: usize,
}

/// Every function with a body, those within `#[cfg(test)]` modules left out.
pub fn functions(text: &str) -> Vec<Function> {
    let blank = blank(text);
    let code = match blank.find("#[cfg(test)]\nmod tests {") {
        Some(tests) => &blank[..tests],
        None => &blank,
    };
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let begins_word = code[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let name: String = code[at + 3..]
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect();
        if !begins_word || name.is_empty() {
            continue;
        }
        if let Some(end) = body_end(code, at) {
            let line = |at: usize| code[..at].matches('\n').count() + 1;
            found.push(Function {
                name,
                first: line(at),
                last: line(end),
            });
        }
    }
    found
}

/// Where the body ends of the function that begins at `from`; none when it has no body.
fn body_end(code: &str, from: usize) -> Option<usize> {
    let (mut braces, mut brackets) = (0, 0);
    for (at, c) in code[from..].char_indices() {
        match c {
            '(' | '[' => brackets += 1,
            ')' | ']' => brackets -= 1,
            ';' if braces == 0 && brackets == 0 => return None,
            '{' => braces += 1,
            '}' => {
                braces -= 1;
                if braces == 0 && brackets == 0 {
                    return Some(from + at);
                }
                if braces < 0 {
                    return None;
                }
            }
            _ => {}
        }
    }
    None
}

#[test]
fn braces_in_texts_do_not_count() {
    let text = "fn one() {\n    let a = \"}\"; // }\n    let b = '}';\n    let c = r#\"}\"#;\n}\nfn two<'a>(x: &'a str);\nfn three() {}\n";
    let found = functions(text);
    let names: Vec<(&str, usize, usize)> = found
        .iter()
        .map(|it| (it.name.as_str(), it.first, it.last))
        .collect();
    assert_eq!(names, [("one", 1, 5), ("three", 7, 7)]);
}

#[test]
fn tests_within_a_file_are_left_out() {
    let text = "fn one() {}\n#[cfg(test)]\nmod tests {\n    fn two() {}\n}\n";
    assert_eq!(functions(text).len(), 1);
}
