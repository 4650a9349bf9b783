//! What only this machine can show: outliving a killed Causeway, and metadata services.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use causeway_backends::{Backend, Cloud, Engine, Ground, JobHandle, JobState, Local, Region};

use crate::jobs::exited;
use crate::site::{Site, TestEnv, block_on};

/// Not a test of its own: the process that `a_job_outlives_a_killed_causeway` kills.
#[test]
#[ignore = "started by another test"]
fn helper_that_launches_and_hangs() {
    #[expect(clippy::disallowed_methods, reason = "the other test says where")]
    let Ok(root) = std::env::var("CAUSEWAY_TEST_ROOT") else {
        return;
    };
    let ground = Ground::new(
        "somewhere".parse().unwrap(),
        root.into(),
        Arc::new(TestEnv::default()),
    );
    let site = Site::local();
    let engine: Engine = Local::new(ground.clone()).into();
    let mut spec = site.job("until [ -e ../go ]; do sleep 0.05; done; echo survived; exit 5");
    spec.directory = ground.root.join("run");
    spec.workdir = ground.root.join("run/work");
    let handle = block_on(engine.launch(&spec)).unwrap();
    drop(site);
    println!("handle {}", serde_json::to_string(&handle).unwrap());
    std::io::stdout().flush().unwrap();
    // Until the other test kills this process.
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn a_job_outlives_a_killed_causeway() {
    let site = Site::local();
    for signal in [rustix::process::Signal::KILL, rustix::process::Signal::HUP] {
        site.sh(&format!("rm -rf '{}/run'", site.root));
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "local::helper_that_launches_and_hangs",
                "--ignored",
                "--nocapture",
            ])
            .env("CAUSEWAY_TEST_ROOT", &site.root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let line = output
            .lines()
            .map(Result::unwrap)
            .find(|line| line.contains("handle {"))
            .unwrap();
        let handle: JobHandle =
            serde_json::from_str(line.split_once("handle ").unwrap().1).unwrap();
        // The whole process group, as a closed terminal does it.
        let group = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process_group(group, signal).unwrap();
        assert!(!child.wait().unwrap().success());

        block_on(async {
            assert_eq!(site.engine.state(&handle).await.unwrap(), JobState::Running);
            site.sh(&format!("touch '{}/go'", handle.directory));
            assert_eq!(site.engine.wait(&handle).await.unwrap(), exited(5));
        });
    }
}

/// A metadata service of one cloud: answers by method, path and the header that the cloud asks for.
fn serve(answers: &'static [(&'static str, &'static str, &'static str)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        listener
            .incoming()
            .for_each(|stream| answer(&stream.unwrap(), answers))
    });
    url
}

fn answer(mut stream: &TcpStream, answers: &[(&str, &str, &str)]) {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while reader.read_line(&mut head).unwrap_or(0) > 2 {}
    let head = head.to_ascii_lowercase();
    let found = answers.iter().find(|(start, header, _)| {
        head.starts_with(&start.to_ascii_lowercase()) && head.contains(&header.to_ascii_lowercase())
    });
    let (status, body) = found.map_or(
        ("404 Not Found", "<html>\n<h1>no</h1>\n"),
        |(_, _, body)| ("200 OK", body),
    );
    let _ = write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
}

fn region(url: Option<String>) -> Region {
    let site = Site::local();
    let mut ground = Ground::new(
        "somewhere".parse().unwrap(),
        site.root.clone(),
        Arc::new(TestEnv::default()),
    );
    ground.metadata_url = url;
    block_on(Local::new(ground).probe()).unwrap().region
}

fn found(cloud: Cloud, region: &str, zone: &str) -> Region {
    Region::Found {
        cloud,
        region: region.to_owned(),
        zone: Some(zone.to_owned()),
    }
}

#[test]
fn each_clouds_metadata_tells_the_region() {
    let aws = serve(&[
        (
            "PUT /latest/api/token ",
            "x-aws-ec2-metadata-token-ttl-seconds: 60",
            "t0ken",
        ),
        (
            "GET /latest/meta-data/placement/region ",
            "x-aws-ec2-metadata-token: t0ken",
            "ap-southeast-1",
        ),
        (
            "GET /latest/meta-data/placement/availability-zone ",
            "x-aws-ec2-metadata-token: t0ken",
            "ap-southeast-1b",
        ),
    ]);
    assert_eq!(
        region(Some(aws)),
        found(Cloud::Aws, "ap-southeast-1", "ap-southeast-1b")
    );
    let gcp = serve(&[(
        "GET /computeMetadata/v1/instance/zone ",
        "metadata-flavor: google",
        "projects/7/zones/europe-west4-a",
    )]);
    assert_eq!(
        region(Some(gcp)),
        found(Cloud::Gcp, "europe-west4", "europe-west4-a")
    );
    let azure = serve(&[
        (
            "GET /metadata/instance/compute/location?",
            "metadata: true",
            "westeurope",
        ),
        (
            "GET /metadata/instance/compute/zone?",
            "metadata: true",
            "2",
        ),
    ]);
    assert_eq!(region(Some(azure)), found(Cloud::Azure, "westeurope", "2"));
    // OpenStack and others speak the first words of AWS, without tokens.
    let private = serve(&[(
        "GET /latest/meta-data/placement/availability-zone ",
        "",
        "nova-sg",
    )]);
    assert_eq!(
        region(Some(private)),
        found(Cloud::Aws, "nova-sg", "nova-sg")
    );
}

#[test]
fn a_portal_or_silence_is_no_region() {
    let portal = serve(&[("", "", "<html>\nplease=log in\n</html>\n")]);
    assert!(matches!(region(Some(portal)), Region::Declared { .. }));
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    assert!(
        matches!(region(Some(format!("http://{closed}"))), Region::Declared { why } if why.contains("gave no region"))
    );
}
