//! What a server, a network or a person can do to a run: each has its answer, and no job is lost or done twice.

use std::{
    net::SocketAddr,
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use redis::Value;
use tickfleet_protocol::{
    ids::{EventId, Identity},
    limits::DEFAULT_LEASE_MS,
};
use tickfleet_runtime::broker::{
    Broker, BrokerError, Claim, Commit, CommitOutcome, Durability, Held, NewRun, RunState,
    redis::{RedisBroker, RedisOptions, scripts},
};
use tickfleet_tests::redis_server::RedisServer;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::kit::{claim, commit_of, connect, options, patiently, query, request, standing, submit, work_off};

/// What a call gives in the end, the server being away for a while.
async fn in_the_end<T>(mut call: impl AsyncFnMut() -> Result<T, BrokerError>) -> T {
    let mut answer = None;
    patiently(async || match call().await {
        Ok(value) => {
            answer = Some(value);
            true
        }
        Err(error) => {
            assert!(error.is_retryable(), "{error:?}");
            false
        }
    })
    .await;
    answer.expect("the call went through")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_with_a_synced_log_comes_back_with_all_that_was_answered() {
    let mut server = RedisServer::start_synced();
    let broker = connect(&server).await;
    let run = submit(&broker, "run", &[200, 1]).await;
    let mut done = 0;
    for _ in 0..5 {
        let claims = claim(&broker, 20).await;
        let (committed, held) = claims.split_at(15);
        let outcomes = broker
            .commit(committed.iter().map(commit_of).collect())
            .await
            .expect("commit");
        done += outcomes.len() as u64;
        server.kill();
        let away = broker.beat(&[held[0].held()], DEFAULT_LEASE_MS).await;
        assert!(away.is_err_and(|error| error.is_retryable()), "the server is away");
        server.kill_and_restart();
        let again = in_the_end(async || broker.commit(committed.iter().map(commit_of).collect()).await).await;
        assert_eq!(again, vec![CommitOutcome::AlreadyDone; 15]);
        let held: Vec<Held> = held.iter().map(Claim::held).collect();
        assert!(
            broker.beat(&held, DEFAULT_LEASE_MS).await.expect("beat").is_empty(),
            "claims outlive the restart"
        );
        broker.hand_back(&held).await.expect("hand back");
        assert_eq!(standing(&broker, run).await, (RunState::Running, done, 0));
    }
    assert_eq!(work_off(&broker, 50).await, 201 - done);
    assert_eq!(standing(&broker, run).await, (RunState::Succeeded, 201, 0));
}

/// Written out every second, a log may lack the last words: then jobs are done again, and none is lost or counted twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_with_a_log_loses_no_job() {
    let mut server = RedisServer::start_logged();
    let broker = connect(&server).await;
    let asked = NewRun {
        durability: Durability::Logged,
        ..crate::kit::new_run("run", &[200, 1])
    };
    let submitted = broker.submit(asked).await.expect("submit");
    assert_eq!(submitted.durability, Durability::Logged);
    let mut held: Vec<Held> = Vec::new();
    for _ in 0..5 {
        let claims = claim(&broker, 20).await;
        held.extend(claims.iter().map(Claim::held));
        broker
            .commit(claims[..15].iter().map(commit_of).collect())
            .await
            .expect("commit");
        server.kill_and_restart();
        let again = in_the_end(async || broker.commit(claims[..15].iter().map(commit_of).collect()).await).await;
        assert!(!again.contains(&CommitOutcome::ResultMissing), "{again:?}");
        broker.hand_back(&held).await.expect("hand back");
    }
    work_off(&broker, 50).await;
    assert_eq!(standing(&broker, submitted.run).await, (RunState::Succeeded, 201, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forgotten_scripts_are_loaded_again() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    let run = submit(&broker, "run", &[3]).await;
    let claims = claim(&broker, 3).await;
    for (nth, claim) in claims.iter().enumerate() {
        assert_eq!(server.command("SCRIPT FLUSH"), "+OK");
        let outcomes = broker.commit(vec![commit_of(claim)]).await.expect("commit");
        assert_eq!(outcomes, [CommitOutcome::Committed], "claim {nth}");
    }
    assert_eq!(server.command("SCRIPT FLUSH"), "+OK");
    assert_eq!(standing(&broker, run).await, (RunState::Succeeded, 3, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wiped_server_has_lost_the_run_and_says_so() {
    let server = RedisServer::start();
    let broker = Arc::new(connect(&server).await);
    let run = submit(&*broker, "run", &[10]).await;
    let claims = claim(&*broker, 10).await;
    let last = broker
        .events(run, EventId::START, Duration::ZERO)
        .await
        .expect("events")
        .pop()
        .expect("an event")
        .0;
    let follower = Arc::clone(&broker);
    let following = tokio::spawn(async move { follower.events(run, last, Duration::from_secs(25)).await });
    let waiter = Arc::clone(&broker);
    let waiting = tokio::spawn(async move { waiter.claim(request(1, Duration::from_secs(25))).await });
    patiently(async || blocked(&server).await == 2).await;
    assert_eq!(server.command("FLUSHALL"), "+OK");
    let told = tokio::time::timeout(Duration::from_secs(20), following)
        .await
        .expect("nothing hangs");
    assert!(matches!(
        told.expect("no call panics"),
        Err(BrokerError::UnknownRun { .. })
    ));
    assert_eq!(broker.run(run).await.expect("run"), None);
    assert_eq!(
        broker.commit(vec![commit_of(&claims[0])]).await.expect("commit"),
        [CommitOutcome::Lost]
    );
    let held: Vec<Held> = claims.iter().map(Claim::held).collect();
    assert_eq!(broker.beat(&held, DEFAULT_LEASE_MS).await.expect("beat").len(), 10);
    broker.hand_back(&held).await.expect("hand back");
    assert!(matches!(broker.cancel(run).await, Err(BrokerError::UnknownRun { .. })));
    let again = submit(&*broker, "run", &[1]).await;
    assert_ne!(again, run);
    let woken = waiting.await.expect("no call panics").expect("claim");
    assert_eq!(woken[0].job.run, again, "the listener made its group anew");
}

async fn blocked(server: &RedisServer) -> u64 {
    let info: String = query(server, &["INFO", "clients"]).await;
    let line = info.lines().find_map(|line| line.strip_prefix("blocked_clients:"));
    line.expect("the server counts them").trim().parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_server_refuses_what_adds_and_takes_what_frees() {
    let server = RedisServer::start_with(&["--save", "", "--maxmemory", "12mb"]);
    let broker = connect(&server).await;
    let run = submit(&broker, "run", &[50]).await;
    let claims = claim(&broker, 50).await;
    let big = |claim: &Claim| Commit {
        result: Some(Bytes::from(vec![7; 1 << 20])),
        ..commit_of(claim)
    };
    let mut committed = 0;
    let refused = loop {
        match broker.commit(vec![big(&claims[committed])]).await {
            Ok(outcomes) => assert_eq!(outcomes, [CommitOutcome::Committed]),
            Err(error) => break error,
        }
        committed += 1;
    };
    let BrokerError::ResultsFull { job, needed, limit, .. } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((job, needed, limit), (Some(claims[committed].job), 1 << 20, 12 << 20));
    let kept = broker
        .keep(vec![(Identity([1; 32]), Bytes::from(vec![7; 1 << 20]))])
        .await;
    assert!(
        matches!(kept, Err(BrokerError::ResultsFull { job: None, .. })),
        "{kept:?}"
    );
    assert_eq!(server.command("CONFIG SET maxmemory 1mb"), "+OK");
    let more = broker
        .submit(crate::kit::new_run("more", &[1]))
        .await
        .expect_err("there is no room");
    assert!(more.is_retryable(), "{more:?}");
    assert!(
        broker
            .beat(&[claims[committed].held()], DEFAULT_LEASE_MS)
            .await
            .expect("beat")
            .is_empty()
    );
    broker.hand_back(&[claims[49].held()]).await.expect("hand back");
    assert_eq!(standing(&broker, run).await, (RunState::Running, committed as u64, 0));
    assert_eq!(server.command("CONFIG SET maxmemory 200mb"), "+OK");
    let outcomes = broker
        .commit(claims[committed..49].iter().map(big).collect())
        .await
        .expect("commit");
    assert!(
        outcomes.iter().all(|&outcome| outcome == CommitOutcome::Committed),
        "{outcomes:?}"
    );
    assert_eq!(server.command("CONFIG SET maxmemory 1mb"), "+OK");
    assert!(broker.cancel(run).await.expect("cancelling needs no room"));
    broker.forget(run).await.expect("forgetting needs no room");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_server_is_a_late_answer_and_the_next_call_goes_through() {
    let server = RedisServer::start();
    let impatient = RedisOptions {
        reply_timeout: Duration::from_millis(300),
        ..options(&server)
    };
    let broker = RedisBroker::connect(&impatient).await.expect("the server is fit");
    let run = submit(&broker, "run", &[2]).await;
    let claims = claim(&broker, 2).await;
    signal(&server, "STOP");
    let late = broker.commit(vec![commit_of(&claims[0])]).await;
    signal(&server, "CONT");
    assert!(late.is_err_and(|error| error.is_retryable()));
    let outcome = in_the_end(async || broker.commit(vec![commit_of(&claims[0])]).await).await;
    assert!(
        matches!(outcome[..], [CommitOutcome::Committed | CommitOutcome::AlreadyDone]),
        "{outcome:?}"
    );
    assert_eq!(
        broker.commit(vec![commit_of(&claims[1])]).await.expect("commit"),
        [CommitOutcome::Committed]
    );
    assert_eq!(standing(&broker, run).await, (RunState::Succeeded, 2, 0));
}

fn signal(server: &RedisServer, name: &str) {
    let status = Command::new("/bin/sh")
        .args(["-c", "kill -s \"$0\" \"$1\"", name, &server.pid().to_string()])
        .status();
    assert!(status.is_ok_and(|status| status.success()), "a child can be signalled");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_answer_was_cut_off_counts_once() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address()).await;
    let options = RedisOptions::new(format!("redis://{}", proxy.address).parse().expect("an address"));
    let broker = RedisBroker::connect(&options).await.expect("the server is fit");
    let run = submit(&broker, "run", &[6]).await;
    let claims = claim(&broker, 6).await;
    let first = broker.commit(vec![commit_of(&claims[0])]).await.expect("commit");
    assert_eq!(first, [CommitOutcome::Committed], "and the server knows the script");
    for claim in &claims[1..] {
        proxy.cuts_next_answer.store(true, Ordering::SeqCst);
        let cut = broker.commit(vec![commit_of(claim)]).await;
        assert!(cut.is_err_and(|error| error.is_retryable()), "the answer was cut off");
        let outcome = in_the_end(async || broker.commit(vec![commit_of(claim)]).await).await;
        assert_eq!(outcome, [CommitOutcome::AlreadyDone]);
    }
    assert_eq!(standing(&broker, run).await, (RunState::Succeeded, 6, 0));
    let events = broker
        .events(run, EventId::START, Duration::ZERO)
        .await
        .expect("events");
    assert_eq!(events.len(), 2 + 6 + 1, "submitted, opened, one for each commit, ended");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_whose_answer_was_cut_off_gives_its_jobs_back_uncharged() {
    let server = RedisServer::start();
    let proxy = Proxy::start(server.address()).await;
    let options = RedisOptions::new(format!("redis://{}", proxy.address).parse().expect("an address"));
    let broker = RedisBroker::connect(&options).await.expect("the server is fit");
    assert!(claim(&broker, 1).await.is_empty(), "and the server knows the script");
    submit(&broker, "run", &[5]).await;
    for _ in 0..5 {
        proxy.cuts_next_answer.store(true, Ordering::SeqCst);
        let cut = broker.claim(request(5, Duration::ZERO)).await;
        assert!(cut.is_err_and(|error| error.is_retryable()), "the answer was cut off");
        claims_all_uncharged(&broker, 5).await;
    }
}

#[tokio::test]
async fn a_claim_whose_caller_goes_away_gives_its_jobs_back_uncharged() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    submit(&broker, "run", &[5]).await;
    let script_calls = async || -> u64 {
        let info: String = query(&server, &["INFO", "commandstats"]).await;
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("cmdstat_evalsha:calls="));
        line.map_or(0, |line| {
            line.split(',').next().expect("a number").parse().expect("a number")
        })
    };
    claims_all_uncharged(&broker, 5).await;
    for _ in 0..5 {
        let before = script_calls().await;
        {
            let mut call = Box::pin(broker.claim(request(5, Duration::ZERO)));
            assert!(futures::poll!(&mut call).is_pending());
            patiently(async || script_calls().await > before).await;
        }
        claims_all_uncharged(&broker, 5).await;
    }
}

/// Claims until all jobs of the only run are held, sees that nobody was charged, and hands them back.
async fn claims_all_uncharged(broker: &dyn Broker, jobs: usize) {
    let mut held = Vec::new();
    patiently(async || {
        for claim in claim(broker, jobs).await {
            assert_eq!((claim.attempts, claim.kills), (0, 0));
            held.push(claim.held());
        }
        held.len() == jobs
    })
    .await;
    broker.hand_back(&held).await.expect("hand back");
}

/// Passes bytes on between clients and a server; told to, it takes the next answer and hangs up.
struct Proxy {
    address: SocketAddr,
    cuts_next_answer: Arc<AtomicBool>,
}

impl Proxy {
    async fn start(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a free port can be bound");
        let proxy = Self {
            address: listener.local_addr().expect("a bound socket has an address"),
            cuts_next_answer: Arc::default(),
        };
        let cuts = Arc::clone(&proxy.cuts_next_answer);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = TcpStream::connect(server).await.expect("the server listens");
                tokio::spawn(pass_on(client, server, Arc::clone(&cuts)));
            }
        });
        proxy
    }
}

async fn pass_on(mut client: TcpStream, mut server: TcpStream, cuts: Arc<AtomicBool>) {
    let (mut asked, mut answered) = ([0; 16_384], [0; 16_384]);
    loop {
        tokio::select! {
            Ok(bytes @ 1..) = client.read(&mut asked) => {
                if server.write_all(&asked[..bytes]).await.is_err() { return }
            }
            Ok(bytes @ 1..) = server.read(&mut answered) => {
                if cuts.swap(false, Ordering::SeqCst) || client.write_all(&answered[..bytes]).await.is_err() { return }
            }
            else => return,
        }
    }
}

#[tokio::test]
async fn scripts_are_loaded_as_they_are_used_under_the_hash_of_what_is_sent() {
    let server = RedisServer::start();
    let broker = connect(&server).await;
    submit(&broker, "run", &[1]).await;
    let known: Vec<bool> = query(
        &server,
        &["SCRIPT", "EXISTS", scripts::SUBMIT.hash(), scripts::COMMIT.hash()],
    )
    .await;
    assert_eq!(known, [true, false]);
    let loaded: Value = query(&server, &["SCRIPT", "LOAD", scripts::COMMIT.source()]).await;
    assert_eq!(
        redis::from_redis_value_ref::<String>(&loaded).expect("a hash"),
        scripts::COMMIT.hash()
    );
}
