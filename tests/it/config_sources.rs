//! Where settings come from, and what is said when they are wrong.

use std::process::{Command, Output};

use blockhub::config::settings::{Secret, Settings};
use blockhub::config::{Config, ConfigError, idle_names};
use blockhub::hub::Authenticator;
use blockhub::hub::clock;
use blockhub::transport::auth::{Keys, TokenKey};

const FLAG: &str = "the secret of the command line, 32 and more";
const ENVIRONMENT: &str = "the secret of the environment, 32 and more";
const FILE: &str = "the secret of the file, it too 32 and more";

/// The program, with nothing of this process's environment but where to find libraries.
fn blockhub(args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_blockhub"));
    command.args(args).env_clear().envs(environment.iter().copied()).output().unwrap()
}

fn settings_file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

/// Which secret a run of `blockhub token` signed with.
fn signed_with(args: &[&str], environment: &[(&str, &str)]) -> &'static str {
    let output = blockhub(&[&["token", "--user", "ann"], args].concat(), environment);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let token = text(&output.stdout).trim().to_owned();
    let verifies = |secret: &&&str| {
        let keys = Keys::Token(TokenKey::secret(secret));
        keys.authenticate(Some(&token), None, clock::now()).is_ok()
    };
    [FLAG, ENVIRONMENT, FILE].iter().find(verifies).unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn wrong(settings: Settings) -> Vec<&'static str> {
    match Config::check(settings) {
        Err(ConfigError::Wrong(wrong)) => wrong.iter().map(|wrong| wrong.setting).collect(),
        other => panic!("{other:?}"),
    }
}

fn given(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_file() {
    let file = settings_file(&format!("auth_secret = \"{FILE}\""));
    let path = file.path().to_str().unwrap();
    let environment = [("BLOCKHUB_AUTH_SECRET", ENVIRONMENT)];
    assert_eq!(signed_with(&["--auth-secret", FLAG, "--config", path], &environment), FLAG);
    assert_eq!(signed_with(&["--config", path], &environment), ENVIRONMENT);
    assert_eq!(signed_with(&["--config", path], &[]), FILE);
    assert_eq!(signed_with(&[], &[("BLOCKHUB_CONFIG", path)]), FILE);
    // Other settings of the environment do not stand in a command's way.
    assert_eq!(signed_with(&[], &[("BLOCKHUB_AUTH_SECRET", ENVIRONMENT), ("BLOCKHUB_LISTEN", "[::1]:1")]), ENVIRONMENT);
}

#[test]
fn an_empty_value_counts_as_not_given() {
    let file = settings_file(&format!("auth_secret = \"{FILE}\""));
    let path = file.path().to_str().unwrap();
    assert_eq!(signed_with(&["--config", path], &[("BLOCKHUB_AUTH_SECRET", "")]), FILE);
}

#[test]
fn the_defaults_are_those_of_the_manual() {
    let config = Config::check(Settings::default()).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.database.url.reveal(), "sqlite:data/blockhub.db");
    assert_eq!((config.connections_max, config.drain.as_secs(), config.idempotency_days), (20_000, 20, 30));
    assert!(matches!(config.keys, Keys::Open));
    assert!(config.warnings.is_empty());
    let manual = text(&blockhub(&["serve", "--help"], &[]).stdout);
    for default in ["127.0.0.1:8080", "sqlite:data/blockhub.db", "20000", "[default: 20]", "[default: 30]"] {
        assert!(manual.contains(default), "{default}: {manual}");
    }
}

#[test]
fn the_manual_names_each_setting_and_shows_no_value() {
    let manual = text(&blockhub(&["serve", "--help"], &[("BLOCKHUB_AUTH_SECRET", ENVIRONMENT)]).stdout);
    for name in ["BLOCKHUB_LISTEN", "DATABASE_URL", "BLOCKHUB_AUTH_PUBLIC_KEY", "BLOCKHUB_DB_POOL_MAX", "RUST_LOG"] {
        assert!(manual.contains(name), "{name}");
    }
    assert!(!manual.contains(ENVIRONMENT));
}

