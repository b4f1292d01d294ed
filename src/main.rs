//! The command line: serve (default), health, migrate, token, import, export.
//!
//! Promises: what cannot be done is said on standard error, and the exit code is not 0.
//! Must never: hold a rule; this is the only place that exits.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use blockhub::app;
use blockhub::config::command::{
    self, BumpArgs, Command, DocumentFormat, EpochCommand, ExportArgs, ImportArgs, TokenArgs,
};
use blockhub::config::settings::Settings;
use blockhub::config::{Config, ConfigError, idle_names};
use blockhub::domain::access::{Access, Principal};
use blockhub::domain::event::Actor;
use blockhub::domain::ids::UserId;
use blockhub::exchange::{self, ExchangeError, Format};
use blockhub::hub::clock;
use blockhub::store::StoreError;
use blockhub::telemetry::{self, TelemetryError};
use blockhub::transport::auth::{self, SigningError, claims};
use blockhub::transport::listener;
use blockhub::transport::probe::{self, Unready};
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
    #[error(transparent)]
    Exchange(#[from] ExchangeError),
    #[error("{0}: {1}")]
    File(PathBuf, std::io::Error),
    #[error(transparent)]
    Unready(#[from] Unready),
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
        Command::Health(settings) => {
            let listens = Config::check_listen(&settings.with_file()?)?;
            tokio::runtime::Runtime::new()?.block_on(probe::ready(listens))?;
            print("ready\n")
        }
        Command::Migrate(settings) => {
            let database = Config::check_database(settings.with_file()?)?;
            Ok(tokio::runtime::Runtime::new()?.block_on(app::migrate(&database))?)
        }
        Command::Token(args) => token(args),
        Command::Import(args) => import(args),
        Command::Export(args) => export(args),
        Command::Epoch(EpochCommand::Bump(args)) => bump(args),
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
        // Before anybody can know that the hub is there: a signal that nobody listens for ends the process undrained.
        let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        print(&config.first_lines(listener.local_addr()?, &opened.store.describe()))?;
        warn(&config);
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

fn warn(config: &Config) {
    config.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
    let names: Vec<_> = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()).collect();
    for name in idle_names(names.iter().map(String::as_str)) {
        tracing::warn!("{name} is set, but this version has no such setting: it does nothing");
    }
}

/// Whoever would read it may have gone already.
fn print(lines: &str) -> Result<(), Failure> {
    let mut output = std::io::stdout().lock();
    match output.write_all(lines.as_bytes()).and_then(|()| output.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
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

fn bump(args: BumpArgs) -> Result<(), Failure> {
    let database = Config::check_database(args.settings.with_file()?)?;
    let bumped = tokio::runtime::Runtime::new()?.block_on(app::bump_epochs(&database, args.project))?;
    match (args.project, bumped) {
        (Some(_), 0) => Err(Failure::Asked("--project: there is no such project in this database")),
        _ => print(&format!("projects with a new epoch: {bumped}\n")),
    }
}

fn import(args: ImportArgs) -> Result<(), Failure> {
    let settings = args.settings.with_file()?;
    let open = settings.auth_secret.is_none() && settings.auth_public_key.is_none();
    let listen = settings.listen.clone().unwrap_or_else(|| "127.0.0.1:8080".to_owned());
    let database = Config::check_database(settings)?;
    let text = std::fs::read_to_string(&args.file).map_err(|error| Failure::File(args.file.clone(), error))?;
    let is_json = args.file.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
    let import = exchange::Import {
        title: args.title,
        owner: UserId::from(&*args.owner),
        // As projects that are made over the wire have it: on an open hub everybody edits.
        access: if open { Access::Editor } else { Access::None },
        format: if is_json { Format::Json } else { Format::Markdown },
        text,
    };
    let project = tokio::runtime::Runtime::new()?.block_on(async {
        app::migrate(&database).await?;
        Ok::<_, Failure>(exchange::import(&*app::open(&database).await?, import).await?)
    })?;
    print(&format!("{project}\nhttp://{listen}/#{project}\n"))
}

fn export(args: ExportArgs) -> Result<(), Failure> {
    let database = Config::check_database(args.settings.with_file()?)?;
    let format = match args.format {
        DocumentFormat::Md => Format::Markdown,
        DocumentFormat::Json => Format::Json,
    };
    let document = tokio::runtime::Runtime::new()?.block_on(async {
        Ok::<_, Failure>(exchange::export(&*app::open(&database).await?, args.project, format).await?)
    })?;
    print(&document)
}
