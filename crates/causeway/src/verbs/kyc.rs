//! `causeway kyc`: who the customer is, for the provider of the compute.

use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::SourceFile;
use causeway_domain::organisation;
use causeway_ledger::{Evidence, Verifier};
use causeway_parties::kyc::form::Customer;
use causeway_parties::kyc::observed::Observed;
use causeway_parties::kyc::{
    Answer, Checked, Filed, Finding, IfMissing, Role, SealState, blank_form, customer, observed,
    provider,
};
use causeway_run::kyc::{
    Known, Papers, Sources, examine, notice, prefill, questionnaire, sign, signing_key, triggers,
};
use causeway_run::launch::{compare, find};
use causeway_run::{RunError, files};
use serde_json::json;

use crate::cli::{
    KycCheckArgs, KycQuestionnaireArgs, KycRecords, KycReportArgs, KycRole, KycSignArgs, KycVerb,
};
use crate::output::Exit;
use crate::verbs::{Context, packs};

/// The attachment of an evidence pack that is the customer's form.
const ATTACHED: &str = "kyc/customer.yaml";

pub(crate) fn run(context: &Context, verb: &KycVerb) -> Result<Exit, RunError> {
    match verb {
        KycVerb::Questionnaire(args) => write_form(context, args),
        KycVerb::Sign(args) => sign_form(context, args),
        KycVerb::Check(args) => check(context, args),
        KycVerb::Report(args) => report(context, args),
    }
}

fn write_form(context: &Context, args: &KycQuestionnaireArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let role = match args.role {
        KycRole::Customer => Role::Customer,
        KycRole::Provider => Role::Provider,
    };
    let now = causeway_domain::Env::now(context.env.as_ref());
    let day = jiff::tz::TimeZone::UTC.to_datetime(now).date();
    let known = match &args.task {
        Some(task) => {
            let files = files::load(task, context.organisation.as_deref())?;
            let market = causeway_run::market(None)?;
            let at = causeway_domain::Env::now(context.env.as_ref());
            let comparison = compare(
                &files,
                &packs(None)?,
                &market,
                at,
                args.site.as_ref(),
                &crate::verbs::plan::records(context, &files)?,
            )?;
            // Without a fit place the form starts from the files alone.
            let planned = comparison.choose().ok();
            let chosen = planned.as_ref().map(causeway_plan::Planned::candidate);
            prefill(
                role,
                &Known {
                    day,
                    organisation: &files.organisation,
                    plan: Some((&files.task.name, &comparison)),
                    chosen,
                },
            )
        }
        None => match files::find_organisation(
            context.organisation.as_deref(),
            Utf8Path::new("task.yaml"),
        ) {
            Ok(path) => {
                let organisation = organisation::parse(&files::source(&path)?)
                    .map_err(|problems| RunError::Files { problems })?;
                let known = Known {
                    day,
                    organisation: &organisation,
                    plan: None,
                    chosen: None,
                };
                prefill(role, &known)
            }
            Err(error) if context.organisation.is_some() => return Err(error),
            Err(_) => std::collections::BTreeMap::new(),
        },
    };
    let (questions, digest) = questionnaire()?;
    let text = blank_form(role, &questions, &digest, &known);
    let Some(path) = &args.output else {
        if output.json {
            output.document(&json!({"role": role, "form": text, "questionnaire": questions}));
        } else {
            output.line(text.trim_end());
        }
        return Ok(Exit::Done);
    };
    write_new(path, &text)?;
    if output.json {
        output.document(
            &json!({"role": role, "file": path, "known": known.keys().collect::<Vec<_>>()}),
        );
    } else {
        output.line(format_args!(
            "wrote {path}: {} question(s), {} answered in part or whole",
            questions.of(role).len(),
            known.len()
        ));
        output.hint(format_args!(
            "fill in what is blank, then `causeway kyc sign {path} --key FILE`"
        ));
    }
    Ok(Exit::Done)
}

/// A filled form is nobody's to overwrite.
fn write_new(path: &Utf8Path, text: &str) -> Result<(), RunError> {
    use std::io::Write;
    fs_err::File::create_new(path)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| RunError::Read {
            path: path.to_owned(),
            error,
            help: "name a file that is not there yet".to_owned(),
        })
}

