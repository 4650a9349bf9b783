//! Text with branches.

use std::fmt;

use serde::Serialize;

/// A text and what hangs below it. Printed by [`Tree::visit`], which knows the branches and leaves the width to the printer.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Tree {
    /// One line of any length.
    pub text: String,
    /// What hangs below.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<Tree>,
}

impl From<String> for Tree {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Tree {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl Tree {
    /// A text with nothing below it.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            children: Vec::new(),
        }
    }

    /// With these below it.
    #[must_use]
    pub fn with<T: Into<Self>>(mut self, children: impl IntoIterator<Item = T>) -> Self {
        self.children.extend(children.into_iter().map(Into::into));
        self
    }

    /// Adds one below it.
    pub fn push(&mut self, child: impl Into<Self>) {
        self.children.push(child.into());
    }

    /// Calls `line` for each text from the top down, with what stands before its first line and before the lines that a
    /// printer breaks it into.
    pub fn visit(&self, line: &mut impl FnMut(&str, &str, &str)) {
        line(
            "",
            if self.children.is_empty() {
                "  "
            } else {
                "│ "
            },
            &self.text,
        );
        self.below("", line);
    }

    fn below(&self, trunk: &str, line: &mut impl FnMut(&str, &str, &str)) {
        let last = self.children.len().saturating_sub(1);
        for (index, child) in self.children.iter().enumerate() {
            let (branch, further) = if index == last {
                ("└─ ", "   ")
            } else {
                ("├─ ", "│  ")
            };
            let own = format!("{trunk}{further}");
            let broken = if child.children.is_empty() {
                format!("{own}  ")
            } else {
                format!("{own}│ ")
            };
            line(&format!("{trunk}{branch}"), &broken, &child.text);
            child.below(&own, line);
        }
    }
}

/// Each text on one line, however long.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        self.visit(&mut |first, _, text| {
            if result.is_ok() {
                result = writeln!(f, "{first}{text}");
            }
        });
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_run_on_where_more_hangs_below() {
        let tree = Tree::new("a").with([
            Tree::new("b").with(["c", "d"]),
            Tree::new("e").with([Tree::new("f")]),
        ]);
        assert_eq!(
            tree.to_string(),
            "a\n├─ b\n│  ├─ c\n│  └─ d\n└─ e\n   └─ f\n"
        );
        let mut broken = Vec::new();
        tree.visit(&mut |_, broke, _| broken.push(broke.to_owned()));
        assert_eq!(
            broken,
            ["│ ", "│  │ ", "│  │    ", "│       ", "   │ ", "        "]
        );
    }
}
