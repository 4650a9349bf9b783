//! Who the customer is, as renter and provider see it: form, seal, check against a run and its evidence, notice.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::home::{Home, Run};

pub(crate) const CUSTOMER: &str = include_str!("kyc_forms/customer.yaml");
const PROVIDER: &str = include_str!("kyc_forms/provider.yaml");
const OBSERVED: &str = include_str!("kyc_forms/observed.yaml");

/// One H100 at a site that a folder stands in for; lists and rules are as old as the day of the test makes them.
pub(crate) const RENTED: &[(&str, &str)] = &[
    (
        "listed: none",
        "listed: {value: none, by: Acme, on: 2026-11-20}",
    ),
    (
        "cpus: 2, memory: 4 GB, price_per_hour: 1.20",
        "accelerator: H100, accelerators_per_node: 1, cpus: 2, memory: 4 GB, price_per_hour: 1.20",
    ),
    (
        "parameters: 1000, tokens: 1000",
        "parameters: 1e9, tokens: 1e9",
    ),
];
pub(crate) const LINES: &str = "\
screening: {lists: [csl], max_age_hours: 1000000}
kyc: {form: customer.yaml, list_days: 100000, rules_days: 100000}
";

/// A home with a run and a form of its renter.
pub(crate) struct Rented {
    pub(crate) home: Home,
    pub(crate) run: String,
}

impl Rented {
    fn new() -> Self {
        Self::of(rented())
    }

    pub(crate) fn of(home: Home) -> Self {
        import(&home);
        let done = home.causeway(&["run", "task.yaml", "--yes", "--site", "johor"]);
        assert_eq!(done.code, Some(0), "{done}");
        let status = home.causeway(&["status", "--json"]).json();
        let run = status["runs"][0]["run"]["id"].as_str().unwrap().to_owned();
        let rented = Self { home, run };
        rented.write("customer.yaml", CUSTOMER);
        rented.write("provider.yaml", PROVIDER);
        rented.write("observed.yaml", OBSERVED);
        rented
    }

    /// Writes a form of the day of the run.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let today = format!("{}-{}-{}", &self.run[..4], &self.run[4..6], &self.run[6..8]);
        let blank = self.home.causeway(&["kyc", "questionnaire"]).stdout;
        let digest = blank
            .lines()
            .find_map(|line| line.strip_prefix("questionnaire: "))
            .unwrap();
        let text = text
            .replace("TODAY", &today)
            .replace("QUESTIONNAIRE", digest);
        self.home.write(name, &text);
    }

    /// Signs a form and gives the public key.
    pub(crate) fn sign(&self, name: &str, key: &str) -> String {
        let signed = self
            .home
            .causeway(&["kyc", "sign", name, "--key", key, "--json"]);
        assert_eq!(signed.code, Some(0), "{signed}");
        signed.json()["key"].as_str().unwrap().to_owned()
    }

    pub(crate) fn check(&self, words: &[&str]) -> Run {
        let own = ["kyc", "check", "customer.yaml", "--run", &self.run];
        self.home.causeway(&[&own[..], words].concat())
    }

    /// What is printed, with days, runs, keys and signatures taken out.
    pub(crate) fn shown(&self, run: &Run) -> String {
        shown(&self.home, run)
    }
}

/// Takes in a few real rows of the Consolidated Screening List.
pub(crate) fn import(home: &Home) {
    let sample = format!(
        "{}/../causeway-parties/tests/data/lists/csl-real-sample.csv",
        env!("CARGO_MANIFEST_DIR")
    );
    let done = home.causeway(&["parties", "import", "csl", &sample, "--date", "2026-11-20"]);
    assert_eq!(done.code, Some(0), "{done}");
}

/// The answer of a flag, from the JSON of a check.
pub(crate) fn flag(checked: &Value, id: &str) -> Value {
    checked["checked"]["flags"]
        .as_array()
        .unwrap()
        .iter()
        .find(|flag| flag["id"] == id)
        .unwrap()
        .clone()
}

pub(crate) fn rented() -> Home {
    let home = Home::new();
    home.organisation(RENTED);
    let path = home.path("causeway.yaml");
    let text = std::fs::read_to_string(&path).unwrap() + LINES;
    std::fs::write(path, text).unwrap();
    let task = std::fs::read_to_string(home.path("task.yaml")).unwrap();
    home.write(
        "task.yaml",
        &task.replace("{cpus: 1+}", "{accelerators: \"H100:1\"}"),
    );
    home
}

