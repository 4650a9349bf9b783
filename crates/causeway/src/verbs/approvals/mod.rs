//! `causeway approvals`: what reviewers sign.

mod entry;

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Command, Stdio};

use camino::{Utf8Path, Utf8PathBuf};
use causeway_domain::approval::{Approval, Decides, Kind, Scope};
use causeway_domain::organisation::{FactText, Organisation};
use causeway_domain::{Date, PartyId};
use causeway_law::{Described, Effect, Outcome, Used, facts_of, judge, scope_of};
use causeway_ledger::NAMESPACE;
use causeway_run::launch::compare;
use causeway_run::{RunError, State, approvals, files};
use comfy_table::Cell;
use serde_json::json;

pub(crate) use self::entry::plain;
use crate::cli::{ApprovalsVerb, PlanChoice};
use crate::output::Exit;
use crate::verbs::{Context, packs, plan};

/// How long a draft holds where nobody says otherwise, days. Short: a reviewer who wants longer writes so.
const DAYS: i32 = 180;

pub(crate) fn run(context: &Context, verb: &ApprovalsVerb) -> Result<Exit, RunError> {
    match verb {
        ApprovalsVerb::Draft {
            choice,
            fact,
            rule,
            authorisation,
            entry,
            same,
            another: _,
            output,
        } => {
            if let Some(text) = entry {
                let wanted = entry::Wanted { text, same: *same };
                return entry::draft(context, &choice.task, &wanted, output.as_deref());
            }
            let wanted = match (fact, rule, authorisation) {
                (Some(fact), ..) => Wanted::fact(fact)?,
                (_, Some(rule), _) => Wanted::Rule(rule.clone()),
                (.., Some(name)) => Wanted::Authorisation(name.clone()),
                (None, None, None) => return Ok(Exit::Usage),
            };
            draft(context, choice, &wanted, output.as_deref())
        }
        ApprovalsVerb::Sign { file, key } => sign(context, file, key),
        ApprovalsVerb::File { file, signature } => file_it(context, file, signature),
        ApprovalsVerb::List => list(context),
        ApprovalsVerb::Withdraw { id, reason } => {
            approvals::withdraw(&mut context.existing()?, id, reason)?;
            if context.output.json {
                context.output.document(&json!({"withdrawn": id}));
            } else {
                context
                    .output
                    .line(format_args!("`{id}` counts no more; the log says why"));
            }
            Ok(Exit::Done)
        }
    }
}

/// What an approval is to give.
enum Wanted {
    Fact(String, String),
    Rule(String),
    Authorisation(String),
}

impl Wanted {
    fn fact(text: &str) -> Result<Self, RunError> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !value.is_empty() => {
                Ok(Self::Fact(name.to_owned(), value.to_owned()))
            }
            _ => Err(RunError::Value {
                what: format!("`{text}` is not NAME=VALUE, such as `red_flags=resolved`"),
            }),
        }
    }

    /// Whether an act's verdict turns on it.
    fn is_missed(&self, verdict: &causeway_law::ActVerdict) -> bool {
        match self {
            Self::Fact(name, _) => verdict.open_facts.iter().any(|open| open.fact == *name),
            Self::Rule(id) => verdict
                .deciding
                .iter()
                .any(|hit| hit.id == *id && hit.outcome == Effect::NeedsReview),
            Self::Authorisation(_) => verdict.outcome == Outcome::LicenseRequired,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Fact(name, _) | Self::Rule(name) | Self::Authorisation(name) => name,
        }
    }
}

