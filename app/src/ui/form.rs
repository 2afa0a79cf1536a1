//! Forms: labels above, help between label and field, errors above the field and in a summary that
//! takes the focus and links to the fields; what was typed stays. One column.
//! Invariant: a password is never put back into a page.

use leptos::prelude::*;

use crate::ui::icon::{Icon, icon};

/// What was typed, as name and value pairs, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form {
    values: Vec<(String, String)>,
    errors: Vec<(String, String)>,
}

impl Form {
    /// An untouched form with defaults.
    #[must_use]
    pub fn with(defaults: &[(&str, &str)]) -> Self {
        let values = defaults
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        Self {
            values,
            errors: Vec::new(),
        }
    }

    /// A form as it was sent.
    #[must_use]
    pub const fn sent(values: Vec<(String, String)>) -> Self {
        Self {
            values,
            errors: Vec::new(),
        }
    }

    /// Adds an error; an empty field name stands for the form as a whole.
    pub fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.errors.push((field.into(), message.into()));
    }

    /// The first value of a field, or nothing.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.values
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value.as_str())
    }

    /// All values of a field that can be chosen several times.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.values
            .iter()
            .filter(|(key, _)| key == name)
            .map(|(_, v)| v.as_str())
            .collect()
    }

    /// Sets a field that has no value yet.
    pub fn default_to(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_empty() {
            self.set(name, value);
        }
    }

    /// Sets a field, whatever it was.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        self.values.retain(|(key, _)| key != name);
        self.values.push((name.to_owned(), value.into()));
    }

    /// What is wrong with a field.
    #[must_use]
    pub fn error(&self, name: &str) -> Option<&str> {
        self.errors
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, message)| message.as_str())
    }

    /// Whether it was refused.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        !self.errors.is_empty()
    }

    /// The summary above a refused form. Errors of fields that this form does not show are listed
    /// as well, so that none is lost.
    pub fn summary(&self) -> Option<AnyView> {
        if self.errors.is_empty() {
            return None;
        }
        let lines: Vec<AnyView> = self
            .errors
            .iter()
            .map(|(field, message)| {
                let message = message.clone();
                if field.is_empty() {
                    view! { <li>{message}</li> }.into_any()
                } else {
                    view! { <li><a href=format!("#f-{field}")>{message}</a></li> }.into_any()
                }
            })
            .collect();
        let summary = view! {
            <div class="summary" role="alert" tabindex="-1" autofocus>
                <h2>{icon(Icon::Alert)}"There is a problem"</h2>
                <ul>{lines}</ul>
            </div>
        };
        Some(summary.into_any())
    }
}

/// One line of text, with everything that can be said about it.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    form: &'a Form,
    name: &'static str,
    label: &'static str,
    help: &'static str,
    kind: &'static str,
    autocomplete: &'static str,
    optional: bool,
    mono: bool,
    max: u16,
}

/// A line of text in `form`.
#[must_use]
pub const fn field<'a>(form: &'a Form, name: &'static str, label: &'static str) -> Field<'a> {
    Field {
        form,
        name,
        label,
        help: "",
        kind: "text",
        autocomplete: "off",
        optional: false,
        mono: false,
        max: 400,
    }
}

impl Field<'_> {
    /// A sentence between label and field.
    #[must_use]
    pub const fn help(mut self, help: &'static str) -> Self {
        self.help = help;
        self
    }

    /// The `type` of the input.
    #[must_use]
    pub const fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// What the browser may fill in.
    #[must_use]
    pub const fn autocomplete(mut self, autocomplete: &'static str) -> Self {
        self.autocomplete = autocomplete;
        self
    }

    /// Says that it may stay empty.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    /// For ids, addresses and code.
    #[must_use]
    pub const fn mono(mut self) -> Self {
        self.mono = true;
        self
    }

    /// Most characters.
    #[must_use]
    pub const fn max(mut self, max: u16) -> Self {
        self.max = max;
        self
    }

    /// The markup.
    pub fn view(self) -> AnyView {
        // A refused password has to be typed again: a page must not carry it.
        let value = if self.kind == "password" {
            String::new()
        } else {
            self.form.get(self.name).to_owned()
        };
        let id = format!("f-{}", self.name);
        let invalid = self.form.error(self.name).is_some().then_some("true");
        let class = if self.mono { "mono" } else { "" };
        let input = view! {
            <input
                id=id
                name=self.name
                class=class
                type=self.kind
                value=value
                autocomplete=self.autocomplete
                required=!self.optional
                maxlength=self.max.to_string()
                aria-invalid=invalid
                aria-describedby=described(self.form, self.name, self.help)
                spellcheck=self.mono.then_some("false")
            />
        };
        let label = if self.optional {
            format!("{} (optional)", self.label)
        } else {
            self.label.to_owned()
        };
        around(self.form, self.name, label, self.help, input.into_any())
    }
}

