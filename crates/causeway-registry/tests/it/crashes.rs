//! Stopped at any instant, repeated at any time, by several at once.

use std::collections::BTreeSet;

use causeway_registry::{FAULT_POINTS, Pointers, RegistryError};
use serde_json::Value;

use crate::home::{Crashing, Home, at, run, tiny};

/// The one path that a run takes through the registry.
fn deliver(home: &Home, second: i64, env: &Crashing) -> Result<(), RegistryError> {
    home.try_admit(&tiny(b"new"), second, env)?;
    home.registry.promote(&home.model, None, at(second), env)?;
    Ok(())
}

/// Without instants: a repeat happens later.
fn outcome(home: &Home) -> (Option<String>, Option<String>, usize, Vec<String>) {
    let Pointers {
        main,
        production,
        history,
    } = home.registry.pointers(&home.model).unwrap();
    (
        main,
        production,
        history.len(),
        home.tree()
            .into_keys()
            .map(|file| file.strip_prefix(&home.dir).unwrap().to_string())
            .collect(),
    )
}

#[test]
fn a_crash_at_every_point_ends_as_if_there_had_been_none() {
    let straight = Home::new();
    straight.admit(&tiny(b"old"), 0);
    deliver(&straight, 1, &Crashing::at("")).unwrap();

    for point in FAULT_POINTS {
        let home = Home::new();
        home.admit(&tiny(b"old"), 0);
        let env = Crashing::at(point);
        assert!(
            matches!(deliver(&home, 1, &env), Err(RegistryError::Crash(_))),
            "{point}"
        );
        assert!(env.crashed(), "{point} was passed");
        // What is there can be read at once, before anything is repeated.
        home.registry.resolve(&home.model, "main").unwrap();
        assert_eq!(home.registry.verify(&home.model).unwrap(), [], "{point}");
        for second in [2, 3] {
            deliver(&home, second, &Crashing::at("")).unwrap();
            assert_eq!(outcome(&home), outcome(&straight), "{point}");
        }
    }
}

#[test]
fn a_first_admission_that_stopped_is_no_model_yet() {
    let home = Home::new();
    home.try_admit(&tiny(b"new"), 0, &Crashing::at("admit.revision.written"))
        .unwrap_err();
    assert!(home.registry.models().unwrap().is_empty());
    assert!(!home.registry.exists(&home.model).unwrap());
    home.try_admit(&tiny(b"new"), 1, &Crashing::at("admit.revision"))
        .unwrap_err();
    let models = home.registry.models().unwrap();
    assert_eq!(
        (models[0].revisions.len(), models[0].main.as_ref()),
        (1, None)
    );
    assert!(matches!(
        home.registry.resolve(&home.model, "main"),
        Err(RegistryError::RevisionNotFound { .. })
    ));
}

#[test]
fn a_run_that_repeats_its_admission_late_does_not_take_main_back() {
    let home = Home::new();
    home.try_admit(&tiny(b"early"), 0, &Crashing::at("admit.pointer"))
        .unwrap_err();
    let files = home.list(&tiny(b"late"));
    let late = home
        .registry
        .admit(
            &home.model,
            files,
            Some(&run(2)),
            Value::Null,
            at(1),
            &Crashing::at(""),
        )
        .unwrap();
    home.admit(&tiny(b"early"), 2);
    assert_eq!(home.registry.resolve(&home.model, "main").unwrap(), late);
}

#[test]
fn two_registries_on_one_directory_lose_nothing() {
    const EACH: u32 = 8;
    let home = Home::new();
    let lists: Vec<Vec<_>> = (0..2)
        .map(|who| {
            (0..EACH)
                .map(|what| home.list(&[("n", format!("{who}-{what}").as_bytes())]))
                .collect()
        })
        .collect();
    std::thread::scope(|scope| {
        for lists in lists {
            let registry = home.open_again();
            let model = &home.model;
            scope.spawn(move || {
                for files in lists {
                    let revision = registry
                        .admit(model, files, None, Value::Null, at(0), &Crashing::at(""))
                        .unwrap();
                    registry
                        .promote(model, Some(&revision.commit), at(0), &Crashing::at(""))
                        .unwrap();
                    // Readers take no lock and never see half a change.
                    registry.resolve(model, "production").unwrap();
                }
            });
        }
    });
    let revisions = home.registry.revisions(&home.model).unwrap();
    let numbers: BTreeSet<_> = revisions.iter().map(|revision| revision.number).collect();
    assert_eq!(numbers, (1..=2 * EACH).collect(), "each number once");
    assert_eq!(
        home.registry.pointers(&home.model).unwrap().history.len(),
        4 * EACH as usize
    );
    assert_eq!(home.registry.verify(&home.model).unwrap(), []);
}
