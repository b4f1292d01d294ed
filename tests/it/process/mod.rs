//! The real program, as people run it: a process, its command line, its end.

mod crash;
mod documents;
mod start;
