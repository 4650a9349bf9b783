//! `causeway parties screen` as a compliance officer reads it, and what a reviewer's signature changes.

use std::process::Command;

use crate::home::{Home, Run};

fn sample(name: &str) -> String {
    format!(
        "{}/../causeway-parties/tests/data/lists/{name}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// An organisation, a reviewer with a key, and lists of 2026-11-24, looked at six hours later.
struct Screened {
    home: Home,
    reviewer: String,
}

impl Screened {
    fn new(parties: &str, lists: &str) -> Self {
        let home = Home::new();
        let key = home.path("alice");
        let done = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", "alice", "-f"])
            .arg(&key)
            .status()
            .unwrap();
        assert!(done.success());
        let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
        let screened = Self {
            home,
            reviewer: public.trim().to_owned(),
        };
        screened.organisation(parties, lists);
        for (format, list, file) in [
            ("csl", "csl", "csl-synthetic.json"),
            ("ftm", "ftm", "ftm-synthetic.jsonl"),
        ] {
            let file = sample(file);
            let words = [
                "parties",
                "import",
                format,
                &file,
                "--list",
                list,
                "--date",
                "2026-11-24",
            ];
            let run = screened.at("06:00", &words);
            assert_eq!(run.code, Some(0), "{run}");
        }
        screened
    }

    fn organisation(&self, parties: &str, lists: &str) {
        self.home.write(
            "causeway.yaml",
            &format!(
                "organisation: acme\nhome: {{country: SG}}\nscreening: {{lists: [{lists}]}}\nparties:\n  acme: {{name: Acme Research Pte. Ltd.}}\n{parties}\nreviewers:\n  - {{name: Alice, public_key: {}}}\n",
                self.reviewer
            ),
        );
    }

    fn at(&self, time: &str, words: &[&str]) -> Run {
        let now = format!("2026-11-24T{time}:00Z");
        self.home
            .causeway(&[&["--timestamp", &now], words].concat())
    }

    fn screen(&self) -> Run {
        self.at("12:00", &["parties", "screen"])
    }

    /// Runs the command that `screen` printed for an entry, signs what it wrote, and files it.
    fn determine(&self, entry: &str, is: &str) {
        let printed = self.screen().stdout;
        let command = printed
            .lines()
            .find_map(|line| {
                Some(
                    line.get(line.find("causeway approvals draft")?..)?
                        .to_owned(),
                )
            })
            .filter(|line| line.contains(entry))
            .unwrap_or_else(|| panic!("no command for {entry}: {printed}"));
        let words: Vec<&str> = command
            .split(' ')
            .skip(1)
            .map(|word| if word == "--another" { is } else { word })
            .collect();
        let file = words.last().unwrap().to_string();
        let drafted = self.at("12:00", &words);
        assert_eq!(drafted.code, Some(0), "{drafted}");
        let text = std::fs::read_to_string(self.home.path(&file)).unwrap();
        self.home.write(
            &file,
            &text.replace("reason: \"\"", "reason: the register says so"),
        );
        for words in [
            vec!["approvals", "sign", file.as_str(), "--key", "alice"],
            vec!["approvals", "file", file.as_str()],
        ] {
            let run = self.at("12:00", &words);
            assert_eq!(run.code, Some(0), "{run}");
        }
    }
}

#[test]
fn a_party_that_nothing_is_like_is_clear() {
    let screened = Screened::new("", "csl, ftm");
    let run = screened.screen();
    assert_eq!(run.code, Some(0), "{run}");
    insta::assert_snapshot!(run.stdout);
    assert!(!run.stderr.contains("reviewer"), "{run}");
}

#[test]
fn a_name_that_is_alike_stands_beside_the_entry() {
    let screened = Screened::new("  beishan: {name: Beishan Supercomputer Centre}", "csl");
    let run = screened.screen();
    assert_eq!(run.code, Some(4), "{run}");
    insta::assert_snapshot!(run.stdout);
    let json = screened
        .at("12:00", &["parties", "screen", "--json"])
        .json();
    let beishan = &json["screened"][1];
    assert_eq!(beishan["party"], "beishan");
    assert_eq!(
        beishan["findings"][0]["record"]["listings"][0]["policy"],
        "Policy of denial"
    );
    assert_eq!(json["lists"][0]["list"], "csl");
}

#[test]
fn an_equal_number_is_a_hit_and_another_number_a_review() {
    let screened = Screened::new(
        "  numbered: {name: Somebody Else, identifiers: [{scheme: lei, value: 5299SYN1000000000049}]}
  qinglan: {name: Qinglan Computing Technology, identifiers: [{scheme: lei, value: 5299SYN2000000000096}]}",
        "ftm",
    );
    let run = screened.screen();
    assert_eq!(run.code, Some(4), "{run}");
    insta::assert_snapshot!(run.stdout);
    let drafted = screened.at(
        "12:00",
        &[
            "approvals",
            "draft",
            "task.yaml",
            "--entry",
            "numbered=ftm:syn-qinglan",
            "--another",
        ],
    );
    assert_eq!(drafted.code, Some(2), "{drafted}");
    assert!(
        drafted.stderr.contains("a determination changes"),
        "{drafted}"
    );
}

#[test]
fn an_address_is_found_beside_the_room_that_is_listed() {
    let screened = Screened::new(
        "  tenant: {name: Tenant Trading, addresses: [\"Unit 15, 3/F, Sample Industrial Bldg., 5 Any St, Kwun Tong, Hong Kong\"]}",
        "csl",
    );
    let run = screened.screen();
    assert_eq!(run.code, Some(4), "{run}");
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn a_reviewer_determines_whether_an_entry_is_the_party() {
    let beishan = "  beishan: {name: Beishan Supercomputing Centre}";
    let screened = Screened::new(beishan, "csl");
    screened.determine("beishan=csl:syn-el-0002", "--another");
    let run = screened.screen();
    assert_eq!(run.code, Some(0), "{run}");
    insta::assert_snapshot!("determined_another", run.stdout);
    // Another name, and the determination is about somebody else.
    screened.organisation("  beishan: {name: Beishan Supercomputing}", "csl");
    assert_eq!(screened.screen().code, Some(4));

    let screened = Screened::new(beishan, "csl");
    screened.determine("beishan=csl:syn-el-0002", "--same");
    let run = screened.screen();
    assert_eq!(run.code, Some(4), "{run}");
    insta::assert_snapshot!("determined_the_same", run.stdout);
    let filed = screened.at("12:00", &["approvals", "list"]);
    assert!(
        filed.stdout.contains("beishan is csl syn-el-0002"),
        "{filed}"
    );
}

#[test]
fn lists_that_are_old_or_missing_clear_nobody() {
    let screened = Screened::new("", "csl, sdn");
    let missing = screened.screen();
    assert_eq!(missing.code, Some(4), "{missing}");
    insta::assert_snapshot!("list_missing", missing.stdout);
    screened.organisation("", "csl");
    let old = screened
        .home
        .causeway(&["--timestamp", "2026-11-26T12:00:00Z", "parties", "screen"]);
    assert_eq!(old.code, Some(4), "{old}");
    insta::assert_snapshot!("list_too_old", old.stdout);
}

#[test]
fn names_are_asked_about_without_an_organisation() {
    let screened = Screened::new("", "csl");
    let run = screened.at(
        "12:00",
        &[
            "parties",
            "screen",
            "Hongqiao Aero Research Institute",
            "Acme",
        ],
    );
    assert_eq!(run.code, Some(4), "{run}");
    insta::assert_snapshot!(run.stdout);
}

#[test]
fn a_blocked_person_that_a_reviewer_confirmed_is_prohibited() {
    let provider = "  strait: {name: Aircraft Avionics Parts and Support Ltd, headquarters: MY, owners: [], owners_complete: true}";
    let screened = Screened::new(provider, "ofac");
    let text = std::fs::read_to_string(screened.home.path("causeway.yaml")).unwrap();
    let text = text.replace(
        "acme: {name: Acme Research Pte. Ltd.}",
        "acme: {name: Acme Research Pte. Ltd., headquarters: SG, listed: none, owners: [], owners_complete: true}",
    ) + "presences:\n  - {entity: acme, provider: strait, account: a-1, site: johor}\nsites:\n  johor: {country: MY, operator: strait, engine: {local: {directory: site}}, stands_in_for: a site in Johor, offers: [{instance: node, cpus: 2, memory: 4 GB, price_per_hour: 1.20}]}\ndatasets:\n  corpus: {path: data, class: none, records: 1, origin: SG}\nworkloads:\n  demo: {model: acme/demo, code: [model], code_from: SG, code_entry: free, end_use: civil, closed: true, parameters: 1000, tokens: 1000, sequence_length: 8}\nfacts: {provider_us_person: true}\n";
    screened.home.write("causeway.yaml", &text);
    let files = ["sdn", "alt", "add"].map(|part| sample(&format!("ofac-{part}-real-sample.csv")));
    let [sdn, alt, add] = &files;
    let import = [
        "parties",
        "import",
        "ofac",
        sdn,
        alt,
        add,
        "--list",
        "ofac",
        "--date",
        "2026-11-24",
    ];
    let run = screened.at("06:00", &import);
    assert_eq!(run.code, Some(0), "{run}");
    let explain = ["explain", "task.yaml", "--site", "johor"];
    let open = screened.at("12:00", &explain);
    assert_eq!(open.code, Some(4), "a name is no judgement: {open}");
    screened.determine("ofac:19709", "--same");
    let blocked = screened.at("12:00", &explain);
    assert_eq!(blocked.code, Some(3), "{blocked}");
    assert!(blocked.stdout.contains("us-ofac-sdn"), "{blocked}");
    assert!(blocked.stdout.contains("on sdn for certain"), "{blocked}");
}

#[test]
fn before_any_import_it_says_how_to_import() {
    let home = Home::new();
    home.write(
        "causeway.yaml",
        "organisation: acme\nhome: {country: SG}\nscreening: {lists: [csl]}\nparties: {acme: {name: Acme}}\n",
    );
    let run = home.causeway(&["parties", "screen"]);
    assert_eq!(run.code, Some(2), "{run}");
    assert!(run.stderr.contains("causeway parties import"), "{run}");
}