fn shown(home: &Home, run: &Run) -> String {
    let folder = home.dir.path().to_str().unwrap();
    let text = format!(
        "exit {}\n--- stdout\n{}--- stderr\n{}",
        run.code.unwrap(),
        run.stdout,
        run.stderr
    );
    text.replace(folder, "[home]")
}

/// Snapshots of what differs from day to day and from key to key.
pub(crate) fn settings() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{8}T\d{6}Z-[a-z0-9]{6}", "[run]");
    settings.add_filter(
        r"causeway\.local/(kyc|log)\+[0-9a-f]{8}\+[A-Za-z0-9+/=]+",
        "[$1 key]",
    );
    settings.add_filter(r"causeway\.local/(kyc|log)\+[0-9a-f]{8}", "[$1 key]");
    settings.add_filter(r#"signature: "[^"]+""#, "signature: [signature]");
    settings.add_filter(r"\d{4}-\d{2}-\d{2}T[0-9:.]+Z", "[instant]");
    settings.add_filter(r"\b20\d{2}-\d{2}-\d{2}\b", "[day]");
    settings.add_filter(r"\b2100-12-31\b", "[day]");
    settings.add_filter(r"questionnaire: [0-9a-f]{64}", "questionnaire: [digest]");
    settings
}

#[test]
fn a_questionnaire_says_what_is_known_from_where_and_what_is_not() {
    let home = rented();
    let run = home.causeway(&[
        "kyc",
        "questionnaire",
        "--task",
        "task.yaml",
        "--site",
        "johor",
        "-o",
        "customer.yaml",
    ]);
    let form = std::fs::read_to_string(home.path("customer.yaml")).unwrap();
    settings().bind(|| {
        insta::assert_snapshot!("kyc_questionnaire", shown(&home, &run));
        insta::assert_snapshot!("kyc_questionnaire_form", form);
    });
    let again = home.causeway(&["kyc", "questionnaire", "-o", "customer.yaml"]);
    assert_eq!(again.code, Some(2), "{again}");
    assert!(again.stderr.contains("writing customer.yaml"), "{again}");
    assert!(again.stderr.contains("is not overwritten"), "{again}");
    let nowhere = home.causeway(&["kyc", "questionnaire", "-o", "nowhere/customer.yaml"]);
    assert_eq!(nowhere.code, Some(2), "{nowhere}");
    assert!(
        nowhere.stderr.contains("its folder must be there"),
        "{nowhere}"
    );
    let provider = home.causeway(&[
        "kyc",
        "questionnaire",
        "--role",
        "provider",
        "--task",
        "task.yaml",
        "--site",
        "johor",
    ]);
    assert_eq!(provider.code, Some(0), "{provider}");
    settings().bind(|| insta::assert_snapshot!("kyc_questionnaire_provider", provider.stdout));
    let organisation = std::fs::read_to_string(home.path("causeway.yaml")).unwrap();
    home.write(
        "causeway.yaml",
        &organisation.replacen(
            "    headquarters: SG\n",
            "    headquarters: SG\n    identifiers: [{scheme: registration, value: 201900000A, country: SG}]\n",
            1,
        ),
    );
    let numbered = home.causeway(&["kyc", "questionnaire"]).stdout;
    assert!(numbered.contains("number: \"201900000A\""), "{numbered}");
    assert!(
        numbered.contains("causeway.yaml, parties.acme.identifiers"),
        "{numbered}"
    );
}

#[test]
fn a_blank_form_is_refused_with_what_refuses_it_first() {
    let home = rented();
    let blank = home.causeway(&["kyc", "questionnaire", "-o", "customer.yaml"]);
    assert_eq!(blank.code, Some(0), "{blank}");
    let signed = home.causeway(&["kyc", "sign", "customer.yaml", "--key", "keys/me.pem"]);
    assert_eq!(signed.code, Some(0), "{signed}");
    assert!(
        signed
            .stderr
            .contains("without C1, C9 and C20 the form is refused"),
        "{signed}"
    );
    let run = home.causeway(&["kyc", "check", "customer.yaml"]);
    assert_eq!(run.code, Some(2), "{run}");
    settings().bind(|| insta::assert_snapshot!("kyc_check_refused", shown(&home, &run)));
}