fn draft(
    context: &Context,
    choice: &PlanChoice,
    wanted: &Wanted,
    to: Option<&Utf8Path>,
) -> Result<Exit, RunError> {
    let loaded = files::load(&choice.task, context.organisation.as_deref())?;
    let packs = packs(choice.rules.as_deref())?;
    let state = State::exists(&context.state)
        .then(|| State::open(&context.state, false))
        .transpose()?;
    let market = causeway_run::market(state.as_ref())?;
    let at = plan::as_of(context, None)?;
    let comparison = compare(
        &loaded,
        &packs,
        &market,
        at,
        choice.site.as_ref(),
        &plan::records(context, &loaded)?,
        false,
    )?;
    let planned = comparison.choose().map_err(|why| RunError::NoPlace {
        why,
        help: "`causeway plan` shows every place and what it lacks".to_owned(),
    })?;
    let settings = causeway_plan::settings(&loaded.organisation);
    let acts: Vec<Described> = planned
        .candidate()
        .bare(at)
        .into_iter()
        .filter(|described| wanted.is_missed(&judge(&packs, &settings, &described.act)))
        .collect();
    if acts.is_empty() {
        return Err(RunError::Value {
            what: format!(
                "nothing that this task does at {} turns on `{}`: there is nothing to approve; `causeway explain {}` says what it turns on",
                planned.candidate().label,
                wanted.name(),
                choice.task,
            ),
        });
    }
    let today = causeway_law::When::Instant(at).day();
    let approval = approval(wanted, &acts, today)?;
    let text = in_yaml(&approval);
    match to {
        Some(path) => {
            causeway_run::files::write_new(path, &text)?;
            context.output.hint(format_args!(
                "wrote {path}: read it, write the reason, narrow the scope; then `causeway approvals sign {path} --key KEY`"
            ));
        }
        None if context.output.json => context.output.document(&json!({"approval": approval})),
        None => context.output.line(text.trim_end()),
    }
    Ok(Exit::Done)
}

/// The approval that covers these acts and nothing else, resting on every fact that they share.
fn approval(wanted: &Wanted, acts: &[Described], today: Date) -> Result<Approval, RunError> {
    let mut scope = Scope {
        parties: BTreeSet::new(),
        acts: BTreeSet::new(),
        items: BTreeSet::new(),
        places: BTreeSet::new(),
        from: today,
        to: today
            .checked_add(jiff::Span::new().days(DAYS))
            .unwrap_or(today),
    };
    let mut rests_on: Option<BTreeMap<String, String>> = None;
    for described in acts {
        let (parties, kinds) = scope_of(described);
        for party in parties {
            let id: PartyId = party.parse().map_err(|_| RunError::Value {
                what: format!(
                    "`{party}` is no party of causeway.yaml: declare it with its owners first"
                ),
            })?;
            scope.parties.insert(id);
        }
        scope.acts.extend(kinds.into_iter().map(str::to_owned));
        scope.items.extend(described.items.iter().cloned());
        scope.places.extend(described.act.to.known());
        let mut facts = facts_of(&described.act);
        facts.remove(wanted.name());
        rests_on = Some(match rests_on {
            None => facts,
            Some(before) => before
                .into_iter()
                .filter(|(name, value)| facts.get(name) == Some(value))
                .collect(),
        });
    }
    let rests_on = rests_on.unwrap_or_default();
    let (kind, decides, authorisation) = match wanted {
        Wanted::Fact(name, value) => (
            Kind::Determination,
            Some(Decides {
                fact: Some(name.clone()),
                value: Some(FactText(value.clone())),
                ..Decides::default()
            }),
            None,
        ),
        Wanted::Rule(id) => (
            Kind::Determination,
            Some(Decides {
                rule: Some(id.clone()),
                ..Decides::default()
            }),
            None,
        ),
        Wanted::Authorisation(name) => (Kind::Authorisation, None, Some(name.clone())),
    };
    Ok(Approval {
        approval: format!("{}-{today}", wanted.name().to_lowercase().replace('_', "-")),
        kind,
        decides,
        number: authorisation.as_ref().map(|_| String::new()),
        issued_by: authorisation.as_ref().map(|_| String::new()),
        authorisation,
        quantity: None,
        scope,
        rests_on,
        evidence: Vec::new(),
        reason: String::new(),
    })
}

