//! `causeway kyc`: who the customer is, for the provider of the compute.

mod answer;

use std::sync::Arc;

use camino::Utf8Path;
use causeway_domain::SourceFile;
use causeway_domain::organisation;
use causeway_ledger::{Evidence, Verifier};
use causeway_parties::kyc::form::{Customer, Provider};
use causeway_parties::kyc::observed::Observed;
use causeway_parties::kyc::{
    Answer, Filed, Form, Gap, IfMissing, Role, blank_form, gaps, observed, role_of,
};
use causeway_run::kyc::{
    Known, Papers, Sources, examine, examine_provider, lists, notice, prefill, questionnaire, sign,
    signing_key,
};
use causeway_run::launch::{compare, find};
use causeway_run::{RunError, State, Workspace, files};
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
                &packs(args.rules.as_deref())?,
                &market,
                at,
                args.site.as_ref(),
                &crate::verbs::plan::records(context, &files)?,
                false,
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
    files::write_new(path, &text)?;
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
        let source = Arc::new(SourceFile::new(path.as_str(), &text));
        let refusing = match role {
            Role::Customer => refusing(&gaps(&read::<Customer>(&source)?, &questions, day)),
            Role::Provider => refusing(&gaps(&read::<Provider>(&source)?, &questions, day)),
        };
        if !refusing.is_empty() {
            output.line(format_args!("refused without {refusing}"));
        }
        output.hint(format_args!(
            "fill in what is blank, then `causeway kyc sign {path} --key FILE`"
        ));
    }
    Ok(Exit::Done)
}

/// The rows without which a form is refused: `C1, C9 and C20`.
fn refusing(gaps: &[Gap]) -> String {
    let mut rows: Vec<&str> = gaps
        .iter()
        .filter(|gap| gap.then == IfMissing::Deny)
        .map(|gap| gap.id.as_str())
        .collect();
    rows.dedup();
    match rows.split_last() {
        None => String::new(),
        Some((one, [])) => (*one).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

fn sign_form(context: &Context, args: &KycSignArgs) -> Result<Exit, RunError> {
    let output = context.output;
    let source = source(&args.form, FORM_HELP)?;
    let now = causeway_domain::Env::now(context.env.as_ref());
    let day = jiff::tz::TimeZone::UTC.to_datetime(now).date();
    let (questions, _) = questionnaire()?;
    // A form that can't be read makes no key.
    let (text, lacks, key) = if role_of(&source) == Some(Role::Provider) {
        let form = read::<Provider>(&source)?;
        let key = signing_key(&args.key, &context.state)?;
        (sign(&form, &key)?, gaps(&form, &questions, day), key)
    } else {
        let form = read::<Customer>(&source)?;
        let key = signing_key(&args.key, &context.state)?;
        (sign(&form, &key)?, gaps(&form, &questions, day), key)
    };
    files::replace(&args.form, &text)?;
    let key = key.verifier().to_string();
    let refusing = refusing(&lacks);
    if output.json {
        output.document(&json!({"file": args.form, "key": key, "gaps": lacks}));
    } else {
        output.line(format_args!("signed {}", args.form));
        output.line(format_args!("give the key by another way:  {key}"));
        if refusing.is_empty() {
            output.hint(format_args!(
                "`causeway kyc check {} --run RUN --signer KEY` says what is left to ask",
                args.form
            ));
        } else {
            output.warn(format_args!(
                "without {refusing} the form is refused: fill that in and sign again"
            ));
        }
    }
    Ok(Exit::Done)
}

const FORM_HELP: &str = "`causeway kyc questionnaire -o customer.yaml` writes one to fill";
const PROVIDER_HELP: &str =
    "`causeway kyc questionnaire --role provider -o provider.yaml` writes one to fill";
const OBSERVED_HELP: &str = "docs/formats/kyc.md has the members of observed.yaml";

/// The text of a file of this verb's own; where it is not there, how to come by one.
fn source(path: &Utf8Path, help: &str) -> Result<Arc<SourceFile>, RunError> {
    files::source(path).map_err(|error| match error {
        RunError::Read { path, error, .. } if error.kind() == std::io::ErrorKind::NotFound => {
            RunError::Read {
                path,
                error,
                help: help.to_owned(),
            }
        }
        other => other,
    })
}

fn read<F: Form>(source: &Arc<SourceFile>) -> Result<Filed<F>, RunError> {
    F::read(source).map_err(|problems| RunError::Files { problems })
}

fn read_observed(records: &KycRecords) -> Result<Option<Filed<Observed>>, RunError> {
    records
        .observed
        .as_ref()
        .map(|path| {
            observed(&source(path, OBSERVED_HELP)?).map_err(|problems| RunError::Files { problems })
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
        (Some(path), _) => source(path, FORM_HELP)?,
        (None, Some(attached)) => attached,
        (None, None) => {
            return Err(RunError::Value {
                what: "the evidence pack holds no form; name the customer's form".to_owned(),
            });
        }
    };
    let form = match role_of(&source) {
        Some(Role::Provider) => Given::Provider(Box::new(read::<Provider>(&source)?)),
        Some(Role::Customer) | None => Given::Customer(Box::new(read::<Customer>(&source)?)),
    };
    let provider = args
        .provider
        .as_ref()
        .map(|path| read::<Provider>(&self::source(path, PROVIDER_HELP)?))
        .transpose()?;
    let (customer, provider) = match &form {
        Given::Customer(form) => (Some(form.as_ref()), provider.as_ref()),
        Given::Provider(form) => (None, Some(form.as_ref())),
    };
    let observed = read_observed(&args.records)?;
    // Whose lines and lists count: those of the one who checks.
    let own = context
        .organisation
        .as_ref()
        .map(|path| {
            organisation::parse(&files::source(path)?)
                .map_err(|problems| RunError::Files { problems })
        })
        .transpose()?;
    let kyc = match &own {
        Some(own) => own.file.kyc.clone(),
        None => papers
            .as_ref()
            .and_then(Papers::own_lines)
            .unwrap_or_default(),
    };
    let rules = args.records.rules.as_deref();
    let (packs, market) = (packs(rules)?, causeway_run::market(None)?);
    let workspace = State::exists(&context.state)
        .then(|| context.workspace())
        .transpose()?;
    let lists = lists(
        workspace.as_ref().map(Workspace::shelf),
        papers.as_ref(),
        own.as_ref(),
        customer,
    )?;
    let sources = Sources {
        papers: papers.as_ref(),
        form: customer,
        provider,
        observed: observed.as_ref(),
        packs: &packs,
        market: &market,
        lists: &lists,
        kyc: &kyc,
        at: causeway_domain::Env::now(context.env.as_ref()),
    };
    let signer = args.signer.as_deref().or(kyc.signer.as_deref());
    let checked = match &form {
        Given::Customer(form) => examine(form, &sources, signer)?,
        Given::Provider(form) => examine_provider(form, &sources, signer)?,
    };
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
        answer::print(context.output, &source.name, &checked);
    }
    Ok(exit)
}

/// The form that is checked.
enum Given {
    Customer(Box<Filed<Customer>>),
    Provider(Box<Filed<Provider>>),
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
        &packs(args.records.rules.as_deref())?,
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