#[test]
fn cn6_an_open_hub_stays_on_this_machine() {
    for there in ["0.0.0.0:8080", "[::]:8080", "192.168.1.2:80", "[::ffff:8.8.8.8]:80"] {
        assert_eq!(wrong(Settings { listen: given(there), ..Settings::default() }), ["BLOCKHUB_LISTEN"], "{there}");
        let keyed = Settings { listen: given(there), auth_secret: Some(FLAG.into()), ..Settings::default() };
        Config::check(keyed).unwrap();
    }
    for here in ["127.0.0.1:0", "127.1.2.3:80", "[::1]:8080", "localhost:8080", "[::ffff:127.0.0.1]:80"] {
        Config::check(Settings { listen: given(here), ..Settings::default() }).unwrap();
    }
}

#[test]
fn cn6_an_open_hub_says_why_it_does_not_start_elsewhere() {
    let output = blockhub(&["--listen", "0.0.0.0:0"], &[]);
    assert!(!output.status.success());
    let message = text(&output.stderr);
    assert!(message.contains("BLOCKHUB_AUTH_SECRET") && message.contains("127.0.0.1:0"), "{message}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once() {
    let settings = Settings {
        listen: given("nowhere"),
        database_url: Some(Secret::from("mysql://root:hunter2@db")),
        redis_url: Some(Secret::from("redis://root:hunter2@one,two")),
        max_connections: Some(0),
        idempotency_days: Some(7),
        history_days: Some(0),
        drain_secs: Some(7_200),
        hub_id: given("hub one"),
        log_format: given("xml"),
        cache: given("perhaps"),
        cache_mb: Some(0),
        allowed_origins: given("https://app.example, *"),
        auth_public_key: given("/no/such/file"),
        ..Settings::default()
    };
    let error = Config::check(settings.clone()).unwrap_err().to_string();
    assert!(!error.contains("hunter2"));
    let mut names = wrong(settings);
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "BLOCKHUB_ALLOWED_ORIGINS",
            "BLOCKHUB_AUTH_PUBLIC_KEY",
            "BLOCKHUB_CACHE",
            "BLOCKHUB_CACHE_MB",
            "BLOCKHUB_DRAIN_SECS",
            "BLOCKHUB_HISTORY_DAYS",
            "BLOCKHUB_HUB_ID",
            "BLOCKHUB_IDEMPOTENCY_DAYS",
            "BLOCKHUB_LISTEN",
            "BLOCKHUB_LOG_FORMAT",
            "BLOCKHUB_MAX_CONNECTIONS",
            "DATABASE_URL",
            "REDIS_URL",
        ]
    );
}

#[test]
fn the_pools_bounds_fit_together() {
    let pool = |min, max| Settings { db_pool_min: min, db_pool_max: max, ..Settings::default() };
    assert_eq!(wrong(pool(Some(30), Some(10))), ["BLOCKHUB_DB_POOL_MIN"]);
    assert_eq!(wrong(pool(None, Some(3))), ["BLOCKHUB_DB_POOL_MAX"]);
    let small = Config::check(pool(None, Some(8))).unwrap().database;
    assert_eq!((small.pool_min, small.pool_max), (8, 8));
}

#[test]
fn origins_are_named_exactly() {
    let origins = |text: &str| Config::check(Settings { allowed_origins: given(text), ..Settings::default() });
    assert_eq!(
        origins("https://app.example, http://localhost:3000,").unwrap().origins,
        ["https://app.example", "http://localhost:3000"]
    );
    for odd in ["*", "null", "app.example", "https://App.example", "https://a.example/", "https://*.example", "ftp://a"]
    {
        assert!(origins(odd).is_err(), "{odd}");
    }
}

#[test]
fn a_hub_takes_tokens_of_one_kind() {
    let pem = include_str!("keys/ed.pub.pem");
    let both = Settings { auth_secret: Some(FLAG.into()), auth_public_key: given(pem), ..Settings::default() };
    assert_eq!(wrong(both), ["BLOCKHUB_AUTH_PUBLIC_KEY"]);
}

#[test]
fn a_public_key_may_be_a_pem_a_pem_on_one_line_or_a_file() {
    let pem = include_str!("keys/ed.pub.pem");
    let file = settings_file(pem);
    for key in [pem, &pem.replace('\n', "\\n"), file.path().to_str().unwrap()] {
        let config = Config::check(Settings { auth_public_key: given(key), ..Settings::default() }).unwrap();
        assert!(matches!(config.keys, Keys::Token(key) if key.algorithm() == "EdDSA"));
    }
}

