//! The little Markdown that doc comments use (paragraphs, `code`, **strong**) as HTML. Everything is
//! escaped first, so that no description can bring markup of its own.

/// Paragraphs with code and emphasis.
#[must_use]
pub fn html(markdown: &str) -> String {
    let paragraphs = markdown
        .split("\n\n")
        .map(str::trim)
        .filter(|text| !text.is_empty());
    let texts: Vec<String> = paragraphs.map(|text| inline(&escape(text))).collect();
    if texts.is_empty() {
        String::new()
    } else {
        format!("<p>{}</p>", texts.join("</p><p>"))
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

fn inline(escaped: &str) -> String {
    paired(&paired(escaped, "**", "strong"), "`", "code")
}

/// Puts what stands between two marks into an element; an odd mark stays as it is.
fn paired(text: &str, mark: &str, element: &str) -> String {
    let parts: Vec<&str> = text.split(mark).collect();
    let last = parts.len() - 1;
    let mut out = String::with_capacity(text.len() + 32);
    for (at, part) in parts.iter().enumerate() {
        let inside = at % 2 == 1;
        if inside && at < last {
            for piece in ["<", element, ">", part, "</", element, ">"] {
                out.push_str(piece);
            }
        } else {
            if inside {
                out.push_str(mark);
            }
            out.push_str(part);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn marks_become_elements_and_nothing_else_does() {
        assert_eq!(
            html("**Who**: `a<b>`\n\nodd ` mark"),
            "<p><strong>Who</strong>: <code>a&lt;b&gt;</code></p><p>odd ` mark</p>"
        );
    }
}
