//! What the kernel says about a process: processor time and memory.
//!
//! Promises: a process that is gone counts as nothing.
//! Must never: ask a process itself.

use std::fs::read_to_string;

/// The kernel counts processor time in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;

/// Processor time of one process so far, in seconds.
pub fn cpu_seconds(id: u32) -> f64 {
    fields(id, 11..13)
}

/// The same, and that of its children that have ended.
pub fn cpu_seconds_with_ended(id: u32) -> f64 {
    fields(id, 11..15)
}

/// Sums fields of `stat`, counted after the name, which may hold anything.
fn fields(id: u32, which: std::ops::Range<usize>) -> f64 {
    let stat = read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks = after_name.split_whitespace().skip(which.start).take(which.len());
    ticks.filter_map(|field| field.parse::<u64>().ok()).sum::<u64>() as f64 / TICKS_PER_SECOND
}

/// Its children that live.
pub fn children(id: u32) -> Vec<u32> {
    let children = read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
    children.split_whitespace().filter_map(|id| id.parse().ok()).collect()
}

/// Resident memory, in KiB.
pub fn resident_kib(id: u32) -> u64 {
    status(id, "VmRSS:")
}

/// Resident memory that it shares with nobody, in KiB.
pub fn own_kib(id: u32) -> u64 {
    status(id, "RssAnon:")
}

fn status(id: u32, name: &str) -> u64 {
    let status = read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()).and_then(|kib| kib.parse().ok()).unwrap_or(0)
}

/// Processor time that the whole machine has spent so far, in seconds, over all its processors.
pub fn machine_cpu_seconds() -> f64 {
    let stat = read_to_string("/proc/stat").unwrap_or_default();
    let line = stat.lines().next().unwrap_or_default();
    let ticks: Vec<f64> = line.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|at| ticks.get(*at)).sum::<f64>();
    busy / TICKS_PER_SECOND
}

/// Files that a process may have open at once.
pub fn files_max(id: u32) -> Option<u64> {
    let limits = read_to_string(format!("/proc/{id}/limits")).ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{cpu_seconds, files_max, machine_cpu_seconds, resident_kib};

    #[test]
    fn one_knows_oneself_and_not_who_is_gone() {
        let this = std::process::id();
        assert!(resident_kib(this) > 100);
        assert!(files_max(this).is_some_and(|files| files > 10));
        assert!(machine_cpu_seconds() >= cpu_seconds(this));
        assert_eq!((resident_kib(u32::MAX), cpu_seconds(u32::MAX)), (0, 0.0));
    }
}