fn described(form: &Form, name: &str, help: &str) -> Option<String> {
    let help = (!help.is_empty()).then(|| format!("h-{name}"));
    let error = form.error(name).map(|_| format!("e-{name}"));
    match (help, error) {
        (Some(help), Some(error)) => Some(format!("{error} {help}")),
        (help, error) => help.or(error),
    }
}

fn around(form: &Form, name: &str, label: String, help: &'static str, input: AnyView) -> AnyView {
    let error = form.error(name).map(|message| {
        view! { <p class="field-error" id=format!("e-{name}")>{icon(Icon::Alert)}{message.to_owned()}</p> }
    });
    let help =
        (!help.is_empty()).then(|| view! { <p class="help" id=format!("h-{name}")>{help}</p> });
    let class = if error.is_some() {
        "field refused"
    } else {
        "field"
    };
    view! {
        <div class=class>
            <label for=format!("f-{name}")>{label}</label>
            {help}
            {error}
            {input}
        </div>
    }
    .into_any()
}

/// Several lines of text in mono.
pub fn area(
    form: &Form,
    name: &'static str,
    label: &'static str,
    help: &'static str,
    rows: u8,
) -> AnyView {
    let invalid = form.error(name).is_some().then_some("true");
    let input = view! {
        <textarea
            id=format!("f-{name}")
            name=name
            class="mono"
            rows=rows.to_string()
            spellcheck="false"
            autocomplete="off"
            aria-invalid=invalid
            aria-describedby=described(form, name, help)
        >
            // A browser drops one line break directly behind the tag.
            {format!("\n{}", form.get(name))}
        </textarea>
    };
    around(form, name, label.to_owned(), help, input.into_any())
}

/// A choice of a `<select>` or of radio buttons.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// Value that is sent.
    pub value: String,
    /// What it is called.
    pub text: String,
    /// What it means, in a sentence; radio buttons only.
    pub detail: String,
    /// Why it cannot be chosen.
    pub refused: Option<String>,
}

impl Choice {
    /// A choice that needs no explanation.
    pub fn new(value: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            text: text.into(),
            ..Self::default()
        }
    }

    /// Adds what it means.
    #[must_use]
    pub fn meaning(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }
}

/// One of many, in a list that folds.
pub fn select(
    form: &Form,
    name: &'static str,
    label: &'static str,
    help: &'static str,
    choices: Vec<Choice>,
) -> AnyView {
    let chosen = form.get(name).to_owned();
    let options: Vec<_> = choices
        .into_iter()
        .map(|choice| {
            let text = match &choice.refused {
                Some(why) => format!("{} – {why}", choice.text),
                None => choice.text,
            };
            let selected = choice.value == chosen;
            view! { <option value=choice.value selected=selected disabled=choice.refused.is_some()>{text}</option> }
        })
        .collect();
    let invalid = form.error(name).is_some().then_some("true");
    let input = view! {
        <select id=format!("f-{name}") name=name aria-invalid=invalid aria-describedby=described(form, name, help)>
            {options}
        </select>
    };
    around(form, name, label.to_owned(), help, input.into_any())
}

/// One of few, all of them visible with what they mean.
pub fn radios(
    form: &Form,
    name: &'static str,
    legend: &'static str,
    help: &'static str,
    choices: Vec<Choice>,
) -> AnyView {
    options(form, name, legend, help, "radio", choices)
}

