//! What each kind of process costs while a part of a run lasts: processor time, and memory over time.
//!
//! Promises: the load tester's own cost stands beside the servers'; whatever else kept the machine busy is shown, too.
//! Must never: cost so much itself that it shows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::JoinHandle;

use crate::machine::cores;
use crate::process::{children, cpu_seconds, cpu_seconds_with_ended, machine_cpu_seconds, own_kib, resident_kib};
use crate::report::{Line, Plot, Sheet};
use crate::times::Times;

/// How often memory is read.
const SAMPLE_EVERY: Duration = Duration::from_millis(250);
/// A load tester that takes more of the one processor that it uses may be the limit itself.
const OWN_SHARE_MAX: f64 = 0.85;
/// Edits that are sent later than this at the 99th percentile are not on schedule.
const LATE_MS_MAX: f64 = 10.0;

/// The processes of a run.
#[derive(Clone, Debug, Default)]
pub struct Staff {
    /// The hubs, or a peer's server.
    pub hubs: Vec<u32>,
    /// The load balancer, if there is one.
    pub balancer: Option<u32>,
    /// The server process; its children are found.
    pub postgres: Option<u32>,
    /// The bus.
    pub redis: Option<u32>,
    /// Parts of the load tester that are processes of their own.
    pub helpers: Vec<u32>,
}

/// Processor time by kind of process, in seconds.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    /// All hubs.
    pub hub: f64,
    /// The load balancer.
    pub balancer: f64,
    /// With all its processes.
    pub postgres: f64,
    /// The bus.
    pub redis: f64,
    /// The load tester with its helpers.
    pub load: f64,
    /// Everything on the machine.
    pub machine: f64,
}

impl Cpu {
    /// Hub, balancer, Postgres and Redis.
    pub fn servers(&self) -> f64 {
        self.hub + self.balancer + self.postgres + self.redis
    }

    /// Since an earlier reading.
    pub fn since(&self, before: &Self) -> Self {
        Self {
            hub: self.hub - before.hub,
            balancer: self.balancer - before.balancer,
            postgres: self.postgres - before.postgres,
            redis: self.redis - before.redis,
            load: self.load - before.load,
            machine: self.machine - before.machine,
        }
    }
}

impl Staff {
    /// So far.
    pub fn cpu(&self) -> Cpu {
        let all = |ids: &[u32]| ids.iter().map(|id| cpu_seconds(*id)).sum::<f64>();
        let postgres = self.postgres.map_or(0.0, |id| cpu_seconds_with_ended(id) + all(&children(id)));
        Cpu {
            hub: all(&self.hubs),
            balancer: self.balancer.map_or(0.0, cpu_seconds),
            postgres,
            redis: self.redis.map_or(0.0, cpu_seconds),
            load: cpu_seconds(std::process::id()) + all(&self.helpers),
            machine: machine_cpu_seconds(),
        }
    }

    /// Resident memory of all hubs.
    pub fn hub_kib(&self) -> u64 {
        self.hubs.iter().map(|id| resident_kib(*id)).sum()
    }

    /// In MiB: hubs, Postgres (what its processes do not share, and the largest once), Redis, load.
    fn memory_mib(&self) -> [f64; 4] {
        let postgres = self.postgres.map_or(0, |id| {
            let own = children(id).iter().map(|child| own_kib(*child)).sum::<u64>();
            own + resident_kib(id)
        });
        let load = resident_kib(std::process::id()) + self.helpers.iter().map(|id| resident_kib(*id)).sum::<u64>();
        let redis = self.redis.map_or(0, resident_kib);
        [self.hub_kib(), postgres, redis, load].map(|kib| kib as f64 / 1024.0)
    }
}

/// Seconds since the beginning, and MiB of hubs, Postgres, Redis and load.
type Sample = (f64, [f64; 4]);

/// Watches from its beginning to its end.
pub struct Watch {
    staff: Staff,
    before: Cpu,
    begun: Instant,
    samples: Arc<Mutex<Vec<Sample>>>,
    sampler: JoinHandle<()>,
}

/// What was seen.
#[derive(Clone, Debug)]
pub struct Usage {
    /// How long it took, in seconds.
    pub elapsed: f64,
    /// Processor time by kind of process.
    pub cpu: Cpu,
    samples: Vec<Sample>,
}

