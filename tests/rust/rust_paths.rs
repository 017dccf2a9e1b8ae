//! The paths in a Rust source: enough of a parser to follow imports.

use std::collections::BTreeSet;

/// What a source names, and what it declares.
#[derive(Default)]
pub(crate) struct Source {
    /// Each path that can lead into another module, from the crate on.
    pub(crate) paths: Vec<Vec<String>>,
    pub(crate) imports: Vec<Import>,
    /// Names of its own items.
    pub(crate) items: BTreeSet<String>,
}

/// A name that `use` brings in.
pub(crate) struct Import {
    /// `None` for all names of a module.
    pub(crate) name: Option<String>,
    pub(crate) path: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Word(String),
    Symbol(char),
    PathSeparator,
    /// A string or character, as it is written.
    Literal(String),
}

/// Reads the source of a module; code that is compiled for tests only does not count. The names
/// of its `children` begin paths, too.
pub(crate) fn read_source(text: &str, module: &[String], children: &BTreeSet<String>) -> Source {
    let mut tokens = without_tests(&tokens(text));
    tokens.retain(|token| !matches!(token, Token::Literal(_)));
    let mut reader = Reader {
        tokens,
        at: 0,
        children,
        inside: module.to_vec(),
        blocks: Vec::new(),
        source: Source::default(),
    };
    reader.read();
    reader.source
}

/// The strings of a source; those of tests do not count.
pub(crate) fn literals(text: &str) -> Vec<String> {
    let literal = |token| match token {
        Token::Literal(literal) => Some(literal),
        _ => None,
    };
    without_tests(&tokens(text)).into_iter().filter_map(literal).collect()
}

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    children: &'a BTreeSet<String>,
    /// The module that is being read, inline ones included.
    inside: Vec<String>,
    /// For each open brace, whether it is that of an inline module.
    blocks: Vec<bool>,
    source: Source,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some(token) = self.tokens.get(self.at).cloned() {
            let begins_path = self.at == 0 || self.tokens[self.at - 1] != Token::PathSeparator;
            match token {
                Token::Symbol('{') => self.blocks.push(false),
                Token::Symbol('}') if self.blocks.pop() == Some(true) => {
                    self.inside.pop();
                }
                Token::Word(word) if begins_path && self.read_word(&word) => continue,
                _ => {}
            }
            self.at += 1;
        }
    }

    /// Whether it has moved on.
    fn read_word(&mut self, word: &str) -> bool {
        match word {
            // `pub(in PATH)` imports nothing.
            "pub" if self.is_symbol(1, '(') && self.word(2) == Some("in") => self.skip_to(')'),
            "use" => {
                self.at += 1;
                self.read_use(Vec::new());
                return true;
            }
            "mod" if self.is_symbol(2, '{') => {
                let name = self.word(1).unwrap_or_default().to_owned();
                self.inside.push(name);
                self.blocks.push(true);
                self.at += 3;
                return true;
            }
            "fn" | "struct" | "enum" | "trait" | "type" | "const" | "static" | "union" => {
                if let Some(name) = self.word(1) {
                    self.source.items.insert(name.to_owned());
                }
            }
            _ if self.tokens.get(self.at + 1) == Some(&Token::PathSeparator) => {
                let path = self.read_path();
                if let Some(path) = self.absolute(&path) {
                    self.source.paths.push(path);
                }
                return true;
            }
            _ => {}
        }
        false
    }

    /// `a::b`, as far as it goes.
    fn read_path(&mut self) -> Vec<String> {
        let mut path = Vec::new();
        while let Some(Token::Word(word)) = self.tokens.get(self.at) {
            path.push(word.clone());
            self.at += 1;
            let goes_on = self.tokens.get(self.at) == Some(&Token::PathSeparator)
                && matches!(self.tokens.get(self.at + 1), Some(Token::Word(_)));
            if !goes_on {
                break;
            }
            self.at += 1;
        }
        path
    }

    /// One tree of a `use` declaration, behind `prefix`.
    fn read_use(&mut self, prefix: Vec<String>) {
        let mut path = prefix;
        path.extend(self.read_path());
        if self.tokens.get(self.at) == Some(&Token::PathSeparator) {
            self.at += 1;
        }
        match self.tokens.get(self.at).cloned() {
            Some(Token::Symbol('{')) => {
                self.at += 1;
                while !self.is_symbol(0, '}') && self.at < self.tokens.len() {
                    self.read_use(path.clone());
                    if self.is_symbol(0, ',') {
                        self.at += 1;
                    }
                }
                self.at += 1;
            }
            Some(Token::Symbol('*')) => {
                self.at += 1;
                self.import(&path, None);
            }
            Some(Token::Word(word)) if word == "as" => {
                let name = self.word(1).map(str::to_owned);
                self.at += 2;
                self.import(&path, name);
            }
            _ => {
                if path.last().is_some_and(|name| name == "self") {
                    path.pop();
                }
                let name = path.last().cloned();
                self.import(&path, name);
            }
        }
    }

    fn import(&mut self, path: &[String], name: Option<String>) {
        let Some(path) = self.absolute(path) else { return };
        self.source.paths.push(path.clone());
        if !self.blocks.contains(&true) {
            self.source.imports.push(Import { name, path });
        }
    }

    /// From the crate on; `None` for a path that leads into another crate.
    fn absolute(&self, path: &[String]) -> Option<Vec<String>> {
        let mut base = self.inside.clone();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => base.clear(),
            "self" | "super" => {}
            child if self.children.contains(child) => {
                base.extend(path.iter().cloned());
                return Some(base);
            }
            _ => return None,
        }
        while let Some((first, others)) = rest.split_first() {
            match first.as_str() {
                "crate" | "self" => {}
                "super" => {
                    base.pop();
                }
                _ => break,
            }
            rest = others;
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn word(&self, ahead: usize) -> Option<&str> {
        match self.tokens.get(self.at + ahead) {
            Some(Token::Word(word)) => Some(word),
            _ => None,
        }
    }

    fn is_symbol(&self, ahead: usize, symbol: char) -> bool {
        self.tokens.get(self.at + ahead) == Some(&Token::Symbol(symbol))
    }

    fn skip_to(&mut self, symbol: char) {
        while self.at < self.tokens.len() && !self.is_symbol(0, symbol) {
            self.at += 1;
        }
    }
}

