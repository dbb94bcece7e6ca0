//! Just enough of Rust's grammar to find the paths that a source file names: no parser crate, no build.
#![allow(dead_code, reason = "each test uses its part")]

/// Replaces comments and the insides of literals with spaces; line breaks stay, so offsets and lines stay true.
pub fn blank(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = bytes.to_vec();
    let mut at = 0;
    let wipe = |out: &mut Vec<u8>, from: usize, to: usize| {
        for b in &mut out[from..to] {
            if *b != b'\n' {
                *b = b' ';
            }
        }
    };
    while at < bytes.len() {
        let rest = &bytes[at..];
        let word_before = at > 0 && (bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_');
        let end = if rest.starts_with(b"//") {
            at + rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len())
        } else if rest.starts_with(b"/*") {
            at + block_comment(rest)
        } else if let Some(hashes) = raw_string(rest).filter(|_| !word_before) {
            let close = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
            let open = rest.iter().position(|b| *b == b'"').unwrap_or(0) + 1;
            at + find(&rest[open..], &close).map_or(rest.len(), |p| open + p + close.len())
        } else if rest[0] == b'"' {
            at + quoted(rest, b'"')
        } else if rest[0] == b'\'' && is_char_literal(rest) {
            at + quoted(rest, b'\'')
        } else {
            at += 1;
            continue;
        };
        wipe(&mut out, at, end);
        at = end;
    }
    String::from_utf8(out).expect("only whole characters were replaced")
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|w| w == what)
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        if rest[at..].starts_with(b"/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with(b"*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += 1;
        }
    }
    rest.len()
}

/// Number of hashes when a raw string begins here.
fn raw_string(rest: &[u8]) -> Option<usize> {
    let rest = rest.strip_prefix(b"b").unwrap_or(rest).strip_prefix(b"r")?;
    let hashes = rest.iter().take_while(|b| **b == b'#').count();
    (rest.get(hashes) == Some(&b'"')).then_some(hashes)
}

fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b if b == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// A quote begins a character, not a lifetime, when it is closed after one character or an escape follows.
fn is_char_literal(rest: &[u8]) -> bool {
    if rest.get(1) == Some(&b'\\') {
        return true;
    }
    let width = match rest.get(1) {
        Some(b) if *b >= 0xF0 => 4,
        Some(b) if *b >= 0xE0 => 3,
        Some(b) if *b >= 0xC0 => 2,
        Some(_) => 1,
        None => return false,
    };
    rest.get(1 + width) == Some(&b'\'')
}

/// Blanks every item under `#[cfg(test)]` (or `cfg(all(test, ..))`) of blanked text.
pub fn without_tests(blanked: &str) -> String {
    let mut out = blanked.as_bytes().to_vec();
    let mut from = 0;
    while let Some(start) = find(&out[from..], b"#[cfg(").map(|p| p + from) {
        let end = start + out[start..].iter().position(|b| *b == b']').unwrap_or(0);
        let attribute = String::from_utf8_lossy(&out[start..end]).replace(char::is_whitespace, "");
        from = end;
        if !(attribute == "#[cfg(test)" || attribute.starts_with("#[cfg(all(test,")) {
            continue;
        }
        // The item ends at its `;`, or with the brace that closes its first one.
        let (mut at, mut depth) = (end, 0_i32);
        while at < out.len() {
            match out[at] {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            at += 1;
            if (out[at - 1] == b'}' || out[at - 1] == b';') && depth == 0 {
                break;
            }
        }
        for b in &mut out[start..at] {
            if *b != b'\n' {
                *b = b' ';
            }
        }
    }
    String::from_utf8(out).expect("only whole items were replaced")
}

/// The line (from 1) of a byte offset.
pub fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// `rig/arc.rs` -> `[rig, arc]`; `lib.rs` and `main.rs` are the root.
pub fn module_path(file: &str) -> Vec<String> {
    let mut parts: Vec<String> = file.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if parts.last().is_some_and(|p| p == "mod") || (parts.len() == 1 && (parts[0] == "lib" || parts[0] == "main")) {
        parts.pop();
    }
    parts
}

#[derive(Debug, Clone, PartialEq)]
enum Token<'a> {
    Word(&'a str),
    Colons,
    Other(char),
}

fn tokens(text: &str) -> Vec<(usize, Token<'_>)> {
    let mut found = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c.is_alphanumeric() || c == '_' {
            let mut end = at + c.len_utf8();
            while let Some((next, c)) = chars.peek().copied().filter(|(_, c)| c.is_alphanumeric() || *c == '_') {
                end = next + c.len_utf8();
                chars.next();
            }
            found.push((at, Token::Word(&text[at..end])));
        } else if c == ':' && chars.peek().is_some_and(|(_, c)| *c == ':') {
            chars.next();
            found.push((at, Token::Colons));
        } else if !c.is_whitespace() {
            found.push((at, Token::Other(c)));
        }
    }
    found
}

