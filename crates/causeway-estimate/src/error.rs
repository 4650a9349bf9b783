//! Why there is no estimate.

/// A workload, a model file or a table that nothing can be computed from, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, miette::Diagnostic)]
#[non_exhaustive]
pub enum EstimateError {
    /// A config.json that is no JSON object.
    #[error("the model's config.json can't be read: {why}")]
    #[diagnostic(
        code(causeway::estimate::config),
        help(
            "give the `config.json` that lies beside the weights in a Hugging Face model repository"
        )
    )]
    Config {
        /// What the reader says.
        why: String,
    },
    /// A config.json without a number that the count of parameters needs.
    #[error("the model's config.json has no usable `{field}`: {why}")]
    #[diagnostic(
        code(causeway::estimate::config_field),
        help(
            "add `{field}` to config.json, or give the number of parameters by hand (`parameters` in causeway.yaml)"
        )
    )]
    ConfigField {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An architecture whose parameters no formula here counts.
    #[error("models of type `{model_type}` can't be counted from config.json yet")]
    #[diagnostic(
        code(causeway::estimate::model_type),
        help(
            "give the number of parameters by hand (`parameters` in causeway.yaml); counted are: {known}"
        )
    )]
    ModelType {
        /// `model_type` of the file.
        model_type: String,
        /// The types that are counted.
        known: String,
    },
    /// A number of the workload or the fleet that makes no sense.
    #[error("{what} is {value}: it must be {must}")]
    #[diagnostic(
        code(causeway::estimate::number),
        help("correct `{what}` of the workload or of the site's offer")
    )]
    Number {
        /// What it is.
        what: &'static str,
        /// What was given.
        value: String,
        /// What it must be.
        must: &'static str,
    },
    /// A table of coefficients that is not what its format says.
    #[error("{file}: {why}")]
    #[diagnostic(
        code(causeway::estimate::table),
        help("docs/formats/catalog.md describes the tables of the catalog")
    )]
    Table {
        /// The file, as the caller named it.
        file: String,
        /// What the reader says.
        why: String,
    },
    /// A row of a table of runs that can't be read.
    #[error("line {line}, column `{column}`: {why}")]
    #[diagnostic(
        code(causeway::estimate::row),
        help("the first line names the columns; a number that is not published is left empty")
    )]
    Row {
        /// Line of the text, the first being 1.
        line: u64,
        /// The column.
        column: String,
        /// What is wrong with it.
        why: String,
    },
}

/// Refuses what is not a finite number of at least `least`.
pub(crate) fn at_least(
    what: &'static str,
    value: f64,
    least: f64,
    must: &'static str,
) -> Result<f64, EstimateError> {
    if value.is_finite() && value >= least {
        Ok(value)
    } else {
        Err(EstimateError::Number {
            what,
            value: value.to_string(),
            must,
        })
    }
}
