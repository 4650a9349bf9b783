//! Approvals: signed by reviewers with ssh keys, counted down, fallen when a fact changes.

use std::process::Command;

use crate::home::{Home, Run};

/// A home whose customer sits in a D:5 country, with two reviewers; the keys lie outside the state directory.
struct Reviewed {
    home: Home,
    reviewers: String,
}

impl Reviewed {
    fn new(replacements: &[(&str, &str)], more: &str) -> Self {
        let home = Home::new();
        let mut reviewers = "reviewers:\n".to_owned();
        for name in ["alice", "bob", "mallory"] {
            let key = home.path(name);
            let done = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
                .arg(&key)
                .status()
                .unwrap();
            assert!(done.success());
            let public = std::fs::read_to_string(key.with_extension("pub")).unwrap();
            if name != "mallory" {
                reviewers += &format!("  - {{name: {name}, public_key: {}}}\n", public.trim());
            }
        }
        home.organisation(replacements);
        let reviewed = Self { home, reviewers };
        reviewed.append(more);
        reviewed
    }

    /// Adds to causeway.yaml, with the reviewers.
    fn append(&self, more: &str) {
        let path = self.home.path("causeway.yaml");
        let mut text = std::fs::read_to_string(&path).unwrap();
        text += &self.reviewers;
        text += more;
        std::fs::write(path, text).unwrap();
    }

    fn draft(&self, words: &[&str], file: &str, changes: &[(&str, &str)]) {
        let mut all = vec![
            "approvals",
            "draft",
            "task.yaml",
            "--site",
            "johor",
            "-o",
            file,
        ];
        all.extend(words);
        let drafted = self.home.causeway(&all);
        assert_eq!(drafted.code, Some(0), "{drafted}");
        let path = self.home.path(file);
        let mut text = std::fs::read_to_string(&path).unwrap();
        for (from, to) in [("reason: \"\"", "reason: the reviewer looked")]
            .iter()
            .chain(changes)
        {
            assert!(text.contains(from), "`{from}`: {text}");
            text = text.replace(from, to);
        }
        std::fs::write(path, text).unwrap();
    }

    fn sign(&self, file: &str, key: &str) -> Run {
        self.home
            .causeway(&["approvals", "sign", file, "--key", key])
    }

    fn file(&self, file: &str) -> Run {
        self.home.causeway(&["approvals", "file", file])
    }

    fn give(&self, words: &[&str], file: &str, changes: &[(&str, &str)]) {
        self.draft(words, file, changes);
        let signed = self.sign(file, "alice");
        assert_eq!(signed.code, Some(0), "{signed}");
        let filed = self.file(file);
        assert_eq!(filed.code, Some(0), "{filed}");
    }

    fn run(&self) -> Run {
        self.home
            .causeway(&["run", "task.yaml", "--yes", "--site", "johor"])
    }
}

const D5: &[(&str, &str)] = &[(
    "headquarters: SG\n    listed: none",
    "headquarters: CN\n    listed: none",
)];

#[test]
fn remote_training_for_a_d5_party_waits_for_signed_determinations() {
    let reviewed = Reviewed::new(D5, "facts: {kyc: complete, red_flags: resolved}\n");
    let home = &reviewed.home;
    let stated = home.causeway(&["plan", "task.yaml", "--site", "johor"]);
    assert_eq!(
        stated.code,
        Some(4),
        "a stated fact closes no doubt: {stated}"
    );
    reviewed.give(&["--fact", "kyc=complete"], "kyc.yaml", &[]);
    assert_eq!(reviewed.run().code, Some(4), "one of two doubts is open");
    reviewed.give(&["--fact", "red_flags=resolved"], "flags.yaml", &[]);
    let run = reviewed.run();
    assert_eq!(run.code, Some(0), "{run}");
    assert!(
        run.stdout.contains("record_kyc"),
        "the allow obliges: {run}"
    );
    assert_eq!(home.starts(), 1);
    home.assert_verifies();
    let explained = home.causeway(&["explain", "task.yaml", "--site", "johor", "--json"]);
    assert_eq!(explained.json()["outcome"], "allow", "{explained}");
}

#[test]
fn a_determination_falls_when_an_owner_changes_and_ends_when_it_is_withdrawn() {
    let reviewed = Reviewed::new(D5, "");
    let home = &reviewed.home;
    reviewed.give(&["--fact", "kyc=complete"], "kyc.yaml", &[]);
    reviewed.give(&["--fact", "red_flags=resolved"], "flags.yaml", &[]);
    let plan = |home: &Home| {
        home.causeway(&["plan", "task.yaml", "--site", "johor"])
            .code
    };
    assert_eq!(plan(home), Some(0));
    let mut other = D5.to_vec();
    other.push((
        "name: The family, kind: person, headquarters: MY",
        "name: The family, kind: person, headquarters: ID",
    ));
    home.organisation(&other);
    reviewed.append("");
    assert_eq!(
        plan(home),
        Some(4),
        "an owner of the provider lives elsewhere now"
    );
    home.organisation(D5);
    reviewed.append("");
    assert_eq!(plan(home), Some(0));
    let listed = home.causeway(&["approvals", "list", "--json"]).json();
    let id = listed["approvals"][0]["approval"]["signed"]["approval"]["approval"]
        .as_str()
        .unwrap()
        .to_owned();
    let withdrawn = home.causeway(&[
        "approvals",
        "withdraw",
        &id,
        "--reason",
        "a doubt came back",
    ]);
    assert_eq!(withdrawn.code, Some(0), "{withdrawn}");
    assert_eq!(plan(home), Some(4));
    let list = home.causeway(&["approvals", "list"]);
    assert!(
        list.stdout.contains("withdrawn: a doubt came back"),
        "{list}"
    );
    home.assert_verifies();
}

