//! A show file with mistakes, read as far as it goes: what is wrong is told and taken out, so that what comes after it is looked at as well.
//!
//! Must not know: what the settings mean.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::path::Path;

use serde::de::DeserializeOwned;
use toml::Spanned;

use super::ShowError;

/// More mistakes than this are not looked for.
const MOST: usize = 100;

/// What was found so far, and where things stand in the file.
pub(super) struct Mistakes<'a> {
    text: &'a str,
    file: &'a Path,
    found: RefCell<Vec<ShowError>>,
    /// Tables of which something was taken out, by their names; "" is what stands before the first.
    torn: BTreeSet<String>,
}

impl<'a> Mistakes<'a> {
    /// Reads a text as TOML; `None` when too little of it is left to look at.
    pub fn read<T: DeserializeOwned>(text: &'a str, file: &'a Path) -> (Option<T>, Self) {
        let mut this = Self { text, file, found: RefCell::default(), torn: BTreeSet::new() };
        let mut rest = text.to_owned();
        let mut torn_at = BTreeSet::new();
        for _ in 0..MOST {
            let wrong = match toml::from_str(&rest) {
                Ok(read) => return (Some(read), this),
                Err(wrong) => wrong,
            };
            let span = wrong.span().unwrap_or(0..0);
            let table = table_at(&rest, span.start);
            let missing = wrong.message().starts_with("missing field");
            // What is missing where something was taken out was perhaps that.
            if !(missing && torn_at.contains(&table.start)) {
                this.note(&span, format!("{}. docs/show.md lists all settings", without_values(wrong.message())));
            }
            torn_at.insert(table.start);
            this.torn.insert(name_of(&rest, &table));
            let lines = lines_of(&rest, &span);
            let heads = rest[lines.clone()].trim_start().starts_with('[');
            let less = blanked(&rest, if missing || heads { &table } else { &lines });
            // A value over several lines is torn by taking out its first: then all of its table goes.
            let less = if slips(&less) > slips(&rest) { blanked(&rest, &table) } else { less };
            if less == rest {
                break;
            }
            rest = less;
        }
        (None, this)
    }

    /// Something is wrong there.
    pub fn note(&self, at: &Range<usize>, problem: String) {
        self.found.borrow_mut().push(ShowError::Line { file: self.file.to_owned(), line: self.line(at), problem });
    }

    /// Line, from 1.
    pub fn line(&self, at: &Range<usize>) -> usize {
        self.text.as_bytes().iter().take(at.start).filter(|b| **b == b'\n').count() + 1
    }

    /// Whether something was taken out of a table of that name: what seems to be missing may have been there.
    pub fn is_torn(&self, table: &str) -> bool {
        self.torn.contains(table) || self.torn.contains("")
    }

    /// One of a few words, where there is one.
    pub fn word(&self, value: Option<&Spanned<String>>, key: &str, words: &[&str]) -> Option<String> {
        let value = value?;
        if !words.contains(&value.as_ref().as_str()) {
            self.note(&value.span(), format!("{key} = {:?} is none of {}", value.as_ref(), words.join(", ")));
            return None;
        }
        Some(value.as_ref().clone())
    }

    /// A number within its bounds, where there is one.
    pub fn number<N: PartialOrd + Copy + Display>(&self, value: Option<&Spanned<N>>, key: &str, range: RangeInclusive<N>) -> Option<N> {
        let value = value?;
        if !range.contains(value.as_ref()) {
            self.note(&value.span(), format!("{key} = {} is not between {} and {}", value.as_ref(), range.start(), range.end()));
            return None;
        }
        Some(*value.as_ref())
    }

    /// All of them, by lines.
    pub fn into_list(self) -> Vec<ShowError> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|e| if let ShowError::Line { line, .. } = e { *line } else { 0 });
        found
    }
}

/// What TOML says without the values that it quotes, and without keys that are none: an address may hold a passphrase.
fn without_values(message: &str) -> String {
    let line = message.lines().next().unwrap_or("it is no TOML");
    let line = match (line.find("string \""), line.rfind('"')) {
        (Some(begin), Some(end)) if end > begin + 8 => format!("{}string{}", &line[..begin], &line[end + 1..]),
        _ => line.to_owned(),
    };
    let is_key = |key: &str| key.len() <= 32 && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    // What is missing, such as `=`, is no value either.
    let is_sign = |key: &str| key.len() <= 2 && key.bytes().all(|b| b.is_ascii_punctuation());
    match (line.find('`'), line.rfind("`, expected").or_else(|| line.rfind('`'))) {
        (Some(begin), Some(end)) if end > begin && !is_key(&line[begin + 1..end]) && !is_sign(&line[begin + 1..end]) => {
            format!("{}`***{}", &line[..begin], &line[end..])
        }
        _ => line,
    }
}

/// Where each line begins.
fn line_starts(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1))
}

fn heads_table(text: &str, at: usize) -> bool {
    text[at..].trim_start_matches([' ', '\t']).starts_with('[')
}

/// The table that a place belongs to, from its head to the next one.
fn table_at(text: &str, at: usize) -> Range<usize> {
    let heads: Vec<usize> = line_starts(text).filter(|start| heads_table(text, *start)).collect();
    let line = line_starts(text).take_while(|start| *start <= at).last().unwrap_or(0);
    let start = heads.iter().rfind(|head| **head <= line).copied().unwrap_or(0);
    let end = heads.iter().find(|head| **head > start.max(line)).copied().unwrap_or(text.len());
    start..end
}

/// What stands in the brackets of its head; "" where it has none.
fn name_of(text: &str, table: &Range<usize>) -> String {
    let head = text[table.clone()].lines().next().unwrap_or_default().trim();
    let inside = head.strip_prefix('[').map(|rest| rest.split(']').next().unwrap_or_default());
    inside.map_or_else(String::new, |name| name.trim_start_matches('[').trim().to_owned())
}

/// The whole lines that a span touches.
fn lines_of(text: &str, span: &Range<usize>) -> Range<usize> {
    let start = line_starts(text).take_while(|start| *start <= span.start).last().unwrap_or(0);
    let last = span.end.saturating_sub(1).max(span.start).min(text.len());
    let end = line_starts(text).find(|start| *start > last).unwrap_or(text.len());
    start..end
}

/// The text with spaces there, so that all else stays in its place.
fn blanked(text: &str, range: &Range<usize>) -> String {
    let blank = |b: u8| if b == b'\n' { '\n' } else { ' ' };
    let spaces: String = text[range.clone()].bytes().map(blank).collect();
    format!("{}{spaces}{}", &text[..range.start], &text[range.end..])
}

/// How often the text is no TOML.
fn slips(text: &str) -> usize {
    toml::de::DeTable::parse_recoverable(text).1.len()
}
