//! The estimator against published runs and measured memory, and the answers it must not give.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod kinds;
#[cfg(test)]
mod physics;
#[cfg(test)]
mod published;
#[cfg(test)]
mod tables;
