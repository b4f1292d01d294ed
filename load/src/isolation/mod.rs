//! Users who must never see each other's: hubs behind nginx, everybody with a token, and a mark in all they write.
//!
//! Promises: each user has a project of their own and shares one with the rest of their group; everybody comes from an
//! address of their own, over WebSocket, Socket.IO and HTTP at once; a mark out of place ends the run.
//! Must never: let a planted fault into a run that does not ask for it.

pub mod desk;
pub mod person;
mod requests;
mod shared_cache;
pub mod tally;

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use self::person::{Newcomer, Person, Place, Room};
use self::requests::Others;
use self::shared_cache::SharedCache;
use self::tally::Tally;
use crate::LoadError;
use crate::chance::Chance;
use crate::http::Http;
use crate::hub;
use crate::lookups::Lookups;
use crate::marks::Readers;
use crate::nginx::Nginx;
use crate::ports::Ports;
use crate::token::Signer;
use crate::watch::Staff;
use crate::way::Way;
use crate::world::{Setting, World};

/// Groups that settle at once.
const SETTLING: usize = 8;
/// How often it is looked how far users are.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What stands between users and nginx.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// Nothing.
    Direct,
    /// A cache that does not know users: a planted fault.
    SharedCache,
}

/// How chance is given to groups of users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draws {
    /// Each its own.
    Own,
    /// Each the same: all draw the same ids, and ask the same in the same order. For groups of one: a shared project
    /// takes each id once.
    Same,
}

impl Draws {
    fn of(self, chance: &mut Chance) -> Chance {
        match self {
            Self::Own => chance.fork(),
            Self::Same => chance.clone(),
        }
    }
}

/// All users.
pub struct Crowd {
    people: Vec<Person>,
    group: usize,
    /// What they share.
    pub place: Place,
}

/// Everything that runs. Users end before hubs, hubs before what they stand on.
pub struct Town {
    /// The users.
    pub crowd: Crowd,
    _front: Option<SharedCache>,
    nginx: Nginx,
    /// The hubs and what they stand on.
    pub world: World,
}

impl Town {
    /// Starts hubs, a Redis and nginx. `more`: further settings for the hubs.
    pub async fn start(setting: &Setting, more: Vec<hub::Setting>, front: Front) -> Result<Self, LoadError> {
        let signer = Arc::new(Signer::default());
        let settings = [vec![signer.setting()], more].concat();
        let world = World::start_with(&Setting { redis: true, ..setting.clone() }, settings).await?;
        let hubs: Vec<&str> = world.hubs.iter().map(hub::Hub::address).collect();
        let mut ports = Ports::default();
        let nginx = Nginx::start(&mut ports, &hubs).await?;
        let sockets = nginx.address().to_owned();
        let front = match front {
            Front::Direct => None,
            Front::SharedCache => Some(SharedCache::start(&mut ports, &sockets).await?),
        };
        let calls = front.as_ref().map_or_else(|| sockets.clone(), |front| front.address().to_owned());
        let place = Place { sockets, calls, signer, marks: Arc::default(), tally: Arc::default() };
        let crowd = Crowd { people: Vec::new(), group: 1, place };
        Ok(Self { crowd, _front: front, nginx, world })
    }

    /// All processes.
    pub fn staff(&self) -> Staff {
        Staff { balancer: self.nginx.id(), ..self.world.staff() }
    }

    /// What was looked up in the caches of all hubs.
    pub async fn lookups(&self) -> Result<Lookups, LoadError> {
        let (token, mut lookups) = (self.crowd.place.signer.admin()?, Lookups::default());
        for hub in &self.world.hubs {
            lookups.add(&mut Http::connect_by(&Way::to(hub.address()), &token).await?).await?;
        }
        Ok(lookups)
    }
}

impl Crowd {
    /// Lets users in, so many to a group.
    pub async fn populate(&mut self, users: usize, group: usize, seed: u64, draws: Draws) -> Result<(), LoadError> {
        let (mut chance, mut groups, mut settled) = (Chance::new(seed), JoinSet::new(), Vec::new());
        let numbers: Vec<u32> = (0..u32::try_from(users).unwrap_or(u32::MAX)).collect();
        self.group = group;
        for members in numbers.chunks(group) {
            let (members, place, chance): (Readers, _, _) = (members.into(), self.place.clone(), draws.of(&mut chance));
            if groups.len() >= SETTLING
                && let Some(done) = groups.join_next().await
            {
                settled.append(&mut joined(done)?);
            }
            groups.spawn(settle(place, members, chance));
        }
        while let Some(done) = groups.join_next().await {
            settled.append(&mut joined(done)?);
        }
        settled.sort_by_key(|person| person.number);
        self.people = settled;
        Ok(())
    }

    /// All users ask, so many requests each; then everybody hears what is still on its way.
    pub async fn work(&mut self, each: usize) -> Result<(), LoadError> {
        let things = self.people.iter().map(|person| (person.rooms[0].project.clone(), person.session.clone()));
        let others = Others { things: Arc::new(things.collect()), group: self.group };
        let mut tasks = JoinSet::new();
        for person in self.people.drain(..) {
            tasks.spawn(person.work(each, others.clone()));
        }
        while let Some(done) = tasks.join_next().await {
            self.people.push(joined(done)?);
        }
        for person in &mut self.people {
            person.hear_out().await?;
        }
        Ok(())
    }
}

/// When half of the requests are over, Redis is stopped, is away for a while, and comes back with what it held; how
/// long it was away in seconds.
pub async fn restart_redis(world: &mut World, tally: &Tally, half: u64, away: Duration) -> Result<f64, LoadError> {
    let Some(redis) = &mut world.redis else { return Err(LoadError::Start("there is no Redis".into())) };
    while tally.done() < half {
        sleep(LOOK_EVERY).await;
    }
    let begun = Instant::now();
    redis.stop().await?;
    sleep(away).await;
    redis.start_again().await?;
    Ok(begun.elapsed().as_secs_f64())
}

async fn settle(place: Place, members: Readers, mut chance: Chance) -> Result<Vec<Person>, LoadError> {
    let (mut newcomers, mut shared, mut people) = (Vec::new(), None::<Room>, Vec::new());
    for number in members.iter() {
        let mut newcomer = Newcomer::new(&place, *number, &members, chance.fork())?;
        let own = newcomer.found(&[*number].into()).await?;
        let room = match &shared {
            None => newcomer.found(&members).await?,
            Some(room) => newcomer.enter(room).await?,
        };
        shared.get_or_insert_with(|| room.clone());
        newcomers.push((newcomer, [own, room]));
    }
    for (newcomer, rooms) in newcomers {
        people.push(newcomer.settle(rooms).await?);
    }
    Ok(people)
}

fn joined<T>(done: Result<Result<T, LoadError>, tokio::task::JoinError>) -> Result<T, LoadError> {
    done.map_err(|error| LoadError::Wrong(error.to_string()))?
}
