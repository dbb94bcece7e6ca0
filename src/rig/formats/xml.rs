//! A small XML reader for OpenCV's FileStorage and Qualisys files: elements, attributes and text; no DTD, no entities but
//! the five, bounded depth.

use super::{Fault, shortened};

/// Deeper nesting than this is no calibration.
const MAX_DEPTH: usize = 32;

/// One element.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub name: String,
    pub attributes: Vec<(String, String)>,
    pub children: Vec<Element>,
    pub text: String,
}

impl Element {
    pub fn child(&self, name: &str) -> Option<&Element> {
        self.children.iter().find(|c| c.name == name)
    }

    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }
}

/// Parses a document and returns its root element.
pub(super) fn parse(text: &str) -> Result<Element, Fault> {
    let mut stack: Vec<Element> = Vec::new();
    let mut rest = text;
    loop {
        let Some(open) = rest.find('<') else {
            return Err(Fault::new("the XML ends before its last element is closed: it is truncated. Copy or export it again"));
        };
        if let Some(top) = stack.last_mut() {
            top.text.push_str(&unescaped(&rest[..open]));
        }
        rest = &rest[open..];
        let skip = |end: &str| {
            rest.find(end).map(|i| &rest[i + end.len()..]).ok_or_else(|| Fault(format!("unfinished XML near \"{}\"", shortened(rest))))
        };
        if rest.starts_with("<!--") {
            rest = skip("-->")?;
        } else if rest.starts_with("<?") {
            rest = skip("?>")?;
        } else if rest.starts_with("<!") {
            rest = skip(">")?;
        } else if let Some(after) = rest.strip_prefix("</") {
            let name = after.split('>').next().unwrap_or("").trim();
            let Some(done) = stack.pop().filter(|e| e.name == name) else {
                return Err(Fault(format!("XML closes <{}>, which is not open", shortened(name))));
            };
            rest = skip(">")?;
            match stack.last_mut() {
                Some(parent) => parent.children.push(done),
                None => return Ok(done),
            }
        } else {
            let end = tag_end(rest).ok_or_else(|| Fault(format!("unfinished XML near \"{}\"", shortened(rest))))?;
            let (tag, empty) = match rest[1..end].strip_suffix('/') {
                Some(tag) => (tag, true),
                None => (&rest[1..end], false),
            };
            let element = element(tag)?;
            rest = &rest[end + 1..];
            if !empty {
                if stack.len() >= MAX_DEPTH {
                    return Err(Fault::new("XML is nested too deeply for a calibration"));
                }
                stack.push(element);
            } else if let Some(parent) = stack.last_mut() {
                parent.children.push(element);
            } else {
                return Ok(element);
            }
        }
    }
}

/// Index of the `>` that ends a tag, outside quotes.
fn tag_end(s: &str) -> Option<usize> {
    let mut quote = None;
    for (i, c) in s.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, '>') => return Some(i),
            _ => {}
        }
    }
    None
}

fn element(tag: &str) -> Result<Element, Fault> {
    let name_end = tag.find(char::is_whitespace).unwrap_or(tag.len());
    let mut element = Element { name: tag[..name_end].to_owned(), ..Element::default() };
    let mut rest = tag[name_end..].trim_start();
    while !rest.is_empty() {
        let bad = || Fault(format!("bad attributes in <{}>", shortened(tag)));
        let (name, after) = rest.split_once('=').ok_or_else(bad)?;
        let after = after.trim_start();
        let quote = after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or_else(bad)?;
        let (value, after) = after[1..].split_once(quote).ok_or_else(bad)?;
        element.attributes.push((name.trim().to_owned(), unescaped(value)));
        rest = after.trim_start();
    }
    Ok(element)
}

fn unescaped(s: &str) -> String {
    if !s.contains('&') {
        return s.to_owned();
    }
    s.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&apos;", "'").replace("&amp;", "&")
}