#[test]
fn a_short_secret_is_warned_about() {
    let config = Config::check(Settings { auth_secret: Some("short".into()), ..Settings::default() }).unwrap();
    assert!(config.warnings[0].contains("BLOCKHUB_AUTH_SECRET") && !config.warnings[0].contains("short "));
}

#[test]
fn a_file_that_cannot_be_used_is_an_error_that_says_where() {
    let unknown = settings_file("listen = \"127.0.0.1:0\"\nlisten_on = 1\n");
    let message = blockhub(&["--config", unknown.path().to_str().unwrap()], &[]);
    assert!(!message.status.success());
    assert!(text(&message.stderr).contains("listen_on"), "{}", text(&message.stderr));
    assert!(text(&blockhub(&["--config", "/no/such/file"], &[]).stderr).contains("/no/such/file"));
}

#[test]
fn names_that_do_nothing_are_found() {
    let names =
        ["BLOCKHUB_LISTN", "REDIS_URL", "BLOCKHUB_LISTEN", "DATABASE_REPLICA_URL", "HOME", "BLOCKHUB_TEST_POSTGRES"];
    assert_eq!(idle_names(names), ["BLOCKHUB_LISTN", "DATABASE_REPLICA_URL"]);
}

#[test]
fn the_first_lines_say_where_what_and_who() {
    let config = Config::check(Settings::default()).unwrap();
    let lines = config.first_lines("127.0.0.1:4711".parse().unwrap(), "sqlite data/blockhub.db");
    let mut lines = lines.lines();
    assert_eq!(lines.next(), Some("BlockHub 0.1.0 listening on http://127.0.0.1:4711"));
    assert_eq!(lines.next(), Some("stores in sqlite data/blockhub.db"));
    assert!(lines.next().unwrap().contains("this machine only"));
    let keyed = Config::check(Settings { auth_secret: Some(FLAG.into()), ..Settings::default() }).unwrap();
    assert!(keyed.first_lines("127.0.0.1:1".parse().unwrap(), "x").contains("HS256"));
}

#[test]
fn secrets_are_not_written_into_logs() {
    let config = Config::check(Settings { auth_secret: Some(FLAG.into()), ..Settings::default() }).unwrap();
    assert!(!format!("{config:?}").contains(FLAG));
}

#[test]
fn cn5_blockhub_token_says_what_it_is_told() {
    let project = "6b9f2a52-9f3d-4c8f-8b1e-0d7a2f6c5e41";
    let grant = format!("{project}=editor");
    let args = ["token", "--user", "ann", "--name", "Ann", "--tier", "pro", "--kind", "agent", "--admin", "--project"];
    let output = blockhub(&[&args[..], &[&grant, "--ttl", "90s"]].concat(), &[("BLOCKHUB_AUTH_SECRET", FLAG)]);
    let token = text(&output.stdout);
    let keys = Keys::Token(TokenKey::secret(FLAG));
    let ann = keys.authenticate(Some(token.trim()), None, clock::now()).unwrap();
    assert_eq!((ann.user().as_str(), ann.admin, ann.projects.len()), ("ann", true, 1));
    assert!(ann.expires.unwrap() <= clock::now().plus_ms(90_000));
}

#[test]
fn blockhub_token_needs_a_secret_and_plain_words() {
    let message = |args: &[&str], environment: &[(&str, &str)]| {
        let output = blockhub(&[&["token"], args].concat(), environment);
        assert!(!output.status.success());
        text(&output.stderr)
    };
    let secret = [("BLOCKHUB_AUTH_SECRET", FLAG)];
    assert!(message(&["--user", "ann"], &[]).contains("BLOCKHUB_AUTH_SECRET"));
    assert!(message(&["--user", ""], &secret).contains("--user"));
    assert!(message(&["--user", "ann", "--ttl", "1y"], &secret).contains("90s"));
    assert!(message(&["--user", "ann", "--ttl", "0s"], &secret).contains("90s"));
    assert!(message(&["--user", "ann", "--tier", "gold"], &secret).contains("enterprise"));
    assert!(message(&["--user", "ann", "--project", "x=owner"], &secret).contains("project"));
}
