//! The command line.
//!
//! Promises: `blockhub` alone serves; each command's help shows the settings that it uses and no others.
//! Must never: do what a command says; that is `main`'s.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use super::settings::{ACCESS, DATABASE, LISTENING, Settings};
use crate::domain::access::{Role, Tier};
use crate::domain::event::ActorKind;
use crate::domain::ids::ProjectId;

/// A real-time collaboration server.
#[derive(Debug, Parser)]
#[command(name = "blockhub", version, args_conflicts_with_subcommands = true)]
#[command(after_help = "Without a command it serves. Every setting: blockhub serve --help")]
pub struct Cli {
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    settings: Settings,
}

/// What can be asked for.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve (the default)
    ///
    /// Every setting is a flag, a variable of the environment, or a line in the file that --config names.
    Serve(Settings),
    /// Ask the hub on this machine whether it is ready; the exit code is 0 if it is
    Health(Settings),
    /// Bring the database's tables up to date and end; `serve` does the same when it starts
    Migrate(Settings),
    /// Print a token, signed with BLOCKHUB_AUTH_SECRET
    Token(TokenArgs),
    /// Turn a document into a project and print its id
    Import(ImportArgs),
    /// Print a project as a document
    Export(ExportArgs),
    /// Say that what the database holds is not what clients saw of it
    #[command(subcommand)]
    Epoch(EpochCommand),
}

/// What can be done to epochs.
#[derive(Debug, Subcommand)]
pub enum EpochCommand {
    /// Give projects a new epoch, after a backup was restored: clients take everything in anew, and nothing that they
    /// saw and the backup does not hold is taken for saved. Hubs may run
    Bump(BumpArgs),
}

/// Whose epoch is bumped.
#[derive(Args, Debug)]
pub struct BumpArgs {
    /// Only this project [default: all]
    #[arg(long, value_name = "ID")]
    pub project: Option<ProjectId>,
    /// Which database.
    #[command(flatten)]
    pub settings: Settings,
}

/// What the token shall say.
#[derive(Args, Debug)]
pub struct TokenArgs {
    /// Whom it speaks for (`sub`), 1 to 256 characters
    #[arg(long, value_name = "ID")]
    pub user: String,
    /// What to call them
    #[arg(long)]
    pub name: Option<String>,
    /// What they pay for: free, pro or enterprise
    #[arg(long, value_name = "TIER", default_value = "free", value_parser = tier)]
    pub tier: Tier,
    /// Whether a person or a program acts: human or agent
    #[arg(long, value_name = "KIND", default_value = "human", value_parser = kind)]
    pub kind: ActorKind,
    /// A role in a project: viewer, editor or owner; may be given several times
    #[arg(long = "project", value_name = "ID=ROLE", value_parser = grant)]
    pub projects: Vec<(ProjectId, Role)>,
    /// May see the figures of the whole hub
    #[arg(long)]
    pub admin: bool,
    /// How long it is good for: 90s, 15m, 1h, 7d
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = span_ms)]
    pub ttl: i64,
    /// Where the secret is.
    #[command(flatten)]
    pub settings: Settings,
}

/// What to import.
#[derive(Args, Debug)]
pub struct ImportArgs {
    /// A Markdown or JSON file
    pub file: PathBuf,
    /// The project's title [default: the file's name]
    #[arg(long)]
    pub title: Option<String>,
    /// Whose project it becomes
    #[arg(long, value_name = "USER", default_value = "guest")]
    pub owner: String,
    /// Which database.
    #[command(flatten)]
    pub settings: Settings,
}

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocumentFormat {
    /// Markdown.
    Md,
    /// JSON.
    Json,
}

/// What to export.
#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The project's id
    pub project: ProjectId,
    /// How to write it
    #[arg(long, value_enum, default_value_t = DocumentFormat::Md)]
    pub format: DocumentFormat,
    /// Which database.
    #[command(flatten)]
    pub settings: Settings,
}

/// Reads a command line, the program's name first. An error may also be the help that was asked for.
pub fn read<T: Into<OsString> + Clone>(line: impl IntoIterator<Item = T>) -> Result<Command, clap::Error> {
    let cli = Cli::from_arg_matches(&described().try_get_matches_from(line)?)?;
    Ok(cli.command.unwrap_or(Command::Serve(cli.settings)))
}

/// The names in the environment that mean something to this version.
pub fn environment() -> HashSet<String> {
    let command = Cli::command();
    command.get_arguments().filter_map(|arg| arg.get_env()?.to_str()).map(str::to_owned).collect()
}

/// The command line, each command's help cut down to the settings it uses.
fn described() -> clap::Command {
    let used = [
        ("health", &[LISTENING][..]),
        ("migrate", &[DATABASE]),
        ("token", &[ACCESS]),
        ("import", &[DATABASE]),
        ("export", &[DATABASE]),
    ];
    let whole = Cli::command().mut_args(|arg| showing(arg, &[]));
    let whole = whole.mut_subcommand("epoch", |epoch| {
        epoch.mut_subcommand("bump", |bump| bump.mut_args(|arg| showing(arg, &[DATABASE])))
    });
    used.iter().fold(whole, |command, (name, headings)| {
        command.mut_subcommand(name, |command| command.mut_args(|arg| showing(arg, headings)))
    })
}

fn showing(arg: clap::Arg, headings: &[&str]) -> clap::Arg {
    let hidden = arg.get_help_heading().is_some_and(|heading| !headings.contains(&heading));
    arg.hide(hidden)
}

fn tier(text: &str) -> Result<Tier, String> {
    Tier::from_word(text).ok_or_else(|| "free, pro or enterprise".to_owned())
}

fn kind(text: &str) -> Result<ActorKind, String> {
    ActorKind::from_word(text).ok_or_else(|| "human or agent".to_owned())
}

fn grant(text: &str) -> Result<(ProjectId, Role), String> {
    let (project, role) = text.split_once('=').ok_or("give a project's id and a role, such as ID=editor")?;
    let project = project.parse().map_err(|_| format!("`{project}` is no project's id"))?;
    let role = Role::from_word(role).ok_or_else(|| format!("`{role}` is none of viewer, editor and owner"))?;
    Ok((project, role))
}

/// `90s`, `15m`, `1h` or `7d` in milliseconds.
fn span_ms(text: &str) -> Result<i64, String> {
    let units = [("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
    let read = |(unit, ms)| text.strip_suffix(unit)?.parse::<u32>().ok().map(|count| i64::from(count) * ms);
    let span = units.into_iter().find_map(read).filter(|ms| *ms > 0);
    span.ok_or_else(|| "give a number and a unit, such as 90s, 15m, 1h or 7d".to_owned())
}
