//! A mistake in a realm file, shown as `file:line:column` with the text underlined, the reason
//! and a suggestion.

use std::fmt;
use std::ops::Range;

#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Complaint {
    pub file: String,
    /// From 1; 0 when the whole file is meant.
    pub line: usize,
    pub column: usize,
    pub message: String,
    pub suggestion: Option<String>,
    source: String,
    length: usize,
}

impl Complaint {
    /// `span`: bytes of `text`.
    pub fn new(file: &str, text: &str, span: Option<Range<usize>>, message: String) -> Self {
        let Some(span) = span else {
            return Self {
                file: file.to_owned(),
                line: 0,
                column: 0,
                message,
                suggestion: None,
                source: String::new(),
                length: 0,
            };
        };
        let before = text.get(..span.start).unwrap_or_default();
        let source = text.lines().nth(before.matches('\n').count()).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let marked = text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column,
            message,
            suggestion: None,
            source: without_secret(source),
            length: marked.chars().count().max(1),
        }
    }

    #[must_use]
    pub fn suggest(mut self, wrong: &str, known: impl IntoIterator<Item = String>) -> Self {
        let close = known.into_iter().map(|word| (distance(wrong, &word), word)).min();
        let close = close.filter(|(distance, word)| *distance <= word.chars().count() / 2);
        self.suggestion = close.map(|(_, word)| format!("did you mean `{word}`?"));
        self
    }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return write!(f, "{}: {}", self.file, self.message);
        }
        writeln!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        writeln!(f, "  | {}", self.source)?;
        write!(f, "  | {}{}", " ".repeat(self.column - 1), "^".repeat(self.length))?;
        match &self.suggestion {
            Some(suggestion) => write!(f, " {suggestion}"),
            None => Ok(()),
        }
    }
}

/// Complaints go into logs, where a secret that was written into a file must not stand.
fn without_secret(line: &str) -> String {
    let Some(at) = line.find("literal") else { return line.to_owned() };
    let (before, rest) = line.split_at(at);
    let mut is_quoted = None;
    let hide = |char: char| match (is_quoted, char) {
        (None, '"' | '\'') => {
            is_quoted = Some(char);
            char
        }
        (Some(mark), char) if char == mark => {
            is_quoted = None;
            char
        }
        (Some(_), _) => '*',
        (None, char) => char,
    };
    before.chars().chain(rest.chars().map(hide)).collect()
}

/// Levenshtein distance, for misspelt names.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.iter().enumerate() {
            let next = (diagonal + usize::from(a != *b)).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = next;
        }
    }
    row.last().copied().unwrap_or_default()
}