/// One path that a file names, made absolute: `crate`, `volte`, `self` and `super` resolved.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// Byte offset of the name that decides.
    pub at: usize,
    /// Names from the crate's root (`local`) or from an outside crate.
    pub names: Vec<String>,
    /// Whether the first name is a module of this crate.
    pub local: bool,
    /// Whether a macro is called.
    pub is_macro: bool,
}

impl Reference {
    /// The module of this crate that is named.
    pub fn inside_crate(&self) -> Option<&str> {
        self.names.first().map(String::as_str).filter(|_| self.local)
    }

    /// The outside crate (or unresolved local name) that is named.
    pub fn outside_crate(&self) -> Option<&str> {
        self.names.first().map(String::as_str).filter(|_| !self.local)
    }
}

/// Finds all paths of a file.
pub struct Paths<'a> {
    tokens: Vec<(usize, Token<'a>)>,
    found: Vec<Reference>,
}

impl Paths<'_> {
    /// The paths in `text` (blanked) of the module at `home`.
    pub fn of(text: &str, home: &[String]) -> Vec<Reference> {
        let mut paths = Paths { tokens: tokens(text), found: Vec::new() };
        let mut home = home.to_vec();
        // Braces of inline modules, so that `super` inside them is counted right.
        let (mut depth, mut inline) = (0_usize, Vec::new());
        let mut at = 0;
        while at < paths.tokens.len() {
            let previous = at.checked_sub(1).map(|p| &paths.tokens[p].1);
            match paths.tokens[at].1 {
                Token::Other('{') => depth += 1,
                Token::Other('}') => {
                    depth = depth.saturating_sub(1);
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        home.pop();
                    }
                }
                Token::Word("mod") => {
                    if let (Some((_, Token::Word(name))), Some((_, Token::Other('{')))) =
                        (paths.tokens.get(at + 1), paths.tokens.get(at + 2))
                    {
                        home.push((*name).to_owned());
                        inline.push(depth);
                    }
                }
                Token::Word("use") => {
                    at = paths.tree(at + 1, &home, None);
                    continue;
                }
                Token::Word(_) | Token::Colons
                    if !matches!(previous, Some(Token::Colons | Token::Word("mod" | "fn" | "struct" | "enum")))
                        && (paths.tokens[at].1 == Token::Colons || matches!(paths.tokens.get(at + 1), Some((_, Token::Colons)))) =>
                {
                    at = paths.tree(at, &home, None).max(at + 1);
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        paths.found
    }

    /// Reads a path or use tree from token `at` with the `prefix` so far; returns the token after it.
    fn tree(&mut self, mut at: usize, home: &[String], prefix: Option<Reference>) -> usize {
        let mut path = prefix;
        loop {
            match self.tokens.get(at) {
                Some((_, Token::Colons)) => at += 1,
                Some((offset, Token::Word(word))) => {
                    path = Some(step(path, word, *offset, home));
                    at += 1;
                    if !matches!(self.tokens.get(at), Some((_, Token::Colons))) {
                        break;
                    }
                }
                Some((offset, Token::Other('*'))) => {
                    path = Some(step(path, "*", *offset, home));
                    at += 1;
                    break;
                }
                Some((_, Token::Other('{'))) => {
                    at += 1;
                    while let Some((_, token)) = self.tokens.get(at) {
                        match token {
                            Token::Other('}') => return at + 1,
                            Token::Word("as") => at += 2,
                            Token::Word(_) | Token::Colons | Token::Other('{' | '*') => at = self.tree(at, home, path.clone()),
                            Token::Other(_) => at += 1,
                        }
                    }
                    return at;
                }
                // `::<T>` and the like: the path ends here.
                _ => break,
            }
        }
        if let Some(mut path) = path {
            path.is_macro = matches!(self.tokens.get(at), Some((_, Token::Other('!'))));
            self.found.push(path);
        }
        at
    }
}

fn step(path: Option<Reference>, word: &str, at: usize, home: &[String]) -> Reference {
    let local = |names: Vec<String>| Reference { at, names, local: true, is_macro: false };
    match (path, word) {
        (None, "crate" | "volte") => local(Vec::new()),
        (None, "self") => local(home.to_vec()),
        (None, "super") => local(home[..home.len().saturating_sub(1)].to_vec()),
        (None, word) => Reference { at, names: vec![word.to_owned()], local: false, is_macro: false },
        (Some(path), "self") => path,
        (Some(mut path), "super") => {
            path.names.pop();
            path
        }
        (Some(mut path), word) => {
            if path.names.is_empty() {
                path.at = at;
            }
            path.names.push(word.to_owned());
            path
        }
    }
}
