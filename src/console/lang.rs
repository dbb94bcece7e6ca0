//! What the operator reads, in the operator's language. Texts stand in `assets/lang`, one Fluent file per language; the sources name them.
//! Names of commands in scripts, of cameras and of events are never translated.
//!
//! The language is the window's own ([`super::ConsoleState::language`]); while a panel is drawn it is that of the thread that draws.
//!
//! Must not know: what the texts are about, where settings come from.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    sync::LazyLock,
};

use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};

use crate::engine::{CommandInfo, CommandKind};

/// The files: tag, name of the language in itself, texts. The first is the one that is complete by definition.
const FILES: [(&str, &str, &str); 2] =
    [("en", "English", include_str!("../../assets/lang/en.ftl")), ("fr", "Français", include_str!("../../assets/lang/fr.ftl"))];

/// A language that the console speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Language(usize);

impl Language {
    /// All, English first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..FILES.len()).map(Self)
    }

    /// Its tag: `en`, `fr`.
    pub const fn tag(self) -> &'static str {
        FILES[self.0].0
    }

    /// Its name in itself.
    pub const fn name(self) -> &'static str {
        FILES[self.0].1
    }

    /// From a tag or a locale: `fr`, `fr-CA`, `fr_FR.UTF-8`.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let first = tag.split(['-', '_', '.', '@']).next()?.to_lowercase();
        FILES.iter().position(|f| f.0 == first).map(Self)
    }

    /// As the environment says (`LC_ALL`, `LC_MESSAGES`, `LANG`, the first that is set); English where that is none of them.
    pub fn of_environment() -> Self {
        let set = |name: &&str| std::env::var(name).ok().filter(|v| !v.is_empty());
        ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set).and_then(|v| Self::from_tag(&v)).unwrap_or_default()
    }

    /// The ids of its file, attributes as `id.attribute`.
    pub fn ids(self) -> Vec<String> {
        let mut ids: Vec<String> = PLAIN[self.0].keys().cloned().chain(WITH_VALUES[self.0].iter().cloned()).collect();
        ids.sort_unstable();
        ids
    }
}

fn resource(k: usize) -> FluentResource {
    // A test reads every file; a broken line is left out, its text then is the English one.
    FluentResource::try_new(FILES[k].2.to_owned()).unwrap_or_else(|(resource, problems)| {
        tracing::error!(?problems, "assets/lang/{}.ftl", FILES[k].0);
        resource
    })
}

fn bundle(k: usize) -> FluentBundle<FluentResource> {
    let mut bundle = FluentBundle::new(FILES[k].0.parse().into_iter().collect());
    // No marks around what is put in: the fonts would draw them.
    bundle.set_use_isolating(false);
    if let Err(problems) = bundle.add_resource(resource(k)) {
        tracing::error!(?problems, "assets/lang/{}.ftl", FILES[k].0);
    }
    bundle
}

/// Per language: texts without values, ready to be drawn.
static PLAIN: LazyLock<Vec<HashMap<String, String>>> = LazyLock::new(|| all_texts().into_iter().map(|(plain, _)| plain).collect());
/// Per language: ids of texts that want values.
static WITH_VALUES: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| all_texts().into_iter().map(|(_, with)| with).collect());

fn all_texts() -> Vec<(HashMap<String, String>, Vec<String>)> {
    (0..FILES.len())
        .map(|k| {
            let (bundle, resource) = (bundle(k), resource(k));
            let (mut plain, mut with_values) = (HashMap::new(), Vec::new());
            let mut take = |id: String, pattern: Option<&fluent_syntax::ast::Pattern<&str>>| {
                let Some(pattern) = pattern else { return };
                let mut problems = Vec::new();
                let text = bundle.format_pattern(pattern, None, &mut problems);
                if problems.is_empty() {
                    plain.insert(id, text.into_owned());
                } else {
                    with_values.push(id);
                }
            };
            for entry in resource.entries() {
                if let fluent_syntax::ast::Entry::Message(message) = entry {
                    let id = message.id.name.to_owned();
                    for attribute in &message.attributes {
                        take(format!("{id}.{}", attribute.id.name), Some(&attribute.value));
                    }
                    take(id, message.value.as_ref());
                }
            }
            (plain, with_values)
        })
        .collect()
}

thread_local! {
    static CURRENT: Cell<Language> = const { Cell::new(Language(0)) };
    static BUNDLES: RefCell<Vec<FluentBundle<FluentResource>>> = RefCell::new((0..FILES.len()).map(bundle).collect());
}