/// As a file with hints. JSON strings are YAML strings.
fn in_yaml(approval: &Approval) -> String {
    let quoted = |text: &str| json!(text).to_string();
    let list = |items: &mut dyn Iterator<Item = String>| {
        format!("[{}]", items.collect::<Vec<_>>().join(", "))
    };
    let mut lines = vec![
        "# Signed as a whole, to the byte: a change after the signature voids it.".to_owned(),
        format!("approval: {}", quoted(&approval.approval)),
        format!("kind: {}", approval.kind),
    ];
    if let Some(decides) = &approval.decides {
        match (&decides.fact, &decides.value, &decides.rule) {
            (Some(fact), Some(value), _) => lines.push(format!(
                "decides: {{fact: {}, value: {}}}",
                quoted(fact),
                quoted(&value.0)
            )),
            (_, _, Some(rule)) => lines.push(format!("decides: {{rule: {}}}", quoted(rule))),
            _ => {}
        }
    }
    if let Some(name) = &approval.authorisation {
        lines.extend([
            format!("authorisation: {}", quoted(name)),
            "number: \"\"                # the authority's number".to_owned(),
            "issued_by: \"\"             # the authority".to_owned(),
            "# quantity: {chips: 64}   # how much it covers in all, where it says so".to_owned(),
        ]);
    }
    let scope = &approval.scope;
    lines.extend([
        "scope:                    # an act is covered when all of it is inside".to_owned(),
        format!(
            "  parties: {}",
            list(&mut scope.parties.iter().map(ToString::to_string))
        ),
        format!("  acts: {}", list(&mut scope.acts.iter().cloned())),
        format!(
            "  items: {}",
            list(&mut scope.items.iter().map(|item| quoted(item)))
        ),
        format!(
            "  places: {}",
            list(&mut scope.places.iter().map(ToString::to_string))
        ),
        format!("  from: {}", scope.from),
        format!("  to: {}", scope.to),
        "rests_on:                 # it falls when one of these changes".to_owned(),
    ]);
    for (fact, value) in &approval.rests_on {
        lines.push(format!("  {fact}: {}", quoted(value)));
    }
    lines.extend([
        "evidence: []              # {document: what and where, sha256: 64 hex digits}".to_owned(),
        "reason: \"\"                # why, in words".to_owned(),
    ]);
    lines.join("\n") + "\n"
}

fn sign(context: &Context, file: &Utf8Path, key: &Utf8Path) -> Result<Exit, RunError> {
    let source = files::source(file)?;
    let approval = causeway_domain::approval::parse(&source)
        .map_err(|problems| RunError::Files { problems })?;
    let refuse = |why: String, help: &str| RunError::Approval {
        approval: approval.approval.clone(),
        why,
        help: help.to_owned(),
    };
    let (key, state) = (files::absolute(key)?, files::absolute(&context.state)?);
    if key.starts_with(&state) {
        return Err(refuse(
            format!("the key lies in the state directory {state}"),
            "a reviewer's key is never with the runs that it judges: keep it elsewhere, or in an ssh agent",
        ));
    }
    let input = fs_err::File::open(file).map_err(|error| RunError::Read {
        path: file.to_owned(),
        error,
        help: "it must be readable".to_owned(),
    })?;
    let done = Command::new("ssh-keygen")
        .args(["-Y", "sign", "-q", "-n", NAMESPACE, "-f", key.as_str()])
        .stdin(Stdio::from(input.into_parts().0))
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| {
            refuse(
                format!("`ssh-keygen` does not start: {error}"),
                "install OpenSSH 8.1 or newer: it makes the signature",
            )
        })?;
    let armoured = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.status.success() {
        return Err(refuse(
            format!("`ssh-keygen -Y sign` failed ({})", done.status),
            "give a private key, or the .pub file of a key that your ssh agent holds",
        ));
    }
    let by = causeway_ledger::SshSignature::parse(&armoured)?.names();
    let short: String = by
        .trim_start_matches("SHA256:")
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .take(8)
        .collect();
    let path = Utf8PathBuf::from(format!("{file}.{short}.sig"));
    fs_err::write(&path, &armoured).map_err(|error| RunError::Read {
        path: path.clone(),
        error,
        help: "the signature is written beside the file".to_owned(),
    })?;
    if context.output.json {
        context
            .output
            .document(&json!({"signature": path, "key": by}));
    } else {
        context.output.line(format_args!("wrote {path}, by {by}"));
    }
    Ok(Exit::Done)
}

fn organisation(context: &Context) -> Result<Organisation, RunError> {
    let path =
        files::find_organisation(context.organisation.as_deref(), Utf8Path::new("task.yaml"))?;
    causeway_domain::organisation::parse(&files::source(&path)?)
        .map_err(|problems| RunError::Files { problems })
}