/// Words and signs, without comments and literals.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = literal(rest) {
            tokens.push(Token::Literal(rest[..length].to_owned()));
            length
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let word = &rest[..end.unwrap_or(rest.len())];
            tokens.push(Token::Word(word.to_owned()));
            word.len()
        } else if rest.starts_with("::") {
            tokens.push(Token::PathSeparator);
            2
        } else {
            if !first.is_whitespace() {
                tokens.push(Token::Symbol(first));
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    tokens
}

/// How long the string or character is that a text begins with.
fn literal(text: &str) -> Option<usize> {
    let raw = text.trim_start_matches('b').strip_prefix('r');
    if let Some(raw) = raw.filter(|raw| raw.starts_with(['"', '#'])) {
        let hashes = raw.len() - raw.trim_start_matches('#').len();
        let content = raw[hashes..].strip_prefix('"')?;
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(text.len() - content.len() + content.find(&end)? + end.len());
    }
    let begun = text.strip_prefix('b').unwrap_or(text);
    let quote = begun.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let content = &begun[1..];
    // `'a` without an end is a lifetime.
    if quote == '\'' && !content.starts_with('\\') && content.chars().nth(1) != Some('\'') {
        return None;
    }
    let mut is_escaped = false;
    let end = content.find(|c| {
        let is_end = c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end
    })?;
    Some(text.len() - content.len() + end + 1)
}

/// Leaves out the items behind `#[cfg(test)]`.
fn without_tests(tokens: &[Token]) -> Vec<Token> {
    const ITEMS: [&str; 10] =
        ["mod", "use", "fn", "impl", "struct", "enum", "const", "static", "type", "async"];
    let test = self::tokens("#[cfg(test)]");
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].starts_with(&test) {
            let item = skip_attributes_and_visibility(tokens, at);
            if matches!(tokens.get(item), Some(Token::Word(word)) if ITEMS.contains(&word.as_str()))
            {
                at = end_of_item(tokens, item);
                continue;
            }
        }
        kept.push(tokens[at].clone());
        at += 1;
    }
    kept
}

fn skip_attributes_and_visibility(tokens: &[Token], mut at: usize) -> usize {
    loop {
        match tokens.get(at) {
            Some(Token::Symbol('#')) => at = end_of_block(tokens, at + 1, '[', ']'),
            Some(Token::Word(word)) if word == "pub" => at += 1,
            Some(Token::Symbol('(')) => at = end_of_block(tokens, at, '(', ')'),
            _ => return at,
        }
    }
}

/// Behind the `;` or the braces that end an item.
fn end_of_item(tokens: &[Token], mut at: usize) -> usize {
    let is_use = tokens[at] == Token::Word("use".to_owned());
    while at < tokens.len() {
        match tokens[at] {
            Token::Symbol(';') => return at + 1,
            Token::Symbol('{') if !is_use => return end_of_block(tokens, at, '{', '}'),
            _ => at += 1,
        }
    }
    at
}

fn end_of_block(tokens: &[Token], mut at: usize, open: char, close: char) -> usize {
    let mut depth = 0;
    while at < tokens.len() {
        if tokens[at] == Token::Symbol(open) {
            depth += 1;
        } else if tokens[at] == Token::Symbol(close) {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        }
        at += 1;
    }
    at
}
