//! The customer's check against lists that were imported: the renter's own, and the provider's.

use crate::home::Home;
use crate::kyc::{CUSTOMER, LINES, RENTED, Rented, flag, import, rented, settings};

#[test]
fn names_like_an_entry_s_are_raised_with_the_list_and_its_day() {
    // Nobody here names a list: then nobody is known to stand on none.
    let home = rented();
    let path = home.path("causeway.yaml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("screening:", "# screening:")).unwrap();
    let none = Rented::of(home);
    none.sign("customer.yaml", "keys/me.pem");
    let checked = none
        .check(&["--observed", "observed.yaml", "--json"])
        .json();
    for id in ["rf1", "rf2", "rf3", "rf6"] {
        let found = flag(&checked, id);
        assert_eq!(found["answer"], "unknown", "{found}");
        assert!(
            found
                .to_string()
                .contains("`causeway parties import` takes one in"),
            "{found}"
        );
    }

    // Today's file names one, that was imported since.
    let own = none.check(&[
        "--observed",
        "observed.yaml",
        "--json",
        "--organisation",
        "own.yaml",
    ]);
    assert_eq!(own.code, Some(2), "there is no such file: {own}");
    none.home.write("own.yaml", &text);
    let own = none.check(&[
        "--observed",
        "observed.yaml",
        "--json",
        "--organisation",
        "own.yaml",
    ]);
    let found = flag(&own.json(), "rf1");
    assert_eq!(found["answer"], "clear", "{found}");
    assert!(
        found["why"]
            .as_str()
            .unwrap()
            .ends_with("screened against csl of 2026-11-20"),
        "{found}"
    );

    // A payer, a director and an address like an entry's.
    let listed = CUSTOMER
        .replace(
            "payer:\n  answer: {name: Acme Research Pte. Ltd.",
            "payer:\n  answer: {name: Atlas Sanatgaran",
        )
        .replace(
            "business: {text: \"1 Example Road, Singapore\", country: SG",
            "business: {text: \"Komitas 26/114, Yerevan, Armenia\", country: AM",
        );
    none.write("customer.yaml", &listed);
    none.sign("customer.yaml", "keys/me.pem");
    let checked = none.check(&["--observed", "observed.yaml", "--organisation", "own.yaml"]);
    assert_eq!(checked.code, Some(4), "{checked}");
    settings().bind(|| insta::assert_snapshot!("kyc_check_listed", none.shown(&checked)));
}

#[test]
fn the_provider_screens_the_parties_of_the_evidence_itself() {
    let home = rented();
    home.organisation(&[RENTED, &[("name: The founders", "name: SME Bank")]].concat());
    let path = home.path("causeway.yaml");
    let text = std::fs::read_to_string(&path).unwrap() + "kyc: {form: customer.yaml}\n";
    std::fs::write(&path, text).unwrap();
    let rented = Rented::of(home);
    let signer = rented.sign("customer.yaml", "keys/me.pem");
    let wrote = rented
        .home
        .causeway(&["evidence", &rented.run, "-o", "run.evidence", "--json"]);
    let key = wrote.json()["key"].as_str().unwrap().to_owned();
    let provider = Home::new();
    std::fs::copy(
        rented.home.path("run.evidence"),
        provider.path("run.evidence"),
    )
    .unwrap();
    let own = [
        "kyc",
        "check",
        "--evidence",
        "run.evidence",
        "--key",
        &key,
        "--signer",
        &signer,
        "--json",
    ];
    let alone = flag(&provider.causeway(&own).json(), "rf1");
    assert_eq!(alone["answer"], "unknown", "{alone}");
    assert!(
        alone.to_string().contains("screen the parties yourself"),
        "{alone}"
    );
    provider.organisation(&[]);
    let path = provider.path("causeway.yaml");
    let text = std::fs::read_to_string(&path).unwrap() + LINES;
    std::fs::write(&path, text).unwrap();
    // The list is named, and nobody took it in.
    provider.causeway(&["status"]);
    let with = [&own[..], &["--organisation", "causeway.yaml"]].concat();
    assert_eq!(
        flag(&provider.causeway(&with).json(), "rf1")["answer"],
        "unknown"
    );
    import(&provider);
    let found = flag(&provider.causeway(&with).json(), "rf1");
    assert_eq!(found["answer"], "raised", "{found}");
    let fact = found["facts"]
        .as_array()
        .unwrap()
        .iter()
        .find(|fact| fact["fact"].as_str().unwrap().contains("SME BANK"))
        .unwrap();
    assert_eq!(
        fact["source"], "screening against csl of 2026-11-20",
        "{found}"
    );
}
