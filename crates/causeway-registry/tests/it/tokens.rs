//! Who may ask.

use causeway_domain::Secret;
use causeway_registry::ServeOptions;

use crate::home::{Home, tiny};

const TOKEN: &str = "hf_0123456789abcdef";

#[test]
fn with_a_token_every_route_wants_it() {
    let home = Home::new();
    home.admit(&tiny(b"one"), 0);
    let server = home.serve(ServeOptions {
        token: Some(Secret::new(TOKEN)),
        ..ServeOptions::default()
    });
    let good = format!("Bearer {TOKEN}");
    for path in [
        "/",
        "/healthz",
        "/api/whoami-v2",
        "/api/models",
        "/api/models/acme/tiny",
        "/api/models/acme/tiny/refs",
        "/acme/tiny/resolve/main/config.json",
    ] {
        for headers in [
            vec![],
            vec![("authorization", "Bearer wrong")],
            vec![("authorization", "Basic aGY6aGY=")],
        ] {
            let refused = server.ask("GET", path, &headers, "");
            assert_eq!(refused.status, 401, "{path}");
            assert!(
                !String::from_utf8_lossy(&refused.body).contains("acme"),
                "{path}"
            );
        }
        assert_eq!(
            server
                .ask("GET", path, &[("authorization", &good)], "")
                .status,
            200,
            "{path}"
        );
    }
    assert_eq!(
        server
            .ask("GET", "/api/whoami-v2", &[("authorization", &good)], "")
            .json()["type"],
        "user"
    );
}

#[test]
fn an_unknown_caller_can_not_tell_a_hidden_model_from_a_missing_one() {
    let home = Home::new();
    home.admit(&tiny(b"one"), 0);
    let server = home.serve(ServeOptions {
        token: Some(Secret::new(TOKEN)),
        ..ServeOptions::default()
    });
    for route in [
        "/api/models/acme/NAME",
        "/api/models/acme/NAME/tree/main",
        "/acme/NAME/resolve/main/config.json",
        "/acme/NAME/resolve/main/nowhere",
    ] {
        let [hidden, missing] =
            ["tiny", "none"].map(|name| format!("{:?}", server.get(&route.replace("NAME", name))));
        let without_date = |text: &str| text.split("\"date\"").next().unwrap().to_owned();
        assert_eq!(without_date(&hidden), without_date(&missing), "{route}");
        let answer = server.head(&route.replace("NAME", "tiny"));
        assert_eq!(answer.code(), (401, "RepoNotFound"));
        assert_eq!(answer.header("x-repo-commit"), "");
    }
    let known = server.ask(
        "GET",
        "/api/models/acme/none",
        &[("authorization", &format!("bearer {TOKEN}"))],
        "",
    );
    assert_eq!(known.code(), (404, "RepoNotFound"));
}

#[test]
fn without_a_token_only_this_machine_is_answered() {
    let home = Home::new();
    home.admit(&tiny(b"one"), 0);
    let server = home.serve(ServeOptions::default());
    let rebound = server.ask(
        "GET",
        "/acme/tiny/resolve/main/config.json",
        &[("host", "evil.example")],
        "",
    );
    assert_eq!(rebound.status, 421);
    let port = server.addr.port();
    for host in [format!("localhost:{port}"), format!("[::1]:{port}")] {
        assert_eq!(
            server
                .ask(
                    "GET",
                    "/acme/tiny/resolve/main/config.json",
                    &[("host", &host)],
                    ""
                )
                .status,
            200,
            "{host}"
        );
    }
    // A client that is logged in elsewhere sends a token of its own: it is no reason to refuse.
    assert_eq!(
        server
            .ask(
                "GET",
                "/api/models/acme/tiny",
                &[("authorization", "Bearer hf_of_another_hub")],
                ""
            )
            .status,
        200
    );
}