fn sign_form(context: &Context, args: &KycSignArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let source = files::source(&args.form)?;
    let key = signing_key(&args.key, &context.state)?;
    let text = if source.text.contains("causeway-kyc/provider/") {
        sign(
            &provider(&source).map_err(|problems| RunError::Files { problems })?,
            &key,
        )?
    } else {
        sign(&read_customer(&source)?, &key)?
    };
    causeway_run::files::replace(&args.form, &text)?;
    let key = key.verifier().to_string();
    if output.json {
        output.document(&json!({"file": args.form, "key": key}));
    } else {
        output.line(format_args!("signed {}", args.form));
        output.line(format_args!("give the key by another way:  {key}"));
    }
    Ok(Exit::Done)
}

fn read_customer(source: &Arc<SourceFile>) -> Result<Filed<Customer>, RunError> {
    customer(source).map_err(|problems| RunError::Files { problems })
}

fn read_observed(records: &KycRecords) -> Result<Option<Filed<Observed>>, RunError> {
    records
        .observed
        .as_ref()
        .map(|path| {
            observed(&files::source(path)?).map_err(|problems| RunError::Files { problems })
        })
        .transpose()
}

/// A run's papers, and the form that lies with them in an evidence pack.
fn papers(
    context: &Context,
    run: Option<&causeway_domain::RunId>,
    records: &KycRecords,
) -> Result<(Option<Papers>, Option<Arc<SourceFile>>), RunError> {
    if let (Some(path), Some(key)) = (&records.evidence, &records.key) {
        let text = fs_err::read_to_string(path).map_err(|error| RunError::Read {
            path: path.clone(),
            error,
            help: "name a file that `causeway evidence RUN -o FILE` wrote".to_owned(),
        })?;
        let verifier: Verifier = key.parse()?;
        let evidence = Evidence::from_json(&text)?;
        let papers = Papers::of_evidence(&evidence, &verifier)?;
        let form = evidence
            .attachment(ATTACHED)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .map(|text| Arc::new(SourceFile::new(format!("{path}:{ATTACHED}"), text)));
        return Ok((Some(papers), form));
    }
    let Some(run) = run else {
        return Ok((None, None));
    };
    let workspace = context.existing()?;
    let row = find(&workspace, Some(run))?;
    Ok((Some(Papers::of_run(&workspace, &row)?), None))
}

fn check(context: &Context, args: &KycCheckArgs) -> Result<Exit, RunError> {
    let (papers, attached) = papers(context, args.run.as_ref(), &args.records)?;
    let source = match (&args.form, attached) {
        (Some(path), _) => files::source(path)?,
        (None, Some(attached)) => attached,
        (None, None) => {
            return Err(RunError::Value {
                what: "the evidence pack holds no form; name the customer's form".to_owned(),
            });
        }
    };
    let form = read_customer(&source)?;
    let provider = args
        .provider
        .as_ref()
        .map(|path| {
            provider(&files::source(path)?).map_err(|problems| RunError::Files { problems })
        })
        .transpose()?;
    let observed = read_observed(&args.records)?;
    // Whose lines count: those of the one who checks.
    let kyc = match &context.organisation {
        Some(path) => {
            organisation::parse(&files::source(path)?)
                .map_err(|problems| RunError::Files { problems })?
                .file
                .kyc
        }
        None => papers
            .as_ref()
            .and_then(Papers::own_lines)
            .unwrap_or_default(),
    };
    let rules = args.records.rules.as_deref();
    let (packs, market) = (packs(rules)?, causeway_run::market(None)?);
    let triggers = triggers(rules)?;
    let sources = Sources {
        papers: papers.as_ref(),
        form: Some(&form),
        provider: provider.as_ref(),
        observed: observed.as_ref(),
        packs: &packs,
        market: &market,
        triggers: &triggers,
        kyc: &kyc,
        at: causeway_domain::Env::now(context.env.as_ref()),
    };
    let signer = args.signer.as_deref().or(kyc.signer.as_deref());
    let checked = examine(&form, &sources, signer)?;
    let exit = match checked.answer {
        Answer::Complete => Exit::Done,
        Answer::NeedsReview => Exit::NeedsReview,
        Answer::Refused => Exit::Usage,
    };
    if context.output.json {
        let run = papers.as_ref().map(|papers| &papers.run);
        context
            .output
            .document(&json!({"form": source.name, "run": run, "checked": checked}));
    } else {
        print(context, &source.name, &checked);
    }
    Ok(exit)
}