/// Several of some.
pub fn checks(
    form: &Form,
    name: &'static str,
    legend: &'static str,
    help: &'static str,
    choices: Vec<Choice>,
) -> AnyView {
    options(form, name, legend, help, "checkbox", choices)
}

fn options(
    form: &Form,
    name: &'static str,
    legend: &'static str,
    help: &'static str,
    kind: &'static str,
    choices: Vec<Choice>,
) -> AnyView {
    let chosen: Vec<String> = form.all(name).into_iter().map(str::to_owned).collect();
    let lines: Vec<_> = choices
        .into_iter()
        .enumerate()
        .map(|(place, choice)| option(name, kind, place, choice, &chosen))
        .collect();
    let error = form.error(name).map(|message| {
        view! { <p class="field-error" id=format!("e-{name}")>{icon(Icon::Alert)}{message.to_owned()}</p> }
    });
    let class = if error.is_some() {
        "field refused"
    } else {
        "field"
    };
    let help_line =
        (!help.is_empty()).then(|| view! { <p class="help" id=format!("h-{name}")>{help}</p> });
    view! {
        <fieldset class=class aria-describedby=described(form, name, help)>
            <legend>{legend}</legend>
            {help_line}
            {error}
            <div class=format!("options {kind}")>{lines}</div>
        </fieldset>
    }
    .into_any()
}

fn option(
    name: &'static str,
    kind: &'static str,
    place: usize,
    choice: Choice,
    chosen: &[String],
) -> AnyView {
    // The first one carries the id that the summary of errors links to.
    let id = if place == 0 {
        format!("f-{name}")
    } else {
        format!("f-{name}-{place}")
    };
    let refused = choice.refused.is_some();
    let detail = choice.refused.unwrap_or(choice.detail);
    let detail = (!detail.is_empty()).then(|| view! { <small>{detail}</small> });
    let class = if refused { "option refused" } else { "option" };
    let checked = chosen.contains(&choice.value);
    view! {
        <div class=class>
            <input type=kind id=id.clone() name=name value=choice.value checked=checked disabled=refused/>
            <label for=id><span>{choice.text}</span>{detail}</label>
        </div>
    }
    .into_any()
}

/// The buttons of a form: what it does, and the way back.
pub fn buttons(class: &'static str, text: impl Into<String>, back: impl Into<String>) -> AnyView {
    let back = back.into();
    let cancel =
        (!back.is_empty()).then(|| view! { <a class="button quiet" href=back>"Cancel"</a> });
    view! {
        <div class="buttons">
            <button class=format!("button {class}")>{text.into()}</button>
            {cancel}
        </div>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_form_keeps_what_was_typed_and_links_to_what_is_wrong() {
        let mut form = Form::sent(vec![
            ("name".into(), "<b>Acme</b>".into()),
            ("password".into(), "secret".into()),
        ]);
        form.refuse("name", "Enter a shorter name.");
        let html = field(&form, "name", "Name")
            .help("As on contracts.")
            .view()
            .to_html()
            + &field(&form, "password", "Password")
                .kind("password")
                .view()
                .to_html()
            + &form.summary().map(RenderHtml::to_html).unwrap_or_default();
        assert!(
            html.contains("value=\"&lt;b>Acme&lt;/b>\"")
                || html.contains("value=\"&lt;b&gt;Acme&lt;/b&gt;\""),
            "{html}"
        );
        assert!(
            html.contains("aria-describedby=\"e-name h-name\""),
            "{html}"
        );
        assert!(
            html.contains("href=\"#f-name\"") && html.contains("id=\"f-name\""),
            "{html}"
        );
        assert!(!html.contains("secret"));
    }

    #[test]
    fn defaults_do_not_overwrite() {
        let mut form = Form::with(&[("a", "1")]);
        form.default_to("a", "2");
        form.default_to("b", "3");
        assert_eq!(
            (form.get("a"), form.get("b"), form.get("c")),
            ("1", "3", "")
        );
    }
}
