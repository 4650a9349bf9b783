use super::*;
use rust_decimal::Decimal;

fn read_text(text: &str) -> Result<Task, Vec<String>> {
    parse(&Arc::new(SourceFile::new("demo/task.yaml", text))).map_err(|problems| {
        problems
            .iter()
            .map(|p| format!("{p} | {}", p.help.clone().unwrap_or_default()))
            .collect()
    })
}

#[test]
fn all_forms_of_accelerators_mean_the_same() {
    for text in ["A100:8", "{A100: 8}", "{A100:8}", "[\"A100:8\"]"] {
        let task = read_text(&format!("resources:\n  accelerators: {text}\nrun: x\n")).unwrap();
        assert_eq!(
            task.resources.accelerators,
            [("A100".to_owned(), 8)],
            "{text}"
        );
    }
    let task = read_text("resources: {gpus: H100}\nrun: x\n").unwrap();
    assert_eq!(task.resources.accelerators, [("H100".to_owned(), 1)]);
}

#[test]
fn amounts_and_alternatives() {
    let task = read_text("resources:\n  cpus: 8+\n  memory: 4x\n  infra: k8s/ctx\n  any_of: [{infra: aws/us-east-1, use_spot: yes}, {memory: 32+}]\nrun: x\n").unwrap();
    assert_eq!(
        task.resources.cpus,
        Some(AtLeast {
            amount: Decimal::from(8),
            or_more: true
        })
    );
    let [first, second] = task.resources.choices() else {
        panic!("two")
    };
    assert!(first.use_spot);
    assert_eq!(first.infra.region.as_deref(), Some("us-east-1"));
    assert_eq!(
        (
            second.infra.cloud.as_deref(),
            second.memory_gb.map(|m| m.amount)
        ),
        (Some("kubernetes"), Some(Decimal::from(32)))
    );
}

#[test]
fn unknown_words_are_errors_with_a_hint() {
    let found = read_text("resource:\n  cpus: 2\nrun: x\n").unwrap_err();
    assert_eq!(
        found,
        ["demo/task.yaml:1:1: error: unknown field `resource` | did you mean `resources`?"]
    );
    let found = read_text("resources:\n  acclerators: A100\nnum_nodes: 0\nrun: [x]\n").unwrap_err();
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(
        found
            .iter()
            .any(|p| p.contains("did you mean `accelerators`?")),
        "{found:?}"
    );
}

#[test]
fn envs_take_what_skypilots_loader_takes() {
    let task =
        read_text("name: t\nenvs: {N: 20, F: 0.5, B: true, EMPTY: }\nsecrets: [TOKEN]\nrun: x\n")
            .unwrap();
    let value = |name: &str| task.envs.get(name).unwrap().clone();
    assert_eq!(
        (
            value("N").as_deref(),
            value("F").as_deref(),
            value("B").as_deref(),
            value("EMPTY")
        ),
        (Some("20"), Some("0.5"), Some("True"), None)
    );
    assert_eq!(task.secrets.get("TOKEN"), Some(&None));
    assert!(read_text("envs: {1X: 2}\nrun: x\n").is_err());
}

#[test]
fn what_is_valid_and_not_run_is_a_warning() {
    let task = read_text("service: {replicas: 2, readiness_probe: /}\nfile_mounts: {/data: s3://b, /code: ./code}\nworkdir: {url: https://x}\nresources: {ports: 8080, image_id: docker:x}\nrun: x\n").unwrap();
    let words: Vec<_> = task.not_run.iter().map(ToString::to_string).collect();
    assert_eq!(words.len(), 4, "{words:?}");
    assert_eq!(task.mounts.len(), 1);
    assert_eq!(task.warnings.len(), 1);
}

#[test]
fn variables_are_filled_in_before_paths_are_read() {
    let task =
        read_text("envs: {D: data}\nfile_mounts: {/in: \"./${D}/$D/$OTHER\"}\nrun: x\n").unwrap();
    assert_eq!(task.mounts[0].source, "./data/data/$OTHER");
}

#[test]
fn a_pipeline_is_one_warning() {
    let task = read_text("name: chain\n---\nrun: a\n---\nrun: b\n").unwrap();
    assert_eq!(task.name, "chain");
    assert_eq!(task.not_run.len(), 1);
}

#[test]
fn a_file_without_a_name_takes_its_own() {
    assert_eq!(read_text("run: x\n").unwrap().name, "task");
}

#[test]
fn what_is_kept_of_a_file_has_no_secret_and_still_reads() {
    let text = "secrets: {A: \"hush one\", B: hush-two, C: null}\nenvs: {D: keep}\nrun: x\n";
    let kept = read_text(text).unwrap().text_without_secrets();
    assert_eq!(
        kept,
        "secrets: {A: null, B: null, C: null}\nenvs: {D: keep}\nrun: x\n"
    );
    assert_eq!(read_text(&kept).unwrap().secrets.len(), 3);
    let lines = read_text("secrets:\n  KEY: |\n    one\n    two\nrun: x\n").unwrap();
    assert_eq!(
        lines.not_run.len(),
        1,
        "a secret that can't be taken out of the text is not run"
    );
}