fn file_it(
    context: &Context,
    file: &Utf8Path,
    signatures: &[Utf8PathBuf],
) -> Result<Exit, RunError> {
    let organisation = organisation(context)?;
    let source = files::source(file)?;
    let found = if signatures.is_empty() {
        beside(file)?
    } else {
        signatures.to_vec()
    };
    let texts = found
        .iter()
        .map(|path| files::source(path).map(|source| source.text.to_string()))
        .collect::<Result<Vec<String>, RunError>>()?;
    let mut workspace = context.workspace()?;
    let (approval, signed) = approvals::file(&mut workspace, &organisation, &source, &texts)?;
    let by: Vec<&str> = signed.iter().map(|one| one.by.as_str()).collect();
    if context.output.json {
        context
            .output
            .document(&json!({"filed": approval.approval, "by": by}));
    } else {
        context.output.line(format_args!(
            "`{}` is on file, signed by {}; it holds from {} to {}",
            approval.approval,
            by.join(" and "),
            approval.scope.from,
            approval.scope.to
        ));
    }
    Ok(Exit::Done)
}

/// Every signature beside a file: `FILE*.sig`.
fn beside(file: &Utf8Path) -> Result<Vec<Utf8PathBuf>, RunError> {
    let folder = match file.parent() {
        Some(folder) if !folder.as_str().is_empty() => folder,
        _ => Utf8Path::new("."),
    };
    let name = file.file_name().unwrap_or_default();
    let read = |error: std::io::Error| RunError::Read {
        path: folder.to_owned(),
        error,
        help: "name the signatures with `--signature`".to_owned(),
    };
    let mut found = Vec::new();
    for entry in folder.read_dir_utf8().map_err(read)? {
        let entry = entry.map_err(read)?;
        let other = entry.file_name();
        if other.starts_with(name) && other.ends_with(".sig") {
            found.push(folder.join(other));
        }
    }
    found.sort();
    Ok(found)
}

fn list(context: &Context) -> Result<Exit, RunError> {
    let output = context.output;
    let organisation = organisation(context)?;
    let workspace = context.existing()?;
    let today =
        causeway_law::When::Instant(causeway_domain::Env::now(workspace.env.as_ref())).day();
    let all = approvals::on_record(workspace.shelf(), &organisation, None)?;
    let states: Vec<String> = all
        .iter()
        .map(|one| match &one.void {
            Some(why) => format!("void: {why}"),
            None if today < one.signed.approval.scope.from => "not yet".to_owned(),
            None if one.signed.approval.scope.to < today => "expired".to_owned(),
            None => "counts while its facts stand".to_owned(),
        })
        .collect();
    if output.json {
        let rows: Vec<_> = all
            .iter()
            .zip(&states)
            .map(|(one, state)| json!({"approval": one, "state": state}))
            .collect();
        output.document(&json!({ "approvals": rows }));
        return Ok(Exit::Done);
    }
    if all.is_empty() {
        output.hint(
            "nothing is on file; `causeway approvals draft TASK --fact NAME=VALUE` begins one",
        );
        return Ok(Exit::Done);
    }
    let mut table = output.table(&["approval", "gives", "by", "until", "left", "state"], 5);
    for (one, state) in all.iter().zip(&states) {
        let approval = &one.signed.approval;
        table.add_row(
            [
                approval.approval.clone(),
                gives(approval),
                one.signed.by.join(", "),
                approval.scope.to.to_string(),
                left(approval, one.used),
                state.clone(),
            ]
            .map(Cell::new),
        );
    }
    output.line(table);
    Ok(Exit::Done)
}

fn gives(approval: &Approval) -> String {
    let decides = approval.decides.as_ref();
    let fact = decides.and_then(|decides| {
        Some(format!(
            "{}: {}",
            decides.fact.as_ref()?,
            decides.value.as_ref()?.0
        ))
    });
    let rule = || decides.and_then(|decides| decides.rule.clone());
    let entry = || {
        decides
            .and_then(|decides| decides.entry.as_ref())
            .map(|entry| {
                let is = if entry.same { "is" } else { "is not" };
                format!("{} {is} {} {}", entry.party, entry.list, entry.id)
            })
    };
    approval
        .authorisation
        .clone()
        .or(fact)
        .or_else(rule)
        .or_else(entry)
        .unwrap_or_default()
}

fn left(approval: &Approval, used: Used) -> String {
    let quantity = approval.quantity.unwrap_or_default();
    let parts: Vec<String> = [
        ("chips", quantity.chips, used.chips),
        ("persons", quantity.persons, used.persons),
        ("runs", quantity.runs, used.runs),
    ]
    .into_iter()
    .filter_map(|(what, limit, used)| {
        let limit = limit?;
        Some(format!("{} of {limit} {what}", limit.saturating_sub(used)))
    })
    .collect();
    parts.join(", ")
}
