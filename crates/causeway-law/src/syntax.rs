//! Where the grammar of policies refuses a text.

use std::str::FromStr;
use std::sync::Arc;

use causeway_domain::{Place, Problem, SourceFile};
use cedar_policy::PolicySet;
use miette::Diagnostic;

/// Everything that Cedar's grammar has against a text, each at its place; empty where it has nothing.
pub(crate) fn problems(file: &Arc<SourceFile>) -> Vec<Problem> {
    let Err(errors) = PolicySet::from_str(&file.text) else {
        return Vec::new();
    };
    let problem = |error: &dyn Diagnostic| {
        let place = error
            .labels()
            .and_then(|mut labels| labels.next())
            .map_or_else(Place::default, |label| Place {
                offset: label.offset(),
                length: label.len().max(1),
            });
        let problem = Problem::error(file, place, error.to_string());
        match error.help() {
            Some(help) => problem.help(help.to_string()),
            None => problem,
        }
    };
    let mut all = vec![problem(&errors)];
    all.extend(errors.related().into_iter().flatten().map(problem));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_error_has_its_line() {
        let text = "@id(\"x\")\nforbid (principal, action, resource)\nwhen { oops( };\n\nforbid (principal, action, resource) when { context.to == };\n";
        let said: Vec<String> = problems(&Arc::new(SourceFile::new("us/x.cedar", text)))
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(said.len(), 2, "{said:?}");
        assert!(said[0].starts_with("us/x.cedar:3:"), "{said:?}");
        assert!(said[1].starts_with("us/x.cedar:5:"), "{said:?}");
        let clean = SourceFile::new("us/x.cedar", "permit (principal, action, resource);");
        assert!(problems(&Arc::new(clean)).is_empty());
    }
}