fn print(context: &Context, name: &str, checked: &Checked) {
    let output = context.output;
    let colour = match checked.answer {
        Answer::Complete => "32",
        Answer::NeedsReview => "33",
        Answer::Refused => "31",
    };
    output.line(format_args!(
        "{name} on {}: {}",
        checked.day,
        output.paint(checked.answer.word(), colour)
    ));
    let seal = match &checked.seal {
        SealState::Missing => "not signed".to_owned(),
        SealState::Broken { why } => format!("not valid: {why}"),
        SealState::Fits { key } => format!("fits, by {key}, which nobody compared"),
        SealState::Known { key } => format!("fits, by {key}"),
    };
    output.line(format_args!("seal  {seal}"));
    if !checked.gaps.is_empty() {
        output.line("");
        let mut table = output.table(&["form", "line", "then", "what is missing"], 3);
        for gap in &checked.gaps {
            let then = match gap.then {
                IfMissing::Deny => "refused",
                IfMissing::Review => "review",
            };
            table.add_row(vec![
                gap.id.clone(),
                gap.line.map_or_else(String::new, |line| line.to_string()),
                then.to_owned(),
                format!("{}: {}", gap.field, gap.what),
            ]);
        }
        output.line(table);
    }
    if !checked.flags.is_empty() {
        output.line("");
        let mut table = output.table(&["flag", "weight", "answer", "facts"], 3);
        for flag in &checked.flags {
            let (answer, facts) = match &flag.finding {
                Finding::Raised { facts, .. } => (
                    "raised",
                    facts
                        .iter()
                        .map(|seen| format!("{} ({})", seen.fact, seen.source))
                        .collect::<Vec<_>>()
                        .join("; "),
                ),
                Finding::Clear { why, .. } => ("clear", why.clone()),
                Finding::Unknown { missing, .. } => {
                    ("unknown", format!("missing: {}", missing.join("; ")))
                }
            };
            table.add_row(vec![
                flag.id.to_owned(),
                flag.weight.word().to_owned(),
                answer.to_owned(),
                format!("{}: {facts}", flag.title),
            ]);
        }
        output.line(table);
    }
    if !checked.questions.is_empty() {
        output.line("");
        output.line("ask:");
        for (index, question) in checked.questions.iter().enumerate() {
            output.line(format_args!(
                "{:>3}. {:<5} {}",
                index + 1,
                question.of,
                question.ask
            ));
        }
    }
    output.line("");
    let retention = &checked.retention;
    let until = retention.items.first().map(|item| &item.until);
    match until {
        Some(causeway_domain::Fact::Known(day, source)) => {
            output.line(format_args!("keep until {day}: {} years after {source}", years(checked)));
        }
        Some(causeway_domain::Fact::Unknown(why)) => output.line(format_args!(
            "keep {} years after the last of transfer of weights, end of contract, known diversion; the term has not begun: {why}",
            years(checked)
        )),
        None => {}
    }
    output.line(format_args!(
        "  {} [{}]",
        retention.ground, retention.source
    ));
    for hold in &retention.frozen_by {
        output.line(format_args!(
            "  deletion is frozen by {hold} [{}]",
            retention.freeze
        ));
    }
}

fn years(checked: &Checked) -> u16 {
    let years = checked.retention.items.iter().map(|item| item.years);
    years.max().unwrap_or_default()
}

fn report(context: &Context, args: &KycReportArgs) -> Result<Exit, RunError> {
    let (papers, _) = papers(context, args.run.as_ref(), &args.records)?;
    let Some(papers) = papers else {
        return Err(RunError::Value {
            what: "name a run, or an evidence pack with `--evidence FILE --key KEY`".to_owned(),
        });
    };
    let observed = read_observed(&args.records)?;
    let notice = notice(
        &papers,
        observed.as_ref(),
        &causeway_run::market(None)?,
        &triggers(args.records.rules.as_deref())?,
        causeway_domain::Env::now(context.env.as_ref()),
    );
    if context.output.json {
        context.output.document(&json!({
            "notice": notice,
            "compute": notice.compute(),
            "reached": notice.reached(),
        }));
    } else {
        context.output.line(notice.to_text().trim_end());
    }
    Ok(Exit::Done)
}
