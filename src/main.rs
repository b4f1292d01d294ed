//! The command line: serve (default), migrate, token, import, export.
//!
//! Promises: what cannot be done is said on standard error, and the exit code is not 0.
//! Must never: hold a rule; this is the only place that exits.

use std::io::Write;
use std::net::SocketAddr;
use std::process::ExitCode;

use blockhub::app;
use blockhub::config::command::{self, Command, TokenArgs};
use blockhub::config::settings::Settings;
use blockhub::config::{Config, ConfigError};
use blockhub::domain::access::Principal;
use blockhub::domain::event::Actor;
use blockhub::domain::ids::UserId;
use blockhub::hub::clock;
use blockhub::store::StoreError;
use blockhub::telemetry::{self, TelemetryError};
use blockhub::transport::auth::{self, SigningError, claims};
use blockhub::transport::listener;
use tokio::signal::unix::{SignalKind, signal};

/// Keeps what idle connections hold smaller than the system's allocator does.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Signing(#[from] SigningError),
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} cannot be listened on: {1}. Another address: BLOCKHUB_LISTEN or --listen")]
    Listen(SocketAddr, std::io::Error),
    #[error("the process cannot be set up: {0}")]
    Process(#[from] std::io::Error),
    #[error("{0}")]
    Asked(&'static str),
}

fn main() -> ExitCode {
    let command = match command::read(std::env::args_os()) {
        Ok(command) => command,
        Err(error) => error.exit(),
    };
    match run(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("blockhub: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(settings) => serve(settings),
        Command::Migrate(settings) => {
            let database = Config::check_database(settings.with_file()?)?;
            Ok(tokio::runtime::Runtime::new()?.block_on(app::migrate(&database))?)
        }
        Command::Token(args) => token(args),
        _ => Ok(()),
    }
}

fn serve(settings: Settings) -> Result<(), Failure> {
    let config = Config::check(settings.with_file()?)?;
    telemetry::log(config.log_format)?;
    let metrics = telemetry::measure()?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(async {
        let opened = app::open_for_hub(&config.database).await?;
        let listener = listener::listen(config.listen).map_err(|error| Failure::Listen(config.listen, error))?;
        print_first_lines(&config.first_lines(listener.local_addr()?, &opened.store.describe()))?;
        config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        let told = tokio::sync::Notify::new();
        let listen_for_signals = async {
            loop {
                tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
                told.notify_one();
            }
        };
        tokio::select! {
            () = app::run(&config, listener, opened, metrics, || told.notified()) => {}
            () = listen_for_signals => {}
        }
        Ok(())
    })
}

/// Whoever started the hub may have gone already.
fn print_first_lines(lines: &str) -> std::io::Result<()> {
    let mut output = std::io::stdout().lock();
    match output.write_all(lines.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

fn token(args: TokenArgs) -> Result<(), Failure> {
    const NO_SECRET: &str =
        "BLOCKHUB_AUTH_SECRET: set it to what the hub has; tokens for a hub with a public key are signed elsewhere";
    let secret = args.settings.with_file()?.auth_secret.ok_or(Failure::Asked(NO_SECRET))?;
    let texts_fit = claims::is_user_text(&args.user) && args.name.as_deref().is_none_or(claims::is_user_text);
    if args.user.is_empty() || !texts_fit {
        return Err(Failure::Asked("--user: 1 to 256 characters, and --name not more"));
    }
    let now = clock::now();
    let principal = Principal {
        actor: Actor { id: UserId::from(&*args.user), name: args.name.map(Into::into), kind: args.kind }.into(),
        tier: args.tier,
        admin: args.admin,
        projects: args.projects.into_iter().collect::<std::collections::HashMap<_, _>>().into(),
        expires: Some(now.plus_ms(args.ttl)),
    };
    println!("{}", auth::sign(&principal, now, secret.reveal())?);
    Ok(())
}
