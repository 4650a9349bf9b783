//! The market, asked as a plan asks it.

#[cfg(test)]
mod arbitrary;
#[cfg(test)]
mod cache;
#[cfg(test)]
mod diff;
#[cfg(test)]
mod market;
#[cfg(test)]
mod matching;
