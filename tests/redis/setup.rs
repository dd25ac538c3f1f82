//! What a server must be, who may use it, and in which shapes it comes: one, behind Sentinel, a cluster.

use redis::Value;
use tickfleet_runtime::broker::{
    Broker, Durability,
    redis::{ConnectError, RedisBroker, RedisOptions, RedisUrl},
};
use tickfleet_tests::redis_server::{RedisCluster, RedisServer, Sentinel};

use crate::kit::{connect, new_run, options, query, submit, work_off};

async fn refused(options: &RedisOptions) -> ConnectError {
    match RedisBroker::connect(options).await {
        Ok(_) => panic!("{} was taken", options.url),
        Err(error) => error,
    }
}

fn at(url: &str) -> RedisOptions {
    RedisOptions::new(url.parse::<RedisUrl>().expect("a test's address is well formed"))
}

/// A message with all that it chains to.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

#[tokio::test]
async fn a_server_that_evicts_is_refused_with_the_command_that_mends_it() {
    let server = RedisServer::start_with(&["--save", "", "--maxmemory-policy", "allkeys-lru"]);
    let error = refused(&options(&server)).await;
    assert!(
        error.to_string().contains("CONFIG SET maxmemory-policy noeviction"),
        "{error}"
    );
    assert_eq!(server.command("CONFIG SET maxmemory-policy noeviction"), "+OK");
    connect(&server).await;
}

#[tokio::test]
async fn durability_is_what_the_server_has() {
    let fleeting = RedisServer::start();
    let broker = connect(&fleeting).await;
    assert_eq!(broker.report().durability, Durability::Memory);
    assert!(
        broker
            .report()
            .advice
            .iter()
            .any(|advice| advice.contains("appendonly yes"))
    );
    let logged = RedisServer::start_logged();
    let broker = connect(&logged).await;
    let asked = tickfleet_runtime::broker::NewRun {
        durability: Durability::Replicated,
        ..new_run("run", &[1])
    };
    assert_eq!(
        broker.submit(asked.clone()).await.expect("submit").durability,
        Durability::Logged,
        "no replica"
    );
    let replica = RedisServer::start();
    let primary = logged.address();
    assert_eq!(
        replica.command(&format!("REPLICAOF {} {}", primary.ip(), primary.port())),
        "+OK"
    );
    crate::kit::patiently(async || replica.command("INFO replication").len() > 1 && is_linked(&replica).await).await;
    assert_eq!(
        broker.submit(asked).await.expect("submit").durability,
        Durability::Replicated
    );
    let error = broker_on_replica(&replica).await;
    assert!(error.contains("replica"), "{error}");
}

async fn is_linked(replica: &RedisServer) -> bool {
    let info: String = query(replica, &["INFO", "replication"]).await;
    info.contains("master_link_status:up")
}

async fn broker_on_replica(replica: &RedisServer) -> String {
    whole(&refused(&options(replica)).await)
}

#[tokio::test]
async fn processes_agree_on_the_number_of_shards() {
    let server = RedisServer::start();
    connect(&server).await;
    let other = RedisOptions {
        shards: 4,
        ..options(&server)
    };
    assert!(matches!(
        refused(&other).await,
        ConnectError::OtherShards {
            found: 1,
            wanted: 4,
            ..
        }
    ));
    let elsewhere = RedisOptions {
        prefix: "other".to_owned(),
        ..other
    };
    RedisBroker::connect(&elsewhere)
        .await
        .expect("another prefix is another queue");
}

#[tokio::test]
async fn a_user_with_the_rights_of_the_advice_is_enough_and_passwords_stay_out_of_messages() {
    let server = RedisServer::start();
    let rule = "ACL SETUSER fleet on >geheim ~tf:* +@all -@dangerous +info";
    assert_eq!(server.command(rule), "+OK");
    assert_eq!(server.command("ACL SETUSER default off"), "+OK");
    let address = server.address();
    let broker = RedisBroker::connect(&at(&format!("redis://fleet:geheim@{address}")))
        .await
        .expect("the user may");
    submit(&broker, "run", &[3, 1]).await;
    assert_eq!(work_off(&broker, 2).await, 4);
    let run = broker.list().await.expect("list")[0].run;
    assert!(broker.audit(run, true).await.expect("audit").faults.is_empty());
    assert!(broker.sweep(true).await.expect("sweep").faults.is_empty());
    assert!(broker.workers().await.expect("workers").is_empty());
    for login in ["fleet:geheim-not", "nobody:geheim", "fleet"] {
        let error = whole(&refused(&at(&format!("redis://{login}@{address}"))).await);
        assert!(
            error.contains("check user and password") && !error.contains("geheim"),
            "{login}: {error}"
        );
    }
    let nobody_there = whole(&refused(&at("redis://fleet:geheim@127.0.0.1:1")).await);
    assert!(
        nobody_there.contains("fleet:***@127.0.0.1:1") && !nobody_there.contains("geheim"),
        "{nobody_there}"
    );
}

