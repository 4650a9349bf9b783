//! Drafts of determinations about an entry of a list: whether it is a party.

use camino::Utf8Path;
use causeway_domain::Date;
use causeway_domain::approval::EntryMatch;
use causeway_run::{RunError, approvals, files, screening};
use serde_json::json;

use super::DAYS;
use crate::output::Exit;
use crate::verbs::Context;

/// `PARTY=LIST:ID`, and what the reviewer says of the two.
pub(super) struct Wanted<'a> {
    pub(super) text: &'a str,
    pub(super) same: bool,
}

pub(super) fn draft(
    context: &Context,
    task: &Utf8Path,
    wanted: &Wanted<'_>,
    to: Option<&Utf8Path>,
) -> Result<Exit, RunError> {
    let parts = wanted.text.split_once('=').and_then(|(party, entry)| {
        let (list, id) = entry.split_once(':')?;
        Some((party, list, id))
    });
    let Some((party, list, id)) = parts else {
        return Err(RunError::Value {
            what: format!(
                "`{}` is not PARTY=LIST:ID; `causeway parties screen` prints the command for each entry",
                wanted.text
            ),
        });
    };
    let path = files::find_organisation(context.organisation.as_deref(), task)?;
    let organisation = causeway_domain::organisation::parse(&files::source(&path)?)
        .map_err(|problems| RunError::Files { problems })?;
    let workspace = context.existing()?;
    let shelf = workspace.shelf();
    let on_file = approvals::records(shelf, &organisation, None)?;
    let screened = screening::screen(shelf.state, shelf.now, &organisation, &on_file.approvals)?
        .ok_or_else(|| RunError::Value {
            what: format!("{path} names no lists to screen against"),
        })?;
    let found = screened.parties.get(party).and_then(|screening| {
        screening
            .findings
            .iter()
            .find(|finding| finding.entry.list == list && finding.entry.id == id)
    });
    let (Some(finding), Some(identity), Ok(key)) =
        (found, screened.identities.get(party), party.parse())
    else {
        return Err(RunError::Value {
            what: format!(
                "screening finds no entry `{list}:{id}` for `{party}`: there is nothing to determine; `causeway parties screen` says what it finds"
            ),
        });
    };
    if let Some(by) = &finding.settled_by {
        return Err(RunError::Value {
            what: format!(
                "`{list}:{id}` is `{party}` by {by}: a determination changes nothing; where the number is wrong, correct it"
            ),
        });
    }
    let entry = EntryMatch {
        party: key,
        identity: identity.clone(),
        list: list.to_owned(),
        id: id.to_owned(),
        digest: finding.digest.clone(),
        same: wanted.same,
    };
    let today = causeway_law::When::Instant(shelf.now).day();
    let text = in_yaml(&entry, &finding.record.label, today);
    match to {
        Some(path) => {
            files::write_new(path, &text)?;
            context.output.hint(format_args!(
                "wrote {path}: read it, write the reason, name the evidence; then `causeway approvals sign {path} --key KEY`"
            ));
        }
        None if context.output.json => context.output.document(&json!({"entry": entry})),
        None => context.output.line(text.trim_end()),
    }
    Ok(Exit::Done)
}

/// Ids of lists may hold any sign; an approval's id may not.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|sign| {
            if sign.is_ascii_alphanumeric() {
                sign.to_ascii_lowercase()
            } else {
                '-'
            }
        })
        .collect()
}

/// As a file with hints. JSON strings are YAML strings.
fn in_yaml(entry: &EntryMatch, label: &str, today: Date) -> String {
    let quoted = |text: &str| json!(text).to_string();
    let until = today
        .checked_add(jiff::Span::new().days(DAYS))
        .unwrap_or(today);
    let is = if entry.same { "is" } else { "is not" };
    let approval = format!(
        "{}-{is}-{}-{}-{today}",
        plain(entry.party.as_str()),
        plain(&entry.list),
        plain(&entry.id)
    )
    .replace(' ', "-");
    [
        "# Signed as a whole, to the byte: a change after the signature voids it.".to_owned(),
        format!("# `{}` {is} {}", entry.party, quoted(label)),
        format!("approval: {}", quoted(&approval)),
        "kind: determination".to_owned(),
        "decides:".to_owned(),
        "  entry:".to_owned(),
        format!("    party: {}", entry.party),
        format!(
            "    identity: {}   # another name, number or address of the party voids it",
            entry.identity
        ),
        format!("    list: {}", quoted(&entry.list)),
        format!("    id: {}", quoted(&entry.id)),
        format!(
            "    digest: {}   # another text of the entry voids it",
            entry.digest
        ),
        format!("    same: {}", entry.same),
        "scope:                    # an entry is the party's, whatever it does".to_owned(),
        format!("  parties: [{}]", entry.party),
        "  acts: []".to_owned(),
        "  items: []".to_owned(),
        "  places: []".to_owned(),
        format!("  from: {today}"),
        format!("  to: {until}"),
        "evidence: []              # {document: what and where, sha256: 64 hex digits}".to_owned(),
        "reason: \"\"                # what tells the two apart, or shows that they are one"
            .to_owned(),
    ]
    .join("\n")
        + "\n"
}
