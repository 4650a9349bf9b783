//! The built-in market, asked as a plan asks it.

#[cfg(test)]
mod matching;
