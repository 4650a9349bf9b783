//! Texts that many rows say alike, held once.

use std::collections::HashSet;
use std::sync::Arc;

use foldhash::fast::FixedState;

/// Every text once. Lookups only: no order of it reaches an answer.
#[derive(Debug, Default)]
pub(crate) struct Texts(HashSet<Arc<str>, FixedState>);

impl Texts {
    /// The shared copy of a text.
    pub(crate) fn share(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.0.get(text) {
            return Arc::clone(known);
        }
        let new: Arc<str> = Arc::from(text);
        self.0.insert(Arc::clone(&new));
        new
    }
}