#[test]
fn only_reviewers_sign_and_four_eyes_are_two_people() {
    let reviewed = Reviewed::new(D5, "approvals: {four_eyes: true}\n");
    reviewed.draft(&["--fact", "kyc=complete"], "kyc.yaml", &[]);
    assert_eq!(
        reviewed.sign("kyc.yaml", "mallory").code,
        Some(0),
        "anybody can sign"
    );
    let filed = reviewed.file("kyc.yaml");
    assert_ne!(filed.code, Some(0));
    assert!(
        filed.stderr.contains("under `reviewers`"),
        "and it does not count: {filed}"
    );
    for entry in std::fs::read_dir(reviewed.home.path(".")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sig") {
            std::fs::remove_file(path).unwrap();
        }
    }
    reviewed.sign("kyc.yaml", "alice");
    let one = reviewed.file("kyc.yaml");
    assert!(one.stderr.contains("1 of 2 reviewers"), "{one}");
    reviewed.sign("kyc.yaml", "bob");
    let two = reviewed.file("kyc.yaml");
    assert_eq!(two.code, Some(0), "{two}");
    assert!(two.stdout.contains("alice and bob"), "{two}");
    let changed = std::fs::read_to_string(reviewed.home.path("kyc.yaml")).unwrap() + "\n";
    reviewed.home.write("kyc.yaml", &changed);
    let changed = reviewed.file("kyc.yaml");
    assert!(
        changed.stderr.contains("under `reviewers`"),
        "a changed byte voids it: {changed}"
    );
}

#[test]
fn a_key_in_the_state_directory_signs_nothing() {
    let reviewed = Reviewed::new(D5, "");
    reviewed.draft(&["--fact", "kyc=complete"], "kyc.yaml", &[]);
    std::fs::create_dir_all(reviewed.home.path(".causeway")).unwrap();
    std::fs::copy(
        reviewed.home.path("alice"),
        reviewed.home.path(".causeway/alice"),
    )
    .unwrap();
    let signed = reviewed.sign("kyc.yaml", ".causeway/alice");
    assert_ne!(signed.code, Some(0));
    assert!(signed.stderr.contains("state directory"), "{signed}");
}

/// Persons whose data leave China need a filed contract from 100,000 up.
const CHINA: &[(&str, &str)] = &[
    (
        "corpus: {path: data, class: none, records: 1, origin: SG}",
        "corpus: {path: data, class: cn_ordinary, persons: 150000, important: false, records: 1, origin: CN}",
    ),
    (
        "    listed: none\n    owners: [{party: founders",
        "    ciio: false\n    listed: none\n    owners: [{party: founders",
    ),
];

const HOME_GROWN: &str = "facts: {collected_abroad: false}\n";

#[test]
fn an_authorisation_lifts_its_rule_within_its_quantity_and_is_counted_down() {
    let reviewed = Reviewed::new(CHINA, HOME_GROWN);
    let home = &reviewed.home;
    let plan = home.causeway(&["plan", "task.yaml", "--site", "johor"]);
    assert_eq!(plan.code, Some(5), "{plan}");
    reviewed.give(
        &["--authorisation", "CN_SCC_FILED"],
        "scc.yaml",
        &[
            ("number: \"\"", "number: CAC-1"),
            ("issued_by: \"\"", "issued_by: CAC"),
            ("# quantity: {chips: 64}", "quantity: {persons: 200000}"),
        ],
    );
    let run = reviewed.run();
    assert_eq!(run.code, Some(0), "{run}");
    let list = home.causeway(&["approvals", "list"]);
    assert!(list.stdout.contains("50000 of 200000 persons"), "{list}");
    let again = reviewed.run();
    assert_eq!(again.code, Some(5), "too little is left: {again}");
    assert_eq!(home.starts(), 1);
    home.assert_verifies();
}

#[test]
fn persons_are_added_up_over_datasets_and_runs() {
    // Each set alone stays under 100,000; together they do not.
    let two = CHINA[0].1.replace("150000", "60000")
        + "\n  second: {path: model, class: cn_ordinary, persons: 60000, important: false, records: 1, origin: CN}";
    let reviewed = Reviewed::new(
        &[(CHINA[0].0, &two), CHINA[1], ("code: [model], ", "")],
        HOME_GROWN,
    );
    let plan = reviewed
        .home
        .causeway(&["plan", "task.yaml", "--site", "johor"]);
    assert_eq!(plan.code, Some(5), "two sets in one plan: {plan}");

    // One after the other, in two runs.
    let half = two.replace("second: {path: model", "second: {path: other");
    let reviewed = Reviewed::new(&[(CHINA[0].0, &half), CHINA[1]], HOME_GROWN);
    let home = &reviewed.home;
    home.write("other/x.txt", "another set\n");
    let first = reviewed.run();
    assert_eq!(first.code, Some(0), "{first}");
    let text = std::fs::read_to_string(home.path("task.yaml")).unwrap();
    home.write("task.yaml", &text.replace("data: ./data", "data: ./other"));
    let second = reviewed.run();
    assert_eq!(
        second.code,
        Some(5),
        "the second set in another run: {second}"
    );
    home.assert_verifies();
}