impl Watch {
    /// Begins.
    pub fn begin(staff: Staff) -> Self {
        let (begun, samples) = (Instant::now(), Arc::new(Mutex::new(Vec::new())));
        let sampler = tokio::spawn(sample(staff.clone(), begun, samples.clone()));
        Self { before: staff.cpu(), staff, begun, samples, sampler }
    }

    /// Ends.
    pub fn end(self) -> Usage {
        let (elapsed, cpu) = (self.begun.elapsed().as_secs_f64(), self.staff.cpu().since(&self.before));
        self.sampler.abort();
        self.samples.lock().push((elapsed, self.staff.memory_mib()));
        let samples = std::mem::take(&mut *self.samples.lock());
        Usage { elapsed, cpu, samples }
    }
}

async fn sample(staff: Staff, begun: Instant, samples: Arc<Mutex<Vec<Sample>>>) {
    let mut ticks = tokio::time::interval(SAMPLE_EVERY);
    loop {
        ticks.tick().await;
        samples.lock().push((begun.elapsed().as_secs_f64(), staff.memory_mib()));
    }
}

impl Usage {
    /// Adds what each kind of process cost, by unit of what was done: a name (`edit`) and how many.
    pub fn tell(&self, sheet: &mut Sheet, group: &str, units: &[(&str, u64)]) {
        let Cpu { hub, balancer, postgres, redis, load, .. } = self.cpu;
        let kinds =
            [("hub", hub), ("nginx", balancer), ("Postgres", postgres), ("Redis", redis), ("load tester", load)];
        for (unit, count) in units {
            for (kind, seconds) in kinds.iter().filter(|(_, seconds)| *seconds > 0.0) {
                let name = format!("processor time per {unit}: {kind}");
                sheet.figure(group, &name, seconds * 1e6 / (*count).max(1) as f64, "µs");
            }
        }
        for (kind, seconds) in kinds.iter().filter(|(_, seconds)| *seconds > 0.0) {
            sheet.figure(group, &format!("processors used: {kind}"), seconds / self.elapsed, "cores");
        }
        let others = self.cpu.machine - self.cpu.servers() - load;
        sheet.figure(group, "processors used: others on this machine", others.max(0.0) / self.elapsed, "cores");
        let memory = self.samples.iter().map(|(_, [hub, ..])| *hub).fold(0.0, f64::max);
        sheet.figure(group, "hub memory, highest", memory, "MiB");
    }

    /// Says so if the load tester itself may have been the limit. `late`: how much later than planned it sent.
    pub fn judge_client(&self, sheet: &mut Sheet, group: &str, late: Option<&Times>) {
        let share = self.cpu.load / self.elapsed;
        if share > OWN_SHARE_MAX {
            sheet.remarks.push(format!(
                "CLIENT'S LIMIT in \"{group}\": the load tester took {share:.2} processors and sends from one; rates and \
                 latencies there are its own, processor times of the servers are not touched."
            ));
        }
        if let Some(late) = late.filter(|late| late.count() > 0) {
            let p99 = late.quantile_ms(0.99);
            sheet.figure(group, "sent later than planned, p99", p99, "ms");
            if p99 > LATE_MS_MAX {
                sheet.remarks.push(format!(
                    "CLIENT'S LIMIT in \"{group}\": edits went out up to {p99:.0} ms (p99) later than planned; latencies \
                     hold this, being counted from the plan."
                ));
            }
        }
        let busy = self.cpu.machine / self.elapsed / cores() as f64;
        if busy > 0.95 {
            let percent = busy * 100.0;
            sheet.remarks.push(format!(
                "In \"{group}\" the machine was busy to {percent:.0} %: rates and latencies are what the servers, the load \
                 and others reached together."
            ));
        }
    }

    /// Memory over time.
    pub fn plot(&self, title: &str) -> Plot {
        let names = ["hub", "Postgres", "Redis", "load tester"];
        let line = |(at, name): (usize, &&str)| {
            let points: Vec<(f64, f64)> = self.samples.iter().map(|(seconds, mib)| (*seconds, mib[at])).collect();
            Line::new(name, points)
        };
        let lines = names.iter().enumerate().map(line);
        let used = lines.filter(|line| line.points.iter().any(|(_, mib)| *mib > 0.0)).collect();
        Plot::over_time(title, "MiB", used)
    }
}
