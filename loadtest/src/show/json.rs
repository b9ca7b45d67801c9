//! Writes JSON objects.

use std::fmt::Write as _;

/// An object whose fields are added one by one.
#[derive(Debug)]
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Object {
        Object("{".to_owned())
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        push_text(&mut self.0, name);
        self.0.push(':');
    }

    pub(crate) fn text(mut self, name: &str, value: &str) -> Object {
        self.name(name);
        push_text(&mut self.0, value);
        self
    }

    pub(crate) fn optional_text(self, name: &str, value: Option<&str>) -> Object {
        match value {
            Some(value) => self.text(name, value),
            None => self.raw(name, "null"),
        }
    }

    pub(crate) fn whole(self, name: &str, value: u64) -> Object {
        self.raw(name, &value.to_string())
    }

    /// A number with `digits` digits behind the point; `null` if there is none, or it is not finite.
    pub(crate) fn number(self, name: &str, value: Option<f64>, digits: usize) -> Object {
        match value.filter(|value| value.is_finite()) {
            Some(value) => self.raw(name, &format!("{value:.digits$}")),
            None => self.raw(name, "null"),
        }
    }

    pub(crate) fn object(self, name: &str, value: Object) -> Object {
        let text = value.end();
        self.raw(name, &text)
    }

    pub(crate) fn optional_object(self, name: &str, value: Option<Object>) -> Object {
        match value {
            Some(value) => self.object(name, value),
            None => self.raw(name, "null"),
        }
    }

    pub(crate) fn texts(self, name: &str, values: &[String]) -> Object {
        let mut list = "[".to_owned();
        for (index, value) in values.iter().enumerate() {
            list.push_str(if index > 0 { "," } else { "" });
            push_text(&mut list, value);
        }
        self.raw(name, &(list + "]"))
    }

    pub(crate) fn numbers(self, name: &str, values: &[f64], digits: usize) -> Object {
        let values: Vec<String> = values.iter().map(|value| format!("{value:.digits$}")).collect();
        self.raw(name, &format!("[{}]", values.join(",")))
    }

    pub(crate) fn array(self, name: &str, values: impl Iterator<Item = Object>) -> Object {
        let values: Vec<String> = values.map(Object::end).collect();
        self.raw(name, &format!("[{}]", values.join(",")))
    }

    fn raw(mut self, name: &str, value: &str) -> Object {
        self.name(name);
        self.0.push_str(value);
        self
    }

    /// The text of the whole object.
    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

fn push_text(out: &mut String, text: &str) {
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' | '\\' => out.extend(['\\', letter]),
            '\0'..='\x1f' => write!(out, "\\u{:04x}", u32::from(letter)).expect("a String takes everything"),
            _ => out.push(letter),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_json() {
        let inner =
            Object::new().number("a", Some(1.26), 1).number("b", None, 1).number("c", Some(f64::NAN), 0);
        let list = [Object::new(), Object::new().whole("x", 1)].into_iter();
        let text = Object::new().text("q\"", "a\\\n").object("in", inner).array("list", list);
        let text = text.optional_text("none", None).optional_object("no", None);
        let text = text.texts("words", &["a".to_owned(), "b".to_owned()]).end();
        assert_eq!(
            text,
            r#"{"q\"":"a\\\u000a","in":{"a":1.3,"b":null,"c":null},"list":[{},{"x":1}],"none":null,"no":null,"words":["a","b"]}"#
        );
    }
}
