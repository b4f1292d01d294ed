//! The real program, as people run it: a process, its command line, its end.

mod documents;
mod start;