/// What is drawn from now on in this thread is in this language.
pub(super) fn set(language: Language) {
    CURRENT.set(language);
}

/// The language that is drawn in.
pub(super) fn current() -> Language {
    CURRENT.get()
}

/// A text; English where the language has none, and the id itself where nobody has.
pub(super) fn t(id: &'static str) -> &'static str {
    lookup(id).unwrap_or(id)
}

/// A text whose id stands in a value.
pub(super) fn find(id: &str) -> &str {
    lookup(id).unwrap_or(id)
}

fn lookup(id: &str) -> Option<&'static str> {
    let language = CURRENT.get();
    PLAIN[language.0].get(id).or_else(|| PLAIN[0].get(id)).map(String::as_str)
}

/// A text with values in it.
pub(super) fn filled(id: &'static str, values: &[(&'static str, String)]) -> String {
    let args: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, value.as_str())).collect();
    BUNDLES.with_borrow(|bundles| {
        let of = |k: usize| {
            let pattern = bundles.get(k)?.get_message(id)?.value()?;
            Some(bundles[k].format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
        };
        of(CURRENT.get().0).or_else(|| of(0)).unwrap_or_else(|| id.to_owned())
    })
}

/// `say!("id", name = value, …)`: a text with values in it.
macro_rules! say {
    ($id:literal, $($name:ident = $value:expr),+ $(,)?) => {
        $crate::console::lang::filled($id, &[$((stringify!($name), $value.to_string())),+])
    };
}
pub(super) use say;

/// Words to an id: lower case, everything else a hyphen.
fn slug(words: &str) -> String {
    let dashed: String = words.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    dashed.trim_matches('-').to_owned()
}

/// A word of the engine (a move, a rung, a class) under a heading; words that no file has stay as they are: names that the operator gave.
pub(super) fn word<'a>(heading: &str, words: &'a str) -> std::borrow::Cow<'a, str> {
    lookup(&format!("{heading}-{}", slug(words))).map_or(std::borrow::Cow::Borrowed(words), std::borrow::Cow::Borrowed)
}

/// The id of a command: its kind's name in small letters with hyphens.
pub(super) fn command_id(kind: CommandKind) -> String {
    let mut id = "command".to_owned();
    for c in format!("{kind:?}").chars() {
        if c.is_ascii_uppercase() {
            id.push('-');
        }
        id.push(c.to_ascii_lowercase());
    }
    id
}

/// Keys that are called by words, longest first, and the id of what they are called.
const KEY_WORDS: [(&str, &str); 12] = [
    ("Page down", "keyname-page-down"),
    ("Page up", "keyname-page-up"),
    ("Delete", "keyname-delete"),
    ("Space", "keyname-space"),
    ("Enter", "keyname-enter"),
    ("Shift", "keyname-shift"),
    ("Right", "keyname-right"),
    ("Left", "keyname-left"),
    ("Down", "keyname-down"),
    ("Ctrl", "keyname-ctrl"),
    ("Esc", "keyname-esc"),
    ("Up", "keyname-up"),
];

/// Per language: what the keys of each command are called.
static SHORTCUTS: LazyLock<Vec<HashMap<CommandKind, String>>> = LazyLock::new(|| {
    let of = |texts: &HashMap<String, String>| {
        let called = |shortcut: &str| {
            // Each word once, from the left: what was put in is not looked at again.
            let (mut rest, mut out) = (shortcut, String::new());
            while let Some(first) = rest.chars().next() {
                let found = KEY_WORDS.iter().find_map(|(word, id)| Some((rest.strip_prefix(word)?, texts.get(*id)?)));
                if let Some((after, text)) = found {
                    out.push_str(text);
                    rest = after;
                } else {
                    out.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
            out
        };
        CommandKind::ALL.iter().map(|info| (info.kind, called(info.shortcut))).collect()
    };
    PLAIN.iter().map(of).collect()
});

/// A command as it is shown: its name, tooltip and keys.
pub(super) fn command(kind: CommandKind) -> CommandInfo {
    let info = *kind.info();
    let id = command_id(kind);
    CommandInfo {
        name: lookup(&id).unwrap_or(info.name),
        tooltip: lookup(&format!("{id}.tip")).unwrap_or(info.tooltip),
        shortcut: SHORTCUTS[CURRENT.get().0].get(&kind).map_or(info.shortcut, String::as_str),
        ..info
    }
}