#[test]
fn a_form_is_signed_in_place_and_an_answer_changed_after_it_refuses_it() {
    let rented = Rented::new();
    let form = rented.home.path("customer.yaml");
    std::fs::set_permissions(&form, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink("customer.yaml", rented.home.path("link.yaml")).unwrap();
    let signed = rented
        .home
        .causeway(&["kyc", "sign", "link.yaml", "--key", "keys/me.pem"]);
    settings().bind(|| insta::assert_snapshot!("kyc_sign", rented.shown(&signed)));
    assert!(rented.home.path("link.yaml").is_symlink());
    let mode = std::fs::metadata(&form).unwrap().permissions().mode();
    assert_eq!(
        mode & 0o777,
        0o600,
        "who could not read it before can't now"
    );
    let text = std::fs::read_to_string(&form).unwrap();
    assert_eq!(text.matches("\nseal: ").count(), 1);

    let key = rented.sign("customer.yaml", "keys/me.pem");
    let other = rented.sign("provider.yaml", "keys/you.pem");
    // Comments and layout are free.
    rented.home.write(
        "customer.yaml",
        &format!("# a remark\n{}", text.replace("4.3", "4.30")),
    );
    assert_eq!(rented.check(&["--signer", &key]).code, Some(4));
    for (from, to) in [
        ("Acme Research", "Acne Research"),
        ("flop: 6e18", "flop: 6e17"),
    ] {
        rented.home.write("customer.yaml", &text.replace(from, to));
        let run = rented.check(&["--signer", &key]);
        assert_eq!(run.code, Some(2), "{run}");
        assert!(
            run.stdout.contains("it was changed after it was signed"),
            "{run}"
        );
        assert!(run.stdout.contains("line 82, seal"), "{run}");
    }
    rented.home.write("customer.yaml", &text);
    let strange = rented.check(&["--signer", &other]);
    assert_eq!(strange.code, Some(2), "{strange}");
    assert!(strange.stdout.contains("not by the expected"), "{strange}");
    let rubbish = rented.check(&["--signer", "rubbish"]);
    assert_eq!(rubbish.code, Some(2), "{rubbish}");
    assert!(rubbish.stderr.contains("--signer KEY"), "{rubbish}");
    let inside =
        rented
            .home
            .causeway(&["kyc", "sign", "customer.yaml", "--key", ".causeway/me.pem"]);
    assert_eq!(inside.code, Some(2), "{inside}");
    assert!(
        inside.stderr.contains("lies in the state directory"),
        "{inside}"
    );
}

#[test]
fn a_check_with_every_fact_is_complete_and_one_without_asks() {
    let rented = Rented::new();
    let key = rented.sign("customer.yaml", "keys/me.pem");
    rented.sign("provider.yaml", "keys/provider.pem");
    let open = rented.check(&[]);
    assert_eq!(open.code, Some(4), "{open}");
    settings().bind(|| insta::assert_snapshot!("kyc_check_needs_review", rented.shown(&open)));
    let whole = [
        "--signer",
        &key,
        "--provider",
        "provider.yaml",
        "--observed",
        "observed.yaml",
    ];
    let complete = rented.check(&whole);
    assert_eq!(complete.code, Some(0), "{complete}");
    settings().bind(|| insta::assert_snapshot!("kyc_check_complete", rented.shown(&complete)));

    // Something that the provider saw raises a flag, and nothing else changes.
    rented.home.write(
        "observed.yaml",
        &OBSERVED.replace(
            "country: SG, anonymiser: false",
            "country: RU, anonymiser: true",
        ),
    );
    let raised = rented.check(&whole);
    assert_eq!(raised.code, Some(4), "{raised}");
    let checked = &rented.check(&[&whole[..], &["--json"]].concat()).json()["checked"];
    let flags: Vec<&str> = checked["flags"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|flag| flag["answer"] != "clear")
        .map(|flag| flag["id"].as_str().unwrap())
        .collect();
    assert_eq!(flags, ["rf10"], "{raised}");
    assert!(
        raised.stdout.contains("by way of an anonymiser"),
        "{raised}"
    );
}

#[test]
fn evidence_takes_the_form_to_the_provider_as_it_was_signed() {
    let rented = Rented::new();
    let signer = rented.sign("customer.yaml", "keys/me.pem");
    let wrote = rented
        .home
        .causeway(&["evidence", &rented.run, "-o", "run.evidence"]);
    assert_eq!(wrote.code, Some(0), "{wrote}");
    assert!(
        wrote
            .stdout
            .contains("with the customer's form: needs_review"),
        "{wrote}"
    );
    let again = rented
        .home
        .causeway(&["evidence", &rented.run, "-o", "run.evidence", "--json"]);
    let key = again.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(
        rented
            .home
            .stages()
            .iter()
            .filter(|stage| stage.starts_with("kyc/"))
            .count(),
        1,
        "the same answers are recorded once"
    );

    // The provider has the pack, the two keys and its own files.
    let provider = Home::new();
    for name in ["run.evidence", "provider.yaml", "observed.yaml"] {
        std::fs::copy(rented.home.path(name), provider.path(name)).unwrap();
    }
    import(&provider);
    provider.write("own.yaml", &(crate::home::ORGANISATION.to_owned() + LINES));
    let check = |pack: &str, words: &[&str]| {
        let own = [
            "kyc",
            "check",
            "--evidence",
            pack,
            "--key",
            &key,
            "--signer",
            &signer,
            "--organisation",
            "own.yaml",
        ];
        provider.causeway(&[&own[..], words].concat())
    };
    let run = check(
        "run.evidence",
        &["--provider", "provider.yaml", "--observed", "observed.yaml"],
    );
    assert_eq!(run.code, Some(4), "{run}");
    settings().bind(|| insta::assert_snapshot!("kyc_check_evidence", shown(&provider, &run)));

    // Another form in the pack is not the one that was signed.
    let text = std::fs::read_to_string(provider.path("run.evidence")).unwrap();
    let mut pack: Value = serde_json::from_str(&text).unwrap();
    let attachments = pack["attachments"].as_array_mut().unwrap();
    attachments.retain(|one| one["name"] != "kyc/customer.yaml");
    provider.write("cut.evidence", &serde_json::to_string(&pack).unwrap());
    let cut = check("cut.evidence", &[]);
    assert_eq!(cut.code, Some(1), "{cut}");
    assert!(
        cut.stderr.contains("does not hold what was signed"),
        "{cut}"
    );
    let wrong = provider.causeway(&[
        "kyc",
        "check",
        "--evidence",
        "run.evidence",
        "--key",
        &signer,
    ]);
    assert_eq!(wrong.code, Some(1), "{wrong}");
    assert!(wrong.stderr.contains("was made with the key"), "{wrong}");

    // The form that causeway.yaml names is gone.
    std::fs::remove_file(rented.home.path("customer.yaml")).unwrap();
    let gone = rented
        .home
        .causeway(&["evidence", &rented.run, "-o", "other.evidence"]);
    assert_eq!(gone.code, Some(2), "{gone}");
    assert!(
        gone.stderr.contains("`kyc.form` of causeway.yaml"),
        "{gone}"
    );
}

#[test]
fn a_provider_s_form_is_checked_by_the_customer() {
    let rented = Rented::new();
    let check = |words: &[&str]| {
        rented
            .home
            .causeway(&[&["kyc", "check", "provider.yaml"][..], words].concat())
    };
    let unsigned = check(&[]);
    assert_eq!(unsigned.code, Some(4), "{unsigned}");
    let key = rented.sign("provider.yaml", "keys/provider.pem");
    let run = check(&["--signer", &key]);
    assert_eq!(run.code, Some(0), "{run}");
    settings().bind(|| insta::assert_snapshot!("kyc_check_provider", rented.shown(&run)));
    // What is taken from a form that was changed after it was signed is not known.
    let signed = std::fs::read_to_string(rented.home.path("provider.yaml")).unwrap();
    rented
        .home
        .write("provider.yaml", &signed.replace("count: 8", "count: 7"));
    assert_eq!(check(&["--signer", &key]).code, Some(2));
    rented.sign("customer.yaml", "keys/me.pem");
    let with = rented.check(&["--provider", "provider.yaml", "--observed", "observed.yaml"]);
    assert!(
        with.stdout.contains(
            "missing: the provider's form: provider.yaml: the seal is not over this form"
        ),
        "{with}"
    );
}

#[test]
fn what_is_wrong_is_said_once_at_its_line() {
    let rented = Rented::new();
    let form = std::fs::read_to_string(rented.home.path("customer.yaml")).unwrap();
    let says = |words: &[&str], text: &[&str]| {
        let run = rented.home.causeway(words);
        assert_eq!(run.code, Some(2), "{words:?}: {run}");
        for text in text {
            assert!(run.stderr.contains(text), "`{text}`: {run}");
        }
        run
    };
    let slip = form
        .replace("legal: Acme", "legel: Acme")
        .replace("headquarters: SG\n", "headquarters: Singapore\n")
        .replace("flop: 6e18", "flop: 1e40");
    rented.home.write("slip.yaml", &slip);
    let run = says(
        &["kyc", "check", "slip.yaml"],
        &["did you mean `legal`?", "write `SG` for Singapore", "1e+40"],
    );
    settings().bind(|| insta::assert_snapshot!("kyc_check_slips", rented.shown(&run)));
    for (name, text) in [
        ("empty.yaml", ""),
        ("text.yaml", "just text\n"),
        ("open.yaml", "names: [\n"),
    ] {
        rented.home.write(name, text);
        let run = says(&["kyc", "check", name], &[&format!("{name}:1:")]);
        assert_eq!(
            run.stderr.matches("error: ").count(),
            2,
            "one remark: {run}"
        );
        says(
            &["kyc", "sign", name, "--key", "keys/me.pem"],
            &[&format!("{name}:1:")],
        );
    }
    says(
        &[
            "kyc",
            "check",
            "customer.yaml",
            "--provider",
            "customer.yaml",
        ],
        &[
            "customer.yaml:1:7",
            "this is a customer's form; here belongs a provider's form",
        ],
    );
    says(
        &[
            "kyc",
            "check",
            "customer.yaml",
            "--observed",
            "provider.yaml",
        ],
        &["provider.yaml:1:7", "this is a provider's form"],
    );
    says(
        &["kyc", "check", "task.yaml"],
        &["task.yaml:1:1", "this is not a customer's form"],
    );
    says(
        &["kyc", "check", "absent.yaml"],
        &["causeway kyc questionnaire"],
    );
    says(&["kyc", "check", "."], &["text file"]);
    says(
        &[
            "kyc",
            "check",
            "customer.yaml",
            "--run",
            "20200101T000000Z-aaaaaa",
        ],
        &["there is no run"],
    );
    says(
        &["kyc", "check", "customer.yaml", "--run", "nonsense"],
        &["is not a run id"],
    );
    says(
        &["kyc", "report", "20200101T000000Z-aaaaaa"],
        &["there is no run"],
    );
    says(
        &["kyc", "sign", "absent.yaml", "--key", "keys/me.pem"],
        &["causeway kyc questionnaire"],
    );
    assert!(
        !rented.home.path("keys").exists(),
        "no key is made for a form that can't be read"
    );
}

#[test]
fn a_notice_has_its_compute_two_ways() {
    let rented = Rented::new();
    let plain = rented.home.causeway(&["kyc", "report", &rented.run]);
    assert_eq!(plain.code, Some(0), "{plain}");
    let mut settings = settings();
    // The job's seconds are its own.
    settings.add_filter(r"hours( +)[0-9.]+", "hours$1[hours]");
    settings.add_filter(r"(as measured|at most)( +)[0-9.e]+ ", "$1$2[operations] ");
    settings.bind(|| insta::assert_snapshot!("kyc_report", rented.shown(&plain)));
    // Thresholds are those of the packs that are loaded, of whichever jurisdiction.
    rented.home.write(
        "rules/sg/definitions-compute.yaml",
        "items: [{class: large model, is: {measure: train_ops, ge: 6e18}}]\n",
    );
    let own = rented
        .home
        .causeway(&["kyc", "report", &rented.run, "--rules", "rules"]);
    assert!(
        own.stdout
            .contains("sg: large model: from 6e18; by the plan reached, as measured not known"),
        "{own}"
    );
    let measured = rented
        .home
        .causeway(&[
            "kyc",
            "report",
            &rented.run,
            "--observed",
            "observed.yaml",
            "--json",
        ])
        .json();
    assert_eq!(
        measured["compute"]["planned"]["known"][0], "6000000000000000000",
        "{measured}"
    );
}
