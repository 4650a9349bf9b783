//! What can be wrong with a plan's inputs.

use causeway_domain::Problem;

/// Errors of the planner. That a place is unfit or unlawful is no error: it is an answer.
#[derive(Debug, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum PlanError {
    /// Targets outside the workdir. The problems are reported one by one.
    #[error("{} path(s) of the task can't be used", problems.len())]
    Paths {
        /// The problems.
        problems: Vec<Problem>,
    },
    /// The workload's model can't be computed with.
    #[error("the workload of task `{task}`: {why}")]
    #[diagnostic(help("write `config:` with a config.json of Hugging Face, or `parameters:`"))]
    Workload {
        /// The task.
        task: String,
        /// Why.
        why: String,
    },
    /// A built-in table of people is damaged.
    #[error("{file}: {why}")]
    #[diagnostic(help("this is a fault of the program"))]
    Table {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// A built-in table is damaged.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Estimate(#[from] causeway_estimate::EstimateError),
}
