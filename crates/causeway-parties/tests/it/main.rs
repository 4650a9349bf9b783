//! The room from outside.

mod names;
