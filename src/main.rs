//! The command line: serve (default), migrate, token, import, export.
//!
//! Promises: what cannot be done is said on standard error, and the exit code is not 0.
//! Must never: hold a rule; this is the only place that exits.

use std::process::ExitCode;

use blockhub::config::command::{self, Command, TokenArgs};
use blockhub::config::{Config, ConfigError};
use blockhub::domain::access::Principal;
use blockhub::domain::event::Actor;
use blockhub::domain::ids::UserId;
use blockhub::hub::clock;
use blockhub::transport::auth::{self, SigningError, claims};

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
        Command::Serve(settings) => {
            Config::check(settings.with_file()?)?;
            Ok(())
        }
        Command::Token(args) => token(args),
        _ => Ok(()),
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