#[tokio::test]
async fn settings_out_of_bounds_are_refused() {
    let server = RedisServer::start();
    for bad in [
        RedisOptions {
            shards: 0,
            ..options(&server)
        },
        RedisOptions {
            prefix: "a{b}".to_owned(),
            ..options(&server)
        },
        RedisOptions {
            blocking_connections: 0,
            ..options(&server)
        },
        RedisOptions {
            result_life: std::time::Duration::ZERO,
            ..options(&server)
        },
    ] {
        assert!(matches!(refused(&bad).await, ConnectError::Setting { .. }));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_spreads_the_runs_over_its_nodes() {
    let cluster = RedisCluster::start(3);
    let options = at(&cluster.url());
    let broker = RedisBroker::connect(&options).await.expect("the cluster is fit");
    for n in 0..12 {
        submit(&broker, &format!("run-{n}"), &[4, 1]).await;
    }
    assert_eq!(broker.list().await.expect("list").len(), 12);
    assert_eq!(work_off(&broker, 3).await, 60);
    let mut used = 0;
    for node in cluster.nodes() {
        used += usize::from(query::<u64>(node, &["DBSIZE"]).await > 0);
    }
    assert!(used >= 2, "{used} nodes have keys");
    let waiting = std::sync::Arc::new(broker);
    let claiming = std::sync::Arc::clone(&waiting);
    let wait = std::time::Duration::from_secs(25);
    let task = tokio::spawn(async move { claiming.claim(crate::kit::request(1, wait)).await.expect("claim") });
    submit(&*waiting, "late", &[1]).await;
    assert_eq!(task.await.expect("no claim panics").len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sentinels_name_the_primary() {
    let primary = RedisServer::start();
    let sentinel = Sentinel::start(&primary, "main");
    let broker = RedisBroker::connect(&at(&sentinel.url()))
        .await
        .expect("the primary is found");
    submit(&broker, "run", &[2]).await;
    assert_eq!(work_off(&broker, 1).await, 2);
    let keys: Vec<Value> = query(&primary, &["KEYS", "tf:*"]).await;
    assert!(!keys.is_empty());
    let claims = broker
        .claim(crate::kit::request(1, std::time::Duration::from_millis(50)))
        .await
        .expect("claim");
    assert!(claims.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_encrypted_server_is_trusted_by_its_authority_only() {
    let authority = Authority::new();
    let (server, port) = authority.start_server();
    let trusting = RedisOptions {
        ca_pem: Some(authority.pem.clone().into_bytes()),
        ..at(&format!("rediss://localhost:{port}"))
    };
    let broker = RedisBroker::connect(&trusting).await.expect("the authority is trusted");
    submit(&broker, "run", &[2]).await;
    assert_eq!(work_off(&broker, 1).await, 2);
    let wait = std::time::Duration::from_millis(50);
    let idle = broker
        .claim(crate::kit::request(1, wait))
        .await
        .expect("a listener connects as well");
    assert!(idle.is_empty());
    let wary = RedisOptions {
        ca_pem: None,
        ..trusting.clone()
    };
    assert!(matches!(refused(&wary).await, ConnectError::Unreachable { .. }));
    let stranger = RedisOptions {
        ca_pem: Some(Authority::new().pem.into_bytes()),
        ..trusting
    };
    assert!(matches!(refused(&stranger).await, ConnectError::Unreachable { .. }));
    drop(server);
}

/// Who signs the certificates of a test.
struct Authority {
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
    pem: String,
    folder: tempfile::TempDir,
}

impl Authority {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().expect("a key");
        let mut terms = rcgen::CertificateParams::new(Vec::new()).expect("terms");
        terms.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let pem = terms.self_signed(&key).expect("a certificate").pem();
        Self {
            issuer: rcgen::Issuer::new(terms, key),
            pem,
            folder: tempfile::tempdir().expect("a temporary folder can be made"),
        }
    }

    /// A server that also listens, encrypted, on the port given back.
    fn start_server(&self) -> (RedisServer, u16) {
        let key = rcgen::KeyPair::generate().expect("a key");
        let terms = rcgen::CertificateParams::new(vec!["localhost".to_owned()]).expect("terms");
        let certificate = terms.signed_by(&key, &self.issuer).expect("a certificate");
        let mut files = Vec::new();
        for (name, text) in [
            ("cert", certificate.pem()),
            ("key", key.serialize_pem()),
            ("ca", self.pem.clone()),
        ] {
            let path = self.folder.path().join(name);
            std::fs::write(&path, text).expect("a fresh folder takes a file");
            files.push(path.display().to_string());
        }
        let port = tickfleet_tests::redis_server::free_port();
        let settings = [
            "--save",
            "",
            "--tls-port",
            &port.to_string(),
            "--tls-auth-clients",
            "no",
            "--tls-cert-file",
            &files[0],
            "--tls-key-file",
            &files[1],
            "--tls-ca-cert-file",
            &files[2],
        ];
        (RedisServer::start_with(&settings), port)
    }
}
